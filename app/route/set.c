/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Literals in small Hyperscan databases, behind rows of fingerprints.
 *
 *     hash ──┬─> row:  up to 31 fingerprints of 16 bits and their number: 64 bytes, a cache line
 *            │         no fingerprint alike: a miss, certainly
 *            └─> shard = row / 4:  database of the literals of four rows, 64 on average
 *                      a match is a hit, certainly
 *
 * Measured with 1 M addresses (2-core x86-64 VM): one database of all literals does not finish
 * compiling in minutes and takes 250 µs a search at 50,000; shards of 64 take 13 µs an entry to
 * compile, 177 bytes an entry, and 0.4 to 1.9 µs a search, whatever the number. A mailbox that
 * moves costs the compiling of its own shard.
 *
 * A key begins and ends with a newline and holds none inside, so a literal that is found anywhere
 * in a key is the whole of it.
 */
#include "app/route/set.h"

#include <assert.h>
#include <hs/hs.h>
#include <stdlib.h>
#include <string.h>

#include "app/route/hash.h"
#include "config/memory.h"

#define ROW_SIZE       31
#define ROW_MEAN       16 /* so full on average; more than ROW_SIZE in one of 8,000 rows */
#define ROWS_PER_SHARD 4

struct row {
    uint16_t count; /* above ROW_SIZE: the row does not know them all, ask the shard */
    uint16_t fingerprints[ROW_SIZE];
} __attribute__((aligned(64)));
static_assert(sizeof(struct row) == 64, "a row is a cache line");

struct set {
    uint32_t count;
    uint32_t row_count; /* at least 1 */
    struct row *rows;
    hs_database_t **shards; /* NULL: empty */
};

static uint32_t shard_count(const struct set *s)
{
    return (s->row_count + ROWS_PER_SHARD - 1) / ROWS_PER_SHARD;
}

/* The high half of the hash, scaled to the number of rows (Lemire 2019). */
static uint32_t row_of(const struct set *s, uint64_t hash)
{
    return (uint32_t)(((hash >> 32) * s->row_count) >> 32);
}

static uint16_t fingerprint_of(uint64_t hash)
{
    return (uint16_t)hash;
}

static void row_add(struct row *r, uint16_t fingerprint)
{
    if (r->count < ROW_SIZE)
        r->fingerprints[r->count] = fingerprint;
    if (r->count <= ROW_SIZE)
        r->count++;
}

/* Without an early exit: the compiler makes four vector comparisons of it. */
static bool row_may_have(const struct row *r, uint16_t fingerprint)
{
    unsigned alike = 0;
    for (unsigned i = 0; i < ROW_SIZE; i++)
        alike |= (r->fingerprints[i] == fingerprint) & (i < r->count);
    return alike != 0 || r->count > ROW_SIZE;
}

/*
 * Literals of one shard, as Hyperscan wants them. An identifier says the side, in its lowest bit,
 * but each literal has its own: those that share one are merged into one automaton, which takes
 * four times as long to compile (12 against 43 µs an entry).
 */
struct literals {
    unsigned count, room;
    const char **text;
    size_t *len;
    unsigned *flags, *ids;
};

static void literals_add(struct literals *l, const struct set_entry *e)
{
    if (l->count == l->room) {
        l->room = l->room != 0 ? 2 * l->room : 128;
        l->text = memory_must(reallocarray(l->text, l->room, sizeof(*l->text)));
        l->len = memory_must(reallocarray(l->len, l->room, sizeof(*l->len)));
        l->flags = memory_must(reallocarray(l->flags, l->room, sizeof(*l->flags)));
        l->ids = memory_must(reallocarray(l->ids, l->room, sizeof(*l->ids)));
    }
    l->text[l->count] = e->key;
    l->len[l->count] = e->len;
    l->flags[l->count] = 0;
    l->ids[l->count] = 2 * l->count + e->external;
    l->count++;
}

static void literals_free(struct literals *l)
{
    free(l->text);
    free(l->len);
    free(l->flags);
    free(l->ids);
}

static bool compile_shard(const struct literals *l, hs_database_t **out, char **why)
{
    hs_compile_error_t *error = NULL;
    *out = NULL;
    if (l->count == 0 || hs_compile_lit_multi(l->text, l->flags, l->ids, l->len, l->count,
                                              HS_MODE_BLOCK, NULL, out, &error) == HS_SUCCESS)
        return true;
    *why = memory_copy_text(error->message, strlen(error->message));
    hs_free_compile_error(error);
    return false;
}

struct placed {
    uint64_t hash;
    const struct set_entry *entry;
};

/* By hash, hence by row, hence by shard. */
static int by_hash(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static bool compile_shards(struct set *s, const struct placed *placed, char **why)
{
    struct literals literals = {0};
    bool ok = true;
    uint32_t i = 0;
    for (uint32_t shard = 0; shard < shard_count(s) && ok; shard++) {
        literals.count = 0;
        for (; i < s->count && row_of(s, placed[i].hash) / ROWS_PER_SHARD == shard; i++)
            literals_add(&literals, placed[i].entry);
        ok = compile_shard(&literals, &s->shards[shard], why);
    }
    literals_free(&literals);
    return ok;
}

static bool is_key(const struct set_entry *e)
{
    return e->len >= 2 && e->key[0] == '\n' &&
           memchr(e->key + 1, '\n', e->len - 1u) == e->key + e->len - 1;
}

struct set *set_build(const struct set_entry *entries, uint32_t count, char **why)
{
    struct set *s = memory_new(1, sizeof(*s));
    s->count = count;
    s->row_count = count / ROW_MEAN + 1;
    s->rows = memory_must(aligned_alloc(sizeof(struct row), s->row_count * sizeof(struct row)));
    memset(s->rows, 0, s->row_count * sizeof(struct row));
    s->shards = memory_new(shard_count(s), sizeof(*s->shards));

    struct placed *placed = memory_new(count, sizeof(*placed));
    for (uint32_t i = 0; i < count; i++) {
        if (!is_key(&entries[i]))
            abort(); /* a hit would not be a whole match: mail of one mailbox to another */
        placed[i] = (struct placed){hash_bytes(entries[i].key, entries[i].len), &entries[i]};
        row_add(&s->rows[row_of(s, placed[i].hash)], fingerprint_of(placed[i].hash));
    }
    qsort(placed, count, sizeof(*placed), by_hash);
    bool ok = compile_shards(s, placed, why);
    free(placed);
    if (ok)
        return s;
    set_free(s);
    return NULL;
}

void set_free(struct set *s)
{
    if (s == NULL)
        return;
    for (uint32_t i = 0; i < shard_count(s); i++)
        hs_free_database(s->shards[i]);
    free(s->shards);
    free(s->rows);
    free(s);
}

uint32_t set_count(const struct set *s)
{
    return s->count;
}

bool set_scratch(const struct set *s, struct hs_scratch **scratch)
{
    for (uint32_t i = 0; i < shard_count(s); i++)
        if (s->shards[i] != NULL && hs_alloc_scratch(s->shards[i], scratch) != HS_SUCCESS)
            return false;
    return true;
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *context)
{
    (void)from;
    (void)to;
    (void)flags;
    *(enum set_answer *)context = (id & 1) != 0 ? SET_EXTERNAL : SET_LOCAL;
    return 1; /* keys are distinct: there is no other */
}

enum set_answer set_find(const struct set *s, struct hs_scratch *scratch, const char *key,
                         size_t len)
{
    uint64_t hash = hash_bytes(key, len);
    uint32_t row = row_of(s, hash);
    if (!row_may_have(&s->rows[row], fingerprint_of(hash)))
        return SET_MISS;
    const hs_database_t *shard = s->shards[row / ROWS_PER_SHARD];
    if (shard == NULL)
        return SET_MISS;
    enum set_answer answer = SET_MISS;
    hs_error_t error = hs_scan(shard, key, (unsigned)len, 0, scratch, on_match, &answer);
    if (error == HS_SUCCESS || error == HS_SCAN_TERMINATED)
        return answer;
    return SET_FAILED;
}
