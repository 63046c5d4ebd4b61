/* SPDX-License-Identifier: BSD-3-Clause */
/* Some tens of literals become a Hyperscan database. */
#include "app/route/shard.h"

#include <hs/hs.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "config/memory.h"

/* Text: for each entry its length and side (uint16_t: len << 1 | external), and its key. */
struct shard {
    hs_database_t *database;
    atomic_uint references;
    uint32_t count;
    char text[];
};

#define HEAD_SIZE sizeof(uint16_t)

/*
 * An identifier says the side, in its lowest bit, but each literal has its own: those that share
 * one are merged into one automaton, which takes four times as long to compile (12 against 43 µs an
 * entry).
 */
static hs_database_t *compile(const struct set_entry *entries, uint32_t count, char **why)
{
    const char **text = memory_new(count, sizeof(*text));
    size_t *len = memory_new(count, sizeof(*len));
    unsigned *flags = memory_new(count, sizeof(*flags)), *ids = memory_new(count, sizeof(*ids));
    for (uint32_t i = 0; i < count; i++) {
        text[i] = entries[i].key;
        len[i] = entries[i].len;
        ids[i] = 2 * i + entries[i].external;
    }
    hs_database_t *database = NULL;
    hs_compile_error_t *error = NULL;
    if (hs_compile_lit_multi(text, flags, ids, len, count, HS_MODE_BLOCK, NULL, &database,
                             &error) != HS_SUCCESS) {
        *why = memory_copy_text(error->message, strlen(error->message));
        hs_free_compile_error(error);
    }
    free(text);
    free(len);
    free(flags);
    free(ids);
    return database;
}

struct shard *shard_build(const struct set_entry *entries, uint32_t count, char **why)
{
    hs_database_t *database = compile(entries, count, why);
    if (database == NULL)
        return NULL;
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++)
        size += HEAD_SIZE + entries[i].len;
    struct shard *s = memory_must(malloc(sizeof(*s) + size));
    s->database = database;
    atomic_init(&s->references, 1);
    s->count = count;
    char *at = s->text;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t head = (uint16_t)(entries[i].len << 1 | entries[i].external);
        memcpy(at, &head, HEAD_SIZE);
        memcpy(at + HEAD_SIZE, entries[i].key, entries[i].len);
        at += HEAD_SIZE + entries[i].len;
    }
    return s;
}

struct shard *shard_ref(struct shard *s)
{
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
    return s;
}

void shard_free(struct shard *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    hs_free_database(s->database);
    free(s);
}

uint32_t shard_count(const struct shard *s)
{
    return s->count;
}

const struct hs_database *shard_database(const struct shard *s)
{
    return s->database;
}

void shard_entries(const struct shard *s, struct set_entry *out)
{
    const char *at = s->text;
    for (uint32_t i = 0; i < s->count; i++) {
        uint16_t head;
        memcpy(&head, at, HEAD_SIZE);
        out[i] = (struct set_entry){at + HEAD_SIZE, head >> 1, head & 1};
        at += HEAD_SIZE + out[i].len;
    }
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

enum set_answer shard_find(const struct shard *s, struct hs_scratch *scratch, const char *key,
                           size_t len)
{
    enum set_answer answer = SET_MISS;
    hs_error_t error = hs_scan(s->database, key, (unsigned)len, 0, scratch, on_match, &answer);
    if (error == HS_SUCCESS || error == HS_SCAN_TERMINATED)
        return answer;
    return SET_FAILED;
}
