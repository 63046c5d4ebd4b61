/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sorted entries in chunks.
 *
 *     book ──> [chunk 0] [chunk 1] [chunk 2] ...          counted references: editions share chunks
 *               entries of up to CHUNK_MAX local parts, then their bytes
 *
 * An edition takes over the chunks that no change falls into. Where changes leave a chunk nearly
 * empty it is joined with the next, so that the chunks stay worth their pointer.
 */
#include "app/route/book.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/route/address.h"
#include "app/route/references.h"
#include "config/memory.h"

#define CHUNK_MAX 128
#define CHUNK_MIN 32

struct chunk_entry {
    uint32_t line;
    uint16_t at; /* in the text */
    uint8_t len;
    bool external;
};
static_assert(CHUNK_MAX * ADDRESS_LOCAL_MAX <= UINT16_MAX, "`at` reaches every byte");
static_assert(ADDRESS_LOCAL_MAX <= UINT8_MAX, "`len` is long enough");

struct chunk {
    uint32_t references;
    uint16_t count, text_len;
    struct chunk_entry entries[]; /* then the text */
};

struct book {
    uint32_t references;
    uint32_t count;
    uint32_t chunk_count;
    uint64_t bytes;
    struct chunk *chunks[];
};

static const char *text_of(const struct chunk *c)
{
    return (const char *)(c->entries + c->count);
}

static size_t size_of(const struct chunk *c)
{
    return sizeof(*c) + c->count * sizeof(c->entries[0]) + c->text_len;
}

static struct span local_of(const struct chunk *c, uint32_t i)
{
    return (struct span){text_of(c) + c->entries[i].at, c->entries[i].len};
}

static struct book_entry entry_of(const struct chunk *c, uint32_t i)
{
    return (struct book_entry){local_of(c, i), c->entries[i].external ? BOOK_EXTERNAL : BOOK_LOCAL,
                               c->entries[i].line};
}

static int compare(struct span a, struct span b)
{
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_local(const void *a, const void *b)
{
    const struct book_entry *x = a, *y = b;
    return compare(x->local, y->local);
}

/* ----------------------------------------------------------------------------------- writing -- */

struct writer {
    struct book *book;
    uint32_t room;
    struct book_entry *pending; /* of chunks that are taken apart */
    uint32_t pending_count, pending_room;
};

static void write_chunk(struct writer *w, struct chunk *c)
{
    if (w->book->chunk_count == w->room) {
        w->room = w->room != 0 ? 2 * w->room : 4;
        w->book =
            memory_must(realloc(w->book, sizeof(*w->book) + w->room * sizeof(w->book->chunks[0])));
    }
    w->book->chunks[w->book->chunk_count++] = c;
    w->book->count += c->count;
    w->book->bytes += size_of(c);
}

static struct chunk *new_chunk(const struct book_entry *entries, uint32_t count)
{
    size_t text_len = 0;
    for (uint32_t i = 0; i < count; i++)
        text_len += entries[i].local.len;
    struct chunk *c = memory_must(malloc(sizeof(*c) + count * sizeof(c->entries[0]) + text_len));
    c->references = 1;
    c->count = (uint16_t)count;
    c->text_len = (uint16_t)text_len;
    char *text = (char *)(c->entries + count);
    uint16_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct book_entry *e = &entries[i];
        c->entries[i] =
            (struct chunk_entry){e->line, at, (uint8_t)e->local.len, e->side == BOOK_EXTERNAL};
        memcpy(text + at, e->local.at, e->local.len);
        at = (uint16_t)(at + e->local.len);
    }
    return c;
}

/* In parts of one size. */
static void write_pending(struct writer *w)
{
    uint32_t parts = (w->pending_count + CHUNK_MAX - 1) / CHUNK_MAX;
    for (uint32_t i = 0, from = 0; i < parts; i++) {
        uint32_t to = (uint32_t)((uint64_t)w->pending_count * (i + 1) / parts);
        write_chunk(w, new_chunk(w->pending + from, to - from));
        from = to;
    }
    w->pending_count = 0;
}

static void add_pending(struct writer *w, const struct book_entry *e)
{
    if (e->side == BOOK_NONE)
        return;
    if (w->pending_count == w->pending_room) {
        w->pending_room = w->pending_room != 0 ? 2 * w->pending_room : 2 * CHUNK_MAX;
        w->pending = memory_must(reallocarray(w->pending, w->pending_room, sizeof(*w->pending)));
    }
    w->pending[w->pending_count++] = *e;
}

static struct book *finish(struct writer *w)
{
    write_pending(w);
    free(w->pending);
    w->book->bytes += sizeof(*w->book) + w->book->chunk_count * sizeof(w->book->chunks[0]);
    return w->book;
}

static struct writer begin(void)
{
    struct writer w = {.book = memory_new(1, sizeof(*w.book))};
    w.book->references = 1;
    return w;
}

struct book *book_build(const struct mailboxes *m)
{
    struct book_entry *entries = memory_new(m->entry_count, sizeof(*entries));
    bool sorted = true;
    for (uint32_t i = 0; i < m->entry_count; i++) {
        const struct mailbox_entry *e = &m->entries[i];
        const char *key = m->keys + e->key;
        const char *at = memrchr(key, '@', e->len); /* a domain holds none */
        entries[i] = (struct book_entry){
            {key + 1, (size_t)(at - key - 1)}, e->external ? BOOK_EXTERNAL : BOOK_LOCAL, e->line};
        sorted = sorted && (i == 0 || compare(entries[i - 1].local, entries[i].local) < 0);
    }
    if (!sorted)
        qsort(entries, m->entry_count, sizeof(*entries), by_local);
    struct writer w = begin();
    for (uint32_t from = 0; from < m->entry_count;) {
        uint32_t left = m->entry_count - from, count = left < CHUNK_MAX ? left : CHUNK_MAX;
        write_chunk(&w, new_chunk(entries + from, count));
        from += count;
    }
    free(entries);
    return finish(&w);
}

/* The chunk's entries and the changes, merged; returns how many changes were used. */
static uint32_t merge(struct writer *w, const struct chunk *c, const struct book_entry *changes,
                      uint32_t count)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        struct book_entry e = entry_of(c, i);
        while (used < count && compare(changes[used].local, e.local) < 0)
            add_pending(w, &changes[used++]);
        if (used < count && compare(changes[used].local, e.local) == 0)
            e = changes[used++];
        add_pending(w, &e);
    }
    return used;
}

/* How many of the sorted changes stand before the first entry of a chunk. */
static uint32_t before(const struct book_entry *changes, uint32_t count, const struct chunk *c)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (compare(changes[middle].local, local_of(c, 0)) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void apply(struct writer *w, const struct book *b, const struct book_entry *changes,
                  uint32_t count)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < b->chunk_count; i++) {
        struct chunk *c = b->chunks[i];
        bool last = i + 1 == b->chunk_count;
        uint32_t here = last ? count - at : before(changes + at, count - at, b->chunks[i + 1]);
        if (here == 0 && w->pending_count == 0) {
            reference_take(&c->references);
            write_chunk(w, c);
            continue;
        }
        uint32_t used = merge(w, c, changes + at, here);
        while (used < here)
            add_pending(w, &changes[at + used++]);
        at += here;
        if (w->pending_count >= CHUNK_MIN)
            write_pending(w);
    }
    while (at < count)
        add_pending(w, &changes[at++]);
}

struct book *book_apply(const struct book *b, const struct book_entry *changes, uint32_t count)
{
    struct book_entry *sorted = memory_new(count, sizeof(*sorted));
    if (count > 0) /* else they may be nowhere */
        memcpy(sorted, changes, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), by_local);
    struct writer w = begin();
    apply(&w, b, sorted, count);
    struct book *edition = finish(&w);
    free(sorted);
    return edition;
}

struct book *book_ref(struct book *b)
{
    if (b != NULL)
        reference_take(&b->references);
    return b;
}

void book_unref(struct book *b)
{
    if (b == NULL || !reference_drop(&b->references))
        return;
    for (uint32_t i = 0; i < b->chunk_count; i++)
        if (reference_drop(&b->chunks[i]->references))
            free(b->chunks[i]);
    free(b);
}

/* ----------------------------------------------------------------------------------- reading -- */

uint32_t book_count(const struct book *b)
{
    return b->count;
}

uint64_t book_bytes(const struct book *b)
{
    return b->bytes;
}

/* The last chunk that begins at or before the local part; the first, if none does. */
static const struct chunk *chunk_for(const struct book *b, struct span local)
{
    uint32_t low = 0, high = b->chunk_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (compare(local_of(b->chunks[middle], 0), local) <= 0)
            low = middle;
        else
            high = middle;
    }
    return b->chunks[low];
}

struct book_entry book_find(const struct book *b, struct span local)
{
    const struct book_entry none = {local, BOOK_NONE, 0};
    if (b->chunk_count == 0)
        return none;
    const struct chunk *c = chunk_for(b, local);
    uint32_t low = 0, high = c->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = compare(local_of(c, middle), local);
        if (order == 0)
            return entry_of(c, middle);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return none;
}

bool book_next(struct book_cursor *c, struct book_entry *out)
{
    if (c->book == NULL || c->chunk == c->book->chunk_count)
        return false;
    const struct chunk *chunk = c->book->chunks[c->chunk];
    *out = entry_of(chunk, c->entry);
    if (++c->entry == chunk->count) {
        c->chunk++;
        c->entry = 0;
    }
    return true;
}

/* Both cursors stand at the start of the same chunk: nothing differs in it. */
static bool skip_shared(struct book_cursor *a, struct book_cursor *b)
{
    if (a->book == NULL || b->book == NULL || a->entry != 0 || b->entry != 0 ||
        a->chunk == a->book->chunk_count || b->chunk == b->book->chunk_count ||
        a->book->chunks[a->chunk] != b->book->chunks[b->chunk])
        return false;
    a->chunk++;
    b->chunk++;
    return true;
}

void book_compare(const struct book *older, const struct book *newer, book_difference_fn *found,
                  void *context)
{
    struct book_cursor a = {older, 0, 0}, b = {newer, 0, 0};
    struct book_entry was, is;
    for (;;) {
        if (skip_shared(&a, &b))
            continue;
        struct book_cursor next_a = a, next_b = b;
        bool more_a = book_next(&next_a, &was), more_b = book_next(&next_b, &is);
        if (!more_a && !more_b)
            return;
        int order = !more_a ? 1 : !more_b ? -1 : compare(was.local, is.local);
        if (order <= 0)
            a = next_a;
        else
            was = (struct book_entry){is.local, BOOK_NONE, 0};
        if (order >= 0)
            b = next_b;
        else
            is = (struct book_entry){was.local, BOOK_NONE, 0};
        if (was.side != is.side)
            found(context, &was, &is);
    }
}
