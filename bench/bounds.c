/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What no router of messages could be faster than, as JSON: one look at each byte of a message that
 * is in no cache, and one look-up of a recipient by Hyperscan.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <hs/hs.h>

#include "app/route/set.h"

#define MEMORY  (256u << 20) /* of messages: more than caches hold */
#define PASSES  5            /* the best counts */
#define LOOKUPS 1000000
#define KEY     32

static const char usage[] =
    "usage: bounds [MAILBOXES...]\n"
    "Prints, as JSON, what one pass over a message's bytes costs, and one look-up among so many\n"
    "mailboxes (default: 1000 100000).\n";

static const char *separator = "[";

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void say(const char *what, const char *of, double seconds, double count)
{
    printf("%s{\"system\": \"%s\", \"load\": {\"name\": \"%s\"}, \"ns_per_message\": %.1f}\n",
           separator, what, of, seconds / count * 1e9);
    separator = ",";
}

/* ----------------------------------------------------------------------------- a pass of memory --
 */

static uint64_t look(const uint64_t *words, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += words[i];
    return sum;
}

/* Messages lie in a row, and are looked at one after the other. */
static void memory_pass(const uint64_t *memory, size_t size, const char *name)
{
    double best = 1e9;
    volatile uint64_t sink = 0;
    size_t count = MEMORY / size;
    for (unsigned pass = 0; pass < PASSES; pass++) {
        double began = now();
        for (size_t i = 0; i < count; i++)
            sink += look(memory + i * size / sizeof(*memory), size / sizeof(*memory));
        double took = now() - began;
        best = took < best ? took : best;
    }
    say("one pass over memory", name, best, (double)count);
}

static bool memory_passes(void)
{
    static const struct {
        size_t size;
        const char *name;
    } sizes[] = {{1 << 10, "1 kB"}, {10 << 10, "10 kB"}, {100 << 10, "100 kB"}, {1 << 20, "1 MB"}};
    uint64_t *memory = malloc(MEMORY);
    if (memory == NULL)
        return false;
    memset(memory, 'x', MEMORY);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        memory_pass(memory, sizes[i].size, sizes[i].name);
    free(memory);
    return true;
}

/* ----------------------------------------------------------------------------------- look-ups --
 */

/* xorshift: the same look-ups in every run. */
static uint32_t next_random(void)
{
    static uint32_t x = 2463534242u;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

static void search(const struct set *set, struct hs_scratch *scratch,
                   const struct set_entry *entries, uint32_t count)
{
    double best = 1e9;
    for (unsigned pass = 0; pass < PASSES; pass++) {
        unsigned found = 0;
        double began = now();
        for (unsigned i = 0; i < LOOKUPS; i++) {
            const struct set_entry *e = &entries[next_random() % count];
            found += set_find(set, scratch, e->key, e->len) == SET_LOCAL;
        }
        double took = now() - began;
        best = took < best ? took : best;
        if (found != LOOKUPS)
            abort(); /* each of them is in the set */
    }
    char name[32];
    snprintf(name, sizeof(name), "%" PRIu32 " mailboxes", count);
    say("one look-up by Hyperscan", name, best, LOOKUPS);
}

static bool look_up(uint32_t count)
{
    struct set_entry *entries = calloc(count, sizeof(*entries));
    char *keys = calloc(count, KEY), *why = NULL;
    struct hs_scratch *scratch = NULL;
    struct set *set = NULL;
    bool ok = entries != NULL && keys != NULL;
    for (uint32_t i = 0; ok && i < count; i++) {
        char *key = keys + (size_t)i * KEY;
        entries[i].key = key;
        entries[i].len = (uint16_t)snprintf(key, KEY, "\nuser%" PRIu32 "@example.com\n", i + 1);
    }
    if (ok) {
        set = set_build(entries, count, &why);
        ok = set != NULL && set_scratch(set, &scratch);
    }
    if (ok)
        search(set, scratch, entries, count);
    hs_free_scratch(scratch);
    set_free(set);
    free(why);
    free(keys);
    free(entries);
    return ok;
}

int main(int argc, char **argv)
{
    static char *some[] = {"1000", "100000", NULL};
    char **counts = argc > 1 ? argv + 1 : some;
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return EX_OK;
    }
    bool ok = memory_passes();
    for (; ok && *counts != NULL; counts++) {
        unsigned long count = strtoul(*counts, NULL, 10);
        if (count == 0 || count > 100000000) {
            fputs(usage, stderr);
            return EX_USAGE;
        }
        ok = look_up((uint32_t)count);
    }
    puts("]");
    return ok ? EX_OK : EX_OSERR;
}
