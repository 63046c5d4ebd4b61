/* SPDX-License-Identifier: BSD-3-Clause */
/* Hierarchical timing wheel. */
#include "drivers/base/timer.h"

#define SLOT_BITS 8
#define SLOT_MASK (TIMER_SLOTS - 1)
#define FARTHEST  ((UINT64_C(1) << (SLOT_BITS * TIMER_LEVELS)) - 1)

static uint64_t tick_of(nsec_t t)
{
    return t / NSEC_PER_MSEC;
}

void timer_wheel_init(struct timer_wheel *w, nsec_t now)
{
    *w = (struct timer_wheel){.tick = tick_of(now)};
}

void timer_init(struct timer *t, timer_fn *fn)
{
    t->fn = fn;
}

static void slot_insert(struct timer_wheel *w, struct timer *t)
{
    uint64_t distance = t->tick - w->tick;
    unsigned level = 0;
    while (level + 1 < TIMER_LEVELS && distance >> (SLOT_BITS * (level + 1)) != 0)
        level++;
    unsigned slot = (unsigned)(t->tick >> (SLOT_BITS * level)) & SLOT_MASK;
    struct timer **head = &w->slot[level][slot];
    t->next = *head;
    t->prev = head;
    if (t->next != NULL)
        t->next->prev = &t->next;
    *head = t;
    w->occupied[level][slot / 64] |= UINT64_C(1) << (slot % 64);
}

static void slot_remove(struct timer *t)
{
    *t->prev = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    t->next = NULL;
    t->prev = NULL;
}

void timer_arm(struct timer_wheel *w, struct timer *t, nsec_t when)
{
    uint64_t tick = tick_of(when + NSEC_PER_MSEC - 1);
    if (tick < w->tick)
        tick = w->tick;
    if (tick - w->tick > FARTHEST)
        tick = w->tick + FARTHEST;
    if (timer_armed(t)) {
        if (t->tick == tick)
            return;
        slot_remove(t);
    } else {
        w->armed++;
    }
    t->tick = tick;
    slot_insert(w, t);
}

void timer_disarm(struct timer_wheel *w, struct timer *t)
{
    if (!timer_armed(t))
        return;
    slot_remove(t);
    w->armed--;
}

/* The first occupied slot at or after `from`, counted round the wheel; TIMER_SLOTS if there is
 * none. */
static unsigned slot_scan(const struct timer_wheel *w, unsigned level, unsigned from)
{
    for (unsigned n = 0; n < TIMER_SLOTS;) {
        unsigned slot = (from + n) & SLOT_MASK;
        uint64_t word = w->occupied[level][slot / 64] >> (slot % 64);
        if (word != 0) {
            unsigned skip = (unsigned)__builtin_ctzll(word);
            return n + skip < TIMER_SLOTS ? n + skip : TIMER_SLOTS;
        }
        n += 64 - slot % 64;
    }
    return TIMER_SLOTS;
}

/* Re-insert what waits in the slot of `level` that `tick` has reached: it is nearer now. */
static void cascade(struct timer_wheel *w, unsigned level)
{
    unsigned slot = (unsigned)(w->tick >> (SLOT_BITS * level)) & SLOT_MASK;
    struct timer *t = w->slot[level][slot];
    w->slot[level][slot] = NULL;
    w->occupied[level][slot / 64] &= ~(UINT64_C(1) << (slot % 64));
    while (t != NULL) {
        struct timer *next = t->next;
        slot_insert(w, t);
        t = next;
    }
}

/* Fire the slot of the current tick. A callback may re-arm for this very tick: that fires at the
 * next one, so that a timer that always re-arms at once cannot hold the worker. */
static unsigned fire(struct timer_wheel *w, nsec_t now)
{
    unsigned slot = (unsigned)w->tick & SLOT_MASK, fired = 0;
    struct timer *due = w->slot[0][slot];
    w->slot[0][slot] = NULL;
    w->occupied[0][slot / 64] &= ~(UINT64_C(1) << (slot % 64));
    w->tick++;
    if (due != NULL)
        due->prev = &due;
    while (due != NULL) {
        struct timer *t = due;
        slot_remove(t);
        w->armed--;
        fired++;
        t->fn(t, now);
    }
    return fired;
}

unsigned timer_wheel_advance(struct timer_wheel *w, nsec_t now)
{
    uint64_t target = tick_of(now);
    unsigned fired = 0;
    while (w->tick <= target) {
        if (w->armed == 0) {
            w->tick = target + 1;
            break;
        }
        if ((w->tick & SLOT_MASK) == 0) {
            for (unsigned level = 1; level < TIMER_LEVELS; level++) {
                cascade(w, level);
                if (((w->tick >> (SLOT_BITS * level)) & SLOT_MASK) != 0)
                    break;
            }
        }
        unsigned from = (unsigned)w->tick & SLOT_MASK;
        unsigned skip = slot_scan(w, 0, from);
        uint64_t turn = w->tick + (TIMER_SLOTS - from); /* the next cascade */
        uint64_t stop = skip == TIMER_SLOTS || w->tick + skip > turn ? turn : w->tick + skip;
        if (stop > target || stop == turn) {
            w->tick = stop > target ? target + 1 : stop;
            continue;
        }
        w->tick = stop;
        fired += fire(w, now);
    }
    return fired;
}

nsec_t timer_wheel_next(const struct timer_wheel *w)
{
    if (w->armed == 0)
        return UINT64_MAX;
    uint64_t next = UINT64_MAX;
    for (unsigned level = 0; level < TIMER_LEVELS; level++) {
        /* Where its slots begin, the first has yet to come down; later it has. */
        uint64_t unit = UINT64_C(1) << (SLOT_BITS * level);
        uint64_t turn = (w->tick + unit - 1) / unit;
        unsigned skip = slot_scan(w, level, (unsigned)turn & SLOT_MASK);
        if (skip < TIMER_SLOTS && (turn + skip) * unit < next)
            next = (turn + skip) * unit;
    }
    return next * NSEC_PER_MSEC;
}
