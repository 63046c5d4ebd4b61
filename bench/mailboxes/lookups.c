/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Batches of look-ups are timed, their median counts. The keys of a batch lie in a row that was
 * just written, as those of an envelope do.
 */
#include "bench/mailboxes/lookups.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "config/memory.h"

#define BATCH_MAX    1024
#define BATCHES      301
#define HOT          64
#define KEY_ROOM     128
#define WALK         ((size_t)96 << 20) /* more than any cache holds */
#define COLD_BATCHES 41

static const char *const names[] = {
#define X(name, word, sentence) word,
    LOOKUPS_PATTERNS(X)
#undef X
};

const char *lookups_pattern_name(enum lookups_pattern pattern)
{
    return names[pattern];
}

struct batch {
    char text[BATCH_MAX][KEY_ROOM];
    struct span keys[BATCH_MAX];
    unsigned count;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint32_t pick(const struct names *who, enum lookups_pattern pattern, uint64_t *random)
{
    uint64_t r = names_random(random);
    if (pattern == LOOKUPS_HOT)
        return (uint32_t)(r % HOT * 7919 % who->count);
    if (pattern != LOOKUPS_ZIPF)
        return (uint32_t)(r % who->count);
    double rank = exp((double)(r >> 11) * 0x1p-53 * log((double)who->count + 1)) - 1;
    return rank < who->count ? (uint32_t)rank : who->count - 1;
}

/* Reads lines in an order that prefetchers do not follow far, and leaves nothing else in a cache.
 */
static void empty_caches(void)
{
    static uint64_t *memory;
    volatile uint64_t sink = 0;
    if (memory == NULL) {
        memory = memory_new(WALK, 1);
        memset(memory, 1, WALK);
    }
    for (size_t i = 0; i < WALK / sizeof(*memory); i += 8)
        sink += memory[i];
}

static void fill(struct batch *b, const struct names *who, enum lookups_pattern pattern,
                 uint64_t *random)
{
    if (pattern == LOOKUPS_COLD)
        empty_caches();
    for (unsigned i = 0; i < b->count; i++) {
        const struct set_entry *e = &who->entries[pick(who, pattern, random)];
        memcpy(b->text[i], e->key, e->len);
        b->keys[i] = (struct span){b->text[i], e->len};
    }
}

static unsigned run(const struct subject *s, const struct batch *b, bool burst)
{
    unsigned found = 0;
    if (!burst || s->find_burst == NULL) {
        for (unsigned i = 0; i < b->count; i++)
            found += s->find(s->state, b->keys[i]);
        return found;
    }
    for (unsigned i = 0; i < b->count; i += SUBJECT_BURST) {
        unsigned left = b->count - i;
        found += s->find_burst(s->state, &b->keys[i], left < SUBJECT_BURST ? left : SUBJECT_BURST);
    }
    return found;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Few enough that a batch that began cold stays so. */
static unsigned batch_size(const struct subject *s, enum lookups_pattern pattern)
{
    unsigned few = s->count / 16;
    if (pattern != LOOKUPS_COLD || few > BATCH_MAX)
        return BATCH_MAX;
    return few < SUBJECT_BURST ? SUBJECT_BURST : few;
}

double lookups_measure(const struct subject *s, const struct names *who,
                       enum lookups_pattern pattern, bool burst, bool found)
{
    static struct batch b;
    static uint64_t random = 88172645463325252u;
    double took[BATCHES];
    unsigned batches = pattern == LOOKUPS_COLD ? COLD_BATCHES : BATCHES;
    b.count = batch_size(s, pattern);
    for (unsigned i = 0; i < batches; i++) {
        fill(&b, who, pattern, &random);
        double began = now();
        unsigned there = run(s, &b, burst);
        took[i] = (now() - began) / b.count;
        if (there != (found ? b.count : 0)) {
            fprintf(stderr, "mailboxes_bench: %s knows %u of %u\n", s->name, there, b.count);
            exit(EX_SOFTWARE);
        }
    }
    qsort(took, batches, sizeof(took[0]), by_value);
    return took[batches / 2];
}
