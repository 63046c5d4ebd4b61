/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hierarchical timing wheel (Varghese & Lauck 1987, scheme 7): O(1) to arm, disarm and fire.
 *
 * One wheel per worker, one millisecond per tick. Time is an argument: the wheel never reads a
 * clock. A timer is embedded in its owner; arming one that is armed moves it. A callback may arm or
 * disarm any timer, its own included, and may free its owner.
 *
 *   level 0: 256 slots of 1 ms      level 1: 256 slots of 256 ms
 *   level 2: 256 slots of 65.5 s    level 3: 256 slots of 4.66 h   (farther: clamped to 49 days)
 */
#ifndef SPLITMX_BASE_TIMER_H
#define SPLITMX_BASE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nanoseconds on a monotonic clock whose origin is arbitrary. */
typedef uint64_t nsec_t;
#define NSEC_PER_SEC  UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)

#define TIMER_LEVELS 4
#define TIMER_SLOTS  256

struct timer;
typedef void timer_fn(struct timer *t, nsec_t now);

struct timer {
    struct timer *next, **prev; /* prev == NULL: not armed */
    uint64_t tick;              /* fires when the wheel reaches this tick */
    timer_fn *fn;
};

struct timer_wheel {
    uint64_t tick; /* all ticks below this one have fired */
    unsigned armed;
    uint64_t occupied[TIMER_LEVELS][TIMER_SLOTS / 64]; /* a hint: a set bit may be stale */
    struct timer *slot[TIMER_LEVELS][TIMER_SLOTS];
};

void timer_wheel_init(struct timer_wheel *w, nsec_t now);

/* `t` must be zeroed memory before its first use; fn stays until it is set again. */
void timer_init(struct timer *t, timer_fn *fn);

static inline bool timer_armed(const struct timer *t)
{
    return t->prev != NULL;
}

/* Fire at the first advance whose `now` is at or after `when`, rounded up to a whole tick. */
void timer_arm(struct timer_wheel *w, struct timer *t, nsec_t when);

/* Does nothing if `t` is not armed. */
void timer_disarm(struct timer_wheel *w, struct timer *t);

/* Fire everything due at `now`, in the order of ticks. Returns how many fired. */
unsigned timer_wheel_advance(struct timer_wheel *w, nsec_t now);

/* No timer fires before this time (a lower bound; UINT64_MAX if none is armed): how long an idle
 * worker may sleep. */
nsec_t timer_wheel_next(const struct timer_wheel *w);

#endif
