/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A few literals become a Hyperscan database.
 *
 *     | text: for each entry its length and side, its key | struct head | database ...      |
 *                                                                       ^ a struct shard *, aligned
 *
 * What decides about the size of a database, and the time of a search, is how its literals end:
 * Hyperscan looks for their last eight bytes, and then for each literal that ends so. Different
 * endings (of domains, say) take tables; one that all have in common takes a few compares, and then
 * all that a search reads lies in a row. So all have the same TAIL behind the key, which no text in
 * UTF-8 holds. With 20 entries, per entry (µs at compiling, bytes, ns of a search in the cache):
 * 12, 136, 47 with the tail; without it 16, 340, 102.
 */
#include "app/route/shard.h"

#include <assert.h>
#include <hs/hs.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "config/memory.h"

#define TAIL      "\xf9\xfa\xfb\xfc\xfd\xfe\xff"
#define TAIL_SIZE (sizeof(TAIL) - 1)

struct head {
    atomic_uint references;
    uint32_t count;
    uint32_t text_size, database_size;
};

/* Of an entry in the text: its length << 1, and whether it is external. */
#define MARK_SIZE sizeof(uint16_t)
static_assert(SET_KEY_MAX << 1 < UINT16_MAX, "a mark holds any length");

static struct head *head_of(const struct shard *s)
{
    return (struct head *)s - 1;
}

/*
 * An identifier says the side, in its lowest bit. Where literals share one they are merged into one
 * automaton: with all the same, that takes three times as long to compile, and with each its own, a
 * fifth more memory.
 */
#define IDS 8

static hs_database_t *compile(const struct set_entry *entries, uint32_t count, char **why)
{
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++)
        size += entries[i].len + TAIL_SIZE;
    char *text = memory_new(size, 1), *end = text;
    const char **at = memory_new(count, sizeof(*at));
    size_t *len = memory_new(count, sizeof(*len));
    unsigned *flags = memory_new(count, sizeof(*flags)), *ids = memory_new(count, sizeof(*ids));
    for (uint32_t i = 0; i < count; i++) {
        at[i] = end;
        len[i] = entries[i].len + TAIL_SIZE;
        ids[i] = i % IDS * 2 + entries[i].external;
        memcpy(end, entries[i].key, entries[i].len);
        memcpy(end + entries[i].len, TAIL, TAIL_SIZE);
        end += len[i];
    }
    hs_database_t *database = NULL;
    hs_compile_error_t *error = NULL;
    if (hs_compile_lit_multi(at, flags, ids, len, count, HS_MODE_BLOCK, NULL, &database, &error) !=
        HS_SUCCESS) {
        *why = memory_copy_text(error->message, strlen(error->message));
        hs_free_compile_error(error);
    }
    free(text);
    free(at);
    free(len);
    free(flags);
    free(ids);
    return database;
}

static struct shard *take(struct arena *arena, uint32_t count, size_t text_size,
                          size_t database_size)
{
    size_t front = text_size + sizeof(struct head);
    if (front + database_size > ARENA_PIECE_MAX)
        return NULL;
    struct shard *s = arena_take(arena, front, database_size);
    struct head *h = head_of(s);
    atomic_init(&h->references, 1);
    h->count = count;
    h->text_size = (uint32_t)text_size;
    h->database_size = (uint32_t)database_size;
    return s;
}

static char *text_of(const struct shard *s)
{
    return (char *)head_of(s) - head_of(s)->text_size;
}

static void write_text(struct shard *s, const struct set_entry *entries)
{
    char *at = text_of(s);
    for (uint32_t i = 0; i < head_of(s)->count; i++) {
        uint16_t mark = (uint16_t)(entries[i].len << 1 | entries[i].external);
        memcpy(at, &mark, MARK_SIZE);
        memcpy(at + MARK_SIZE, entries[i].key, entries[i].len);
        at += MARK_SIZE + entries[i].len;
    }
}

static struct shard *take_for(struct arena *arena, uint32_t count, size_t text_size,
                              const char *bytes, size_t len)
{
    size_t size = 0;
    struct shard *s = NULL;
    if (hs_serialized_database_size(bytes, len, &size) == HS_SUCCESS &&
        (s = take(arena, count, text_size, size)) != NULL &&
        hs_deserialize_database_at(bytes, len, (hs_database_t *)s) != HS_SUCCESS) {
        shard_free(s);
        s = NULL;
    }
    return s;
}

/* A database at another address is another database: only Hyperscan may copy it. */
static struct shard *take_copy(struct arena *arena, uint32_t count, size_t text_size,
                               const hs_database_t *database)
{
    char *bytes = NULL;
    size_t len = 0;
    if (hs_serialize_database(database, &bytes, &len) != HS_SUCCESS)
        memory_must(NULL);
    struct shard *s = take_for(arena, count, text_size, bytes, len);
    free(bytes);
    return s;
}

struct shard *shard_build(struct arena *arena, const struct set_entry *entries, uint32_t count,
                          char **why)
{
    size_t text_size = 0;
    for (uint32_t i = 0; i < count; i++)
        text_size += MARK_SIZE + entries[i].len;
    hs_database_t *database = compile(entries, count, why);
    if (database == NULL)
        return NULL;
    struct shard *s = take_copy(arena, count, text_size, database);
    hs_free_database(database);
    if (s != NULL)
        write_text(s, entries);
    else
        *why = memory_copy_text("too many of them fall together", 30);
    return s;
}

/* Whether a text is `count` keys with their marks, and nothing else. */
static bool is_text(const char *at, size_t size, uint32_t count)
{
    const char *end = at + size;
    for (; count > 0; count--) {
        uint16_t mark;
        if ((size_t)(end - at) < MARK_SIZE)
            return false;
        memcpy(&mark, at, MARK_SIZE);
        at += MARK_SIZE;
        if ((size_t)(end - at) < mark >> 1 || !shard_is_key(at, mark >> 1))
            return false;
        at += mark >> 1;
    }
    return at == end;
}

struct shard *shard_restore(struct arena *arena, uint32_t count, const char *text, size_t text_size,
                            const char *database, size_t database_size)
{
    if (!is_text(text, text_size, count))
        return NULL;
    struct shard *s = take_for(arena, count, text_size, database, database_size);
    if (s != NULL)
        memcpy(text_of(s), text, text_size);
    return s;
}

struct shard *shard_move(struct arena *arena, const struct shard *old)
{
    const struct head *h = head_of(old);
    struct shard *s = memory_must(take_copy(arena, h->count, h->text_size, shard_database(old)));
    memcpy(text_of(s), text_of(old), h->text_size);
    return s;
}

struct shard *shard_ref(struct shard *s)
{
    atomic_fetch_add_explicit(&head_of(s)->references, 1, memory_order_relaxed);
    return s;
}

void shard_free(struct shard *s)
{
    if (s == NULL)
        return;
    struct head *h = head_of(s);
    if (atomic_fetch_sub_explicit(&h->references, 1, memory_order_acq_rel) == 1)
        arena_give_back(s, h->text_size + sizeof(*h), h->database_size);
}

uint32_t shard_count(const struct shard *s)
{
    return head_of(s)->count;
}

size_t shard_memory(const struct shard *s)
{
    const struct head *h = head_of(s);
    return h->text_size + sizeof(*h) + h->database_size;
}

const struct hs_database *shard_database(const struct shard *s)
{
    return (const struct hs_database *)s;
}

void shard_entries(const struct shard *s, struct set_entry *out)
{
    const char *at = text_of(s);
    for (uint32_t i = 0; i < head_of(s)->count; i++) {
        uint16_t mark;
        memcpy(&mark, at, MARK_SIZE);
        out[i] = (struct set_entry){at + MARK_SIZE, mark >> 1, mark & 1};
        at += MARK_SIZE + out[i].len;
    }
}

bool shard_has(const struct shard *s, const struct set_entry *e)
{
    const char *at = text_of(s);
    for (uint32_t i = 0; i < head_of(s)->count; i++) {
        uint16_t mark;
        memcpy(&mark, at, MARK_SIZE);
        at += MARK_SIZE;
        if (mark == (e->len << 1 | e->external) && memcmp(at, e->key, e->len) == 0)
            return true;
        at += mark >> 1;
    }
    return false;
}

/* So long is the text of most. */
void shard_prefetch_text(const struct shard *s)
{
    for (unsigned i = 1; i <= 10; i++)
        __builtin_prefetch((const char *)s - 64 * i);
}

const char *shard_text(const struct shard *s, size_t *size)
{
    *size = head_of(s)->text_size;
    return text_of(s);
}

bool shard_is_key(const char *key, size_t len)
{
    return len >= 2 && len <= SET_KEY_MAX && key[0] == '\n' &&
           memchr(key + 1, '\n', len - 1) == key + len - 1;
}

/*
 * What Hyperscan 5.4 reads of a database that shard_build() made (measured by flushing its lines
 * and timing which of them are back after a search): the first seven lines, none of the next four,
 * and then nearly all. Their number follows from the number of entries with names of usual length;
 * how many there really are is in a line that is not in the cache either.
 */
void shard_prefetch(const struct shard *s, unsigned count)
{
    const char *line = (const char *)s;
    for (unsigned i = 0; i < 7; i++)
        __builtin_prefetch(line + 64 * i);
    for (unsigned i = 11; i < 16 + count * 9 / 8; i++)
        __builtin_prefetch(line + 64 * i);
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
    char text[SET_KEY_MAX + TAIL_SIZE];
    memcpy(text, key, len);
    memcpy(text + len, TAIL, TAIL_SIZE);
    enum set_answer answer = SET_MISS;
    hs_error_t error = hs_scan(shard_database(s), text, (unsigned)(len + TAIL_SIZE), 0, scratch,
                               on_match, &answer);
    if (error == HS_SUCCESS || error == HS_SCAN_TERMINATED)
        return answer;
    return SET_FAILED;
}
