/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Literals in small Hyperscan databases, behind rows of fingerprints.
 */
#include "app/route/set.h"

#include <hs/hs.h>
#include <stdlib.h>

#include "app/route/set_rows.h"

struct set *set_ref(struct set *s)
{
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
    return s;
}

void set_free(struct set *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < s->row_count; i++)
        shard_free(s->rows[i].shard);
    hs_free_scratch(s->scratch);
    arena_free(s->arena);
    free(s->rows);
    free(s->cache);
    free(s);
}

uint32_t set_count(const struct set *s)
{
    return s->count;
}

size_t set_memory(const struct set *s)
{
    size_t size = sizeof(*s) + s->row_count * sizeof(struct row);
    for (uint32_t i = 0; i < s->row_count; i++)
        if (s->rows[i].shard != NULL)
            size += shard_memory(s->rows[i].shard);
    return size;
}

bool set_scratch(const struct set *s, struct hs_scratch **scratch)
{
    if (s->scratch == NULL)
        return true;
    if (*scratch == NULL)
        return hs_clone_scratch(s->scratch, scratch) == HS_SUCCESS;
    for (uint32_t i = 0; i < s->row_count; i++)
        if (s->rows[i].shard != NULL &&
            hs_alloc_scratch(shard_database(s->rows[i].shard), scratch) != HS_SUCCESS)
            return false;
    return true;
}

/* Without an early exit: the compiler makes four vector comparisons of it. */
static bool row_may_have(const struct row *r, uint16_t fingerprint)
{
    unsigned alike = 0;
    for (unsigned i = 0; i < ROW_SIZE; i++)
        alike |= (r->fingerprints[i] == fingerprint) & (i < r->count);
    return alike != 0 || r->count > ROW_SIZE;
}

enum set_answer set_find(const struct set *s, struct hs_scratch *scratch, const char *key,
                         size_t len)
{
    uint64_t hash = hash_bytes(key, len);
    const struct row *row = &s->rows[set_row_of(s, hash)];
    if (!row_may_have(row, set_fingerprint_of(hash)) || len > SET_KEY_MAX)
        return SET_MISS;
    shard_prefetch(row->shard, row->count);
    return shard_find(row->shard, scratch, key, len);
}

/*
 * Rows first, all at once. Then the shards of those that may be hits, a few ahead of the one that
 * is searched: a core waits for some tens of lines at a time, and each shard has about as many.
 */
#define AHEAD 3

void set_find_burst(const struct set *s, struct hs_scratch *scratch, const struct span *keys,
                    unsigned count, enum set_answer *answers)
{
    uint64_t hashes[SET_BURST_MAX];
    const struct row *hits[SET_BURST_MAX];
    unsigned of[SET_BURST_MAX], hit_count = 0;
    for (unsigned i = 0; i < count; i++) {
        hashes[i] = hash_bytes(keys[i].at, keys[i].len);
        __builtin_prefetch(&s->rows[set_row_of(s, hashes[i])]);
    }
    for (unsigned i = 0; i < count; i++) {
        const struct row *row = &s->rows[set_row_of(s, hashes[i])];
        answers[i] = SET_MISS;
        if (!row_may_have(row, set_fingerprint_of(hashes[i])) || keys[i].len > SET_KEY_MAX)
            continue;
        if (hit_count < AHEAD)
            shard_prefetch(row->shard, row->count);
        hits[hit_count] = row;
        of[hit_count++] = i;
    }
    for (unsigned i = 0; i < hit_count; i++) {
        const struct span *key = &keys[of[i]];
        if (i + AHEAD < hit_count)
            shard_prefetch(hits[i + AHEAD]->shard, hits[i + AHEAD]->count);
        answers[of[i]] = shard_find(hits[i]->shard, scratch, key->at, key->len);
    }
}
