/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Chunks, at addresses that are multiples of their size: so a piece finds its chunk.
 *
 *     chunk  | head | front piece | front piece | ...        | not used yet |
 *            0                                           used          2 MiB
 *
 * A chunk stays as long as any of its bytes is in use; the arena that fills it counts as one.
 */
#include "app/route/arena.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "config/memory.h"

#define CHUNK_SIZE ((size_t)2 << 20)

struct chunk {
    atomic_size_t live; /* bytes of pieces, and one for the arena that fills it */
    size_t used;        /* bytes from the chunk's beginning; the arena's lock guards it */
    atomic_bool full;
};
static_assert(sizeof(struct chunk) <= ARENA_ALIGN, "it is the chunk's first line");
static_assert(ARENA_ALIGN + ARENA_PIECE_MAX + ARENA_ALIGN <= CHUNK_SIZE, "a chunk holds any piece");

struct arena {
    atomic_uint references;
    pthread_mutex_t lock;
    struct chunk *open; /* NULL: nothing was taken yet */
    bool large;         /* a chunk was filled: the next ones are worth huge pages */
};

static struct chunk *chunk_of(const void *piece)
{
    return (struct chunk *)((uintptr_t)piece & ~(CHUNK_SIZE - 1));
}

/* Twice the size holds an aligned chunk; what is around it goes back. */
static struct chunk *open_chunk(bool huge)
{
    char *map =
        mmap(NULL, 2 * CHUNK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memory_must(map != MAP_FAILED ? map : NULL);
    char *chunk = (char *)chunk_of(map + CHUNK_SIZE - 1);
    if (chunk > map)
        munmap(map, (size_t)(chunk - map));
    munmap(chunk + CHUNK_SIZE, (size_t)(map + CHUNK_SIZE - chunk));
    if (huge)
        madvise(chunk, CHUNK_SIZE, MADV_HUGEPAGE);
    struct chunk *c = (struct chunk *)chunk;
    atomic_init(&c->live, 1);
    c->used = ARENA_ALIGN;
    return c;
}

static void give_back(struct chunk *c, size_t size)
{
    if (atomic_fetch_sub_explicit(&c->live, size, memory_order_acq_rel) == size)
        munmap(c, CHUNK_SIZE);
}

static void close_chunk(struct chunk *c)
{
    if (c == NULL)
        return;
    atomic_store_explicit(&c->full, true, memory_order_relaxed);
    give_back(c, 1);
}

struct arena *arena_new(void)
{
    struct arena *a = memory_new(1, sizeof(*a));
    atomic_init(&a->references, 1);
    pthread_mutex_init(&a->lock, NULL);
    return a;
}

struct arena *arena_ref(struct arena *a)
{
    atomic_fetch_add_explicit(&a->references, 1, memory_order_relaxed);
    return a;
}

void arena_free(struct arena *a)
{
    if (a == NULL || atomic_fetch_sub_explicit(&a->references, 1, memory_order_acq_rel) != 1)
        return;
    close_chunk(a->open);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* Where the next piece would begin, after its front. */
static size_t place(const struct chunk *c, size_t front)
{
    return (c->used + front + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
}

void *arena_take(struct arena *a, size_t front, size_t size)
{
    assert(front + size <= ARENA_PIECE_MAX);
    pthread_mutex_lock(&a->lock);
    struct chunk *c = a->open;
    if (c == NULL || place(c, front) + size > CHUNK_SIZE) {
        close_chunk(c);
        a->large = c != NULL;
        a->open = c = open_chunk(a->large);
    }
    size_t at = place(c, front);
    c->used = at + size;
    atomic_fetch_add_explicit(&c->live, front + size, memory_order_relaxed);
    pthread_mutex_unlock(&a->lock);
    return (char *)c + at;
}

void arena_give_back(void *piece, size_t front, size_t size)
{
    give_back(chunk_of(piece), front + size);
}

bool arena_is_sparse(const void *piece)
{
    struct chunk *c = chunk_of(piece);
    return atomic_load_explicit(&c->full, memory_order_relaxed) &&
           atomic_load_explicit(&c->live, memory_order_relaxed) < CHUNK_SIZE / 2;
}
