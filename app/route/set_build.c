/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets out of entries, and generations out of sets.
 *
 * Entries are sorted by their hash, hence by row; those of one row are compiled together. A fold
 * does so with the changes, and merges those of each row into what it held.
 */
#include <hs/hs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "app/route/set.h"
#include "app/route/set_rows.h"
#include "config/memory.h"

/* A set that was folded has from MIN to MAX entries a row; beyond, it is built anew. At MAX, one
 * row in 25 asks its shard about each address. */
#define ROW_MEAN_MAX 22
#define ROW_MEAN_MIN SET_ROW_LEAST

struct change {
    uint64_t hash;
    const struct set_entry *entry;
    bool put; /* else gone */
};

/* What is gone goes before what is put in its place. */
static int by_hash(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->put - y->put;
}

static struct change *sorted_changes(const struct set_entry *put, uint32_t put_count,
                                     const struct set_entry *gone, uint32_t gone_count)
{
    struct change *changes = memory_new((size_t)put_count + gone_count, sizeof(*changes)),
                  *at = changes;
    for (uint32_t i = 0; i < gone_count; i++)
        *at++ = (struct change){hash_bytes(gone[i].key, gone[i].len), &gone[i], false};
    for (uint32_t i = 0; i < put_count; i++) {
        if (!shard_is_key(put[i].key, put[i].len))
            abort(); /* a hit would not be a whole match: mail of one mailbox to another */
        *at++ = (struct change){hash_bytes(put[i].key, put[i].len), &put[i], true};
    }
    qsort(changes, (size_t)put_count + gone_count, sizeof(*changes), by_hash);
    return changes;
}

/* --------------------------------------------------------------------------- one shard's entries
 * --
 */

struct group {
    struct set_entry *entries;
    uint64_t *hashes; /* of each; known for all but those that come from an old shard */
    uint32_t count, room;
};

static void group_reserve(struct group *g, uint32_t count)
{
    if (count <= g->room)
        return;
    g->room = 2 * count;
    g->entries = memory_must(reallocarray(g->entries, g->room, sizeof(*g->entries)));
    g->hashes = memory_must(reallocarray(g->hashes, g->room, sizeof(*g->hashes)));
}

static void group_free(struct group *g)
{
    free(g->entries);
    free(g->hashes);
}

/* What the row held. */
static void group_start(struct group *g, const struct shard *shard)
{
    g->count = 0;
    if (shard == NULL)
        return;
    g->count = shard_count(shard);
    group_reserve(g, g->count);
    shard_entries(shard, g->entries);
    for (uint32_t i = 0; i < g->count; i++)
        g->hashes[i] = hash_bytes(g->entries[i].key, g->entries[i].len);
}

static void group_apply(struct group *g, const struct change *c)
{
    const struct set_entry *e = c->entry;
    uint32_t i = 0;
    while (i < g->count && (g->hashes[i] != c->hash || g->entries[i].len != e->len ||
                            memcmp(g->entries[i].key, e->key, e->len) != 0))
        i++;
    if (c->put) {
        group_reserve(g, i + 1);
        g->count += i == g->count;
        g->entries[i] = *e;
        g->hashes[i] = c->hash;
    } else if (i < g->count) {
        g->count--;
        g->entries[i] = g->entries[g->count];
        g->hashes[i] = g->hashes[g->count];
    }
}

/* ------------------------------------------------------------------------------------------ sets
 * --
 */

static void row_add(struct row *r, uint16_t fingerprint)
{
    if (r->count < ROW_SIZE)
        r->fingerprints[r->count] = fingerprint;
    if (r->count <= ROW_SIZE)
        r->count++;
}

/* Rows are looked at in no order: in huge pages one walk of the page tables less for each. */
static struct row *make_rows(uint32_t count)
{
    const size_t huge = (size_t)2 << 20;
    size_t size = count * sizeof(struct row), align = size < huge ? sizeof(struct row) : huge;
    struct row *rows = memory_must(aligned_alloc(align, (size + align - 1) / align * align));
    if (align == huge)
        madvise(rows, size, MADV_HUGEPAGE);
    memset(rows, 0, size);
    return rows;
}

static struct set *make_set(uint32_t row_count, struct arena *arena)
{
    struct set *s = memory_new(1, sizeof(*s));
    atomic_init(&s->references, 1);
    s->arena = arena;
    s->row_count = row_count;
    s->rows = make_rows(row_count);
    return s;
}

struct set *set_new(uint32_t row_count)
{
    return make_set(row_count, arena_new());
}

bool set_fill_rows(struct set *s)
{
    struct group g = {0};
    bool ok = true;
    for (uint32_t i = 0; i < s->row_count && ok; i++) {
        struct row *row = &s->rows[i];
        if (row->shard == NULL)
            continue;
        group_start(&g, row->shard);
        for (uint32_t k = 0; k < g.count && ok; k++) {
            row_add(row, set_fingerprint_of(g.hashes[k]));
            ok = set_row_of(s, g.hashes[k]) == i;
        }
        if (hs_alloc_scratch(shard_database(row->shard), &s->scratch) != HS_SUCCESS)
            ok = false;
    }
    group_free(&g);
    return ok;
}

/* The row becomes what the group says. */
static bool replace_row(struct set *s, uint32_t index, const struct group *g, char **why)
{
    struct row *row = &s->rows[index];
    struct shard *shard = NULL;
    if (g->count != 0 && (shard = shard_build(s->arena, g->entries, g->count, why)) == NULL)
        return false;
    if (row->shard != NULL)
        s->count -= shard_count(row->shard);
    shard_free(row->shard);
    *row = (struct row){.shard = shard};
    for (uint32_t i = 0; i < g->count; i++)
        row_add(row, set_fingerprint_of(g->hashes[i]));
    s->count += g->count;
    s->unsaved++;
    if (shard != NULL && hs_alloc_scratch(shard_database(shard), &s->scratch) != HS_SUCCESS)
        memory_must(NULL);
    return true;
}

/* The next row that changes, as it will be; *at goes behind its changes. */
static uint32_t next_row(const struct set *s, struct group *g, const struct change *changes,
                         size_t count, size_t *at)
{
    uint32_t row = set_row_of(s, changes[*at].hash);
    group_start(g, s->rows[row].shard);
    for (; *at < count && set_row_of(s, changes[*at].hash) == row; (*at)++)
        group_apply(g, &changes[*at]);
    return row;
}

/* To a set that nobody else knows yet; false: it is freed. */
static bool apply(struct set *s, const struct change *changes, size_t count, char **why)
{
    struct group group = {0};
    bool ok = true;
    for (size_t i = 0; i < count && ok;) {
        uint32_t row = next_row(s, &group, changes, count, &i);
        ok = replace_row(s, row, &group, why);
    }
    group_free(&group);
    if (!ok)
        set_free(s);
    return ok;
}

struct set *set_build(const struct set_entry *entries, uint32_t count, char **why)
{
    struct set *s = set_new(count / ROW_MEAN + 1);
    struct change *changes = sorted_changes(entries, count, NULL, 0);
    bool ok = apply(s, changes, count, why);
    free(changes);
    return ok ? s : NULL;
}

/* A set with the same shards; those that are almost alone in their memory move out of it. */
static struct set *share(const struct set *old)
{
    struct set *s = make_set(old->row_count, arena_ref(old->arena));
    s->count = old->count;
    s->unsaved = atomic_load(&old->unsaved);
    memcpy(s->rows, old->rows, s->row_count * sizeof(struct row));
    for (uint32_t i = 0; i < s->row_count; i++) {
        struct shard *shard = s->rows[i].shard;
        if (shard != NULL)
            s->rows[i].shard =
                arena_is_sparse(shard) ? shard_move(s->arena, shard) : shard_ref(shard);
    }
    if (old->scratch != NULL && hs_clone_scratch(old->scratch, &s->scratch) != HS_SUCCESS)
        memory_must(NULL);
    return s;
}

/* How many entries there will be. */
static uint32_t count_after(const struct set *old, const struct change *changes, size_t count)
{
    struct group group = {0};
    uint32_t result = old->count;
    for (size_t i = 0; i < count;) {
        uint32_t row = next_row(old, &group, changes, count, &i);
        if (old->rows[row].shard != NULL)
            result -= shard_count(old->rows[row].shard);
        result += group.count;
    }
    group_free(&group);
    return result;
}

static struct set *build_anew(const struct set *old, const struct change *changes, size_t count,
                              uint32_t new_count, char **why)
{
    struct set_entry *entries = memory_new(new_count, sizeof(*entries)), *at = entries;
    struct group group = {0};
    size_t i = 0;
    for (uint32_t row = 0; row < old->row_count; row++) {
        if (i < count && set_row_of(old, changes[i].hash) == row)
            next_row(old, &group, changes, count, &i);
        else
            group_start(&group, old->rows[row].shard);
        if (group.count != 0)
            memcpy(at, group.entries, group.count * sizeof(*at));
        at += group.count;
    }
    group_free(&group);
    struct set *s = set_build(entries, new_count, why);
    free(entries);
    return s;
}

struct set *set_fold(const struct set *old, const struct set_entry *put, uint32_t put_count,
                     const struct set_entry *gone, uint32_t gone_count, char **why)
{
    size_t count = (size_t)put_count + gone_count;
    struct change *changes = sorted_changes(put, put_count, gone, gone_count);
    uint32_t new_count = count_after(old, changes, count);
    uint64_t rows = old->row_count;
    struct set *s = NULL;
    if (new_count > ROW_MEAN_MAX * rows || (new_count < ROW_MEAN_MIN * rows && rows > 1))
        s = build_anew(old, changes, count, new_count, why);
    else if (!apply(s = share(old), changes, count, why))
        s = NULL;
    if (s != NULL && old->cache != NULL)
        s->cache = memory_copy_text(old->cache, strlen(old->cache));
    free(changes);
    return s;
}
