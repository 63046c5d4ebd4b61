/* SPDX-License-Identifier: BSD-3-Clause */
/* Three ways to know mailboxes. */
#include "bench/mailboxes/subject.h"

#include <hs/hs.h>
#include <stdlib.h>
#include <string.h>

#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>

#include "config/memory.h"

/* ------------------------------------------------------------------------------------- our set --
 */

struct set_state {
    struct set *set;
    struct hs_scratch *scratch;
};

static bool set_find_one(void *state, struct span key)
{
    struct set_state *s = state;
    return set_find(s->set, s->scratch, key.at, key.len) == SET_LOCAL;
}

static unsigned set_find_many(void *state, const struct span *keys, unsigned count)
{
    struct set_state *s = state;
    enum set_answer answers[SUBJECT_BURST];
    unsigned found = 0;
    set_find_burst(s->set, s->scratch, keys, count, answers);
    for (unsigned i = 0; i < count; i++)
        found += answers[i] == SET_LOCAL;
    return found;
}

static void set_state_free(void *state)
{
    struct set_state *s = state;
    hs_free_scratch(s->scratch);
    set_free(s->set);
    free(s);
}

bool subject_set(struct subject *s, const struct set_entry *entries, unsigned count,
                 const char **why)
{
    struct set_state *state = memory_new(1, sizeof(*state));
    char *reason = NULL;
    *why = "it does not compile";
    *s = (struct subject){"set", state, 0, count, set_find_one, set_find_many, set_state_free};
    state->set = set_build(entries, count, &reason);
    free(reason);
    if (state->set == NULL || !set_scratch(state->set, &state->scratch)) {
        set_state_free(state);
        return false;
    }
    s->bytes = set_memory(state->set);
    return true;
}

/* ------------------------------------------------------------------------------------ rte_hash --
 */

#define HASH_KEY 64 /* a hash table has keys of one length: longer mailboxes are cut */

struct hash_state {
    struct rte_hash *hash;
};

static void hash_key(struct span key, char *out)
{
    size_t len = key.len < HASH_KEY ? key.len : HASH_KEY;
    memcpy(out, key.at, len);
    memset(out + len, 0, HASH_KEY - len);
}

static bool hash_find_one(void *state, struct span key)
{
    struct hash_state *s = state;
    char padded[HASH_KEY];
    hash_key(key, padded);
    return rte_hash_lookup(s->hash, padded) >= 0;
}

static unsigned hash_find_many(void *state, const struct span *keys, unsigned count)
{
    struct hash_state *s = state;
    char padded[SUBJECT_BURST][HASH_KEY];
    const void *at[SUBJECT_BURST];
    int32_t positions[SUBJECT_BURST];
    unsigned found = 0;
    for (unsigned i = 0; i < count; i++) {
        hash_key(keys[i], padded[i]);
        at[i] = padded[i];
    }
    if (rte_hash_lookup_bulk(s->hash, at, count, positions) != 0)
        return 0;
    for (unsigned i = 0; i < count; i++)
        found += positions[i] >= 0;
    return found;
}

static void hash_state_free(void *state)
{
    struct hash_state *s = state;
    rte_hash_free(s->hash);
    free(s);
}

static size_t heap_in_use(void)
{
    struct rte_malloc_socket_stats stats = {0};
    rte_malloc_get_socket_stats(0, &stats);
    return stats.heap_allocsz_bytes;
}

bool subject_hash(struct subject *s, const struct set_entry *entries, unsigned count,
                  const char **why)
{
    struct hash_state *state = memory_new(1, sizeof(*state));
    struct rte_hash_parameters parameters = {
        .name = "mailboxes",
        .entries = count + count / 8 + 8,
        .key_len = HASH_KEY,
        .hash_func = rte_hash_crc,
    };
    size_t before = heap_in_use();
    *why = "the memory is not enough";
    *s = (struct subject){"rte_hash",     state,          0, count, hash_find_one,
                          hash_find_many, hash_state_free};
    state->hash = rte_hash_create(&parameters);
    bool ok = state->hash != NULL;
    for (unsigned i = 0; i < count && ok; i++) {
        char padded[HASH_KEY];
        hash_key((struct span){entries[i].key, entries[i].len}, padded);
        ok = rte_hash_add_key(state->hash, padded) >= 0;
    }
    s->bytes = heap_in_use() - before;
    if (!ok)
        hash_state_free(state);
    return ok;
}

/* -------------------------------------------------------------------------- a single database --
 */

struct naive_state {
    hs_database_t *database;
    hs_scratch_t *scratch;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *context)
{
    (void)id;
    (void)from;
    (void)to;
    (void)flags;
    *(bool *)context = true;
    return 1;
}

static bool naive_find_one(void *state, struct span key)
{
    struct naive_state *s = state;
    bool found = false;
    hs_error_t error =
        hs_scan(s->database, key.at, (unsigned)key.len, 0, s->scratch, on_match, &found);
    return (error == HS_SUCCESS || error == HS_SCAN_TERMINATED) && found;
}

static void naive_state_free(void *state)
{
    struct naive_state *s = state;
    hs_free_scratch(s->scratch);
    hs_free_database(s->database);
    free(s);
}

bool subject_naive(struct subject *s, const struct set_entry *entries, unsigned count,
                   const char **why)
{
    struct naive_state *state = memory_new(1, sizeof(*state));
    const char **text = memory_new(count, sizeof(*text));
    size_t *len = memory_new(count, sizeof(*len));
    unsigned *flags = memory_new(count, sizeof(*flags)), *ids = memory_new(count, sizeof(*ids));
    hs_compile_error_t *error = NULL;
    for (unsigned i = 0; i < count; i++) {
        text[i] = entries[i].key;
        len[i] = entries[i].len;
        ids[i] = i;
    }
    *why = "it does not compile";
    *s = (struct subject){"one database", state, 0, count, naive_find_one, NULL, naive_state_free};
    bool ok = hs_compile_lit_multi(text, flags, ids, len, count, HS_MODE_BLOCK, NULL,
                                   &state->database, &error) == HS_SUCCESS &&
              hs_alloc_scratch(state->database, &state->scratch) == HS_SUCCESS &&
              hs_database_size(state->database, &s->bytes) == HS_SUCCESS;
    hs_free_compile_error(error);
    free(text);
    free(len);
    free(flags);
    free(ids);
    if (!ok)
        naive_state_free(state);
    return ok;
}
