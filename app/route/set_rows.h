/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A set as set.c and set_build.c see it.
 *
 *     hash ──> row:  up to 27 fingerprints of 16 bits and their number: 64 bytes, a cache line
 *               │    no fingerprint alike: a miss, certainly
 *               └──> shard: database of the literals of the row, 18 on average
 *                    a match is a hit, certainly
 */
#ifndef SPLITMX_ROUTE_SET_ROWS_H
#define SPLITMX_ROUTE_SET_ROWS_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#include "app/route/arena.h"
#include "app/route/hash.h"
#include "app/route/shard.h"

#define ROW_SIZE 27
#define ROW_MEAN 18 /* so full on average; more than ROW_SIZE in one of 60 rows */

#define SET_ROW_LEAST 6 /* on average, however many are gone */

struct row {
    struct shard *shard; /* NULL: empty */
    uint16_t count;      /* above ROW_SIZE: the row does not know them all, ask the shard */
    uint16_t fingerprints[ROW_SIZE];
} __attribute__((aligned(64)));
static_assert(sizeof(struct row) == 64, "a row is a cache line");

struct set {
    atomic_uint references;
    uint32_t count;
    uint32_t row_count;  /* at least 1 */
    atomic_uint unsaved; /* rows that were compiled since the set was last in a file */
    char *cache;         /* the file where it is kept for the next start; NULL: nowhere */
    struct row *rows;
    struct arena *arena; /* the next generation's shards go there, too */
    struct hs_scratch
        *scratch; /* large enough for all shards, for others to copy; NULL: there are none */
};

/* One without entries, but with all its rows. */
struct set *set_new(uint32_t row_count);

/* Make the rows of a new set know their shards. False: an entry is in a wrong row, or a shard
 * cannot be searched. */
bool set_fill_rows(struct set *s);

/* The high half of the hash, scaled to the number of rows (Lemire 2019). */
static inline uint32_t set_row_of(const struct set *s, uint64_t hash)
{
    return (uint32_t)(((hash >> 32) * s->row_count) >> 32);
}

static inline uint16_t set_fingerprint_of(uint64_t hash)
{
    return (uint16_t)hash;
}

#endif
