/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for what is built together, searched at random and lives for hours: chunks of 2 MiB, in
 * huge pages where the kernel has them, filled one after the other. Nothing is used again within a
 * chunk; it goes when the last piece in it does. Who owns pieces moves those of chunks that are
 * mostly given back already (arena_is_sparse), so that at most about half of the memory is waste.
 *
 * Any thread but a worker may take pieces and give them back.
 */
#ifndef SPLITMX_ROUTE_ARENA_H
#define SPLITMX_ROUTE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#define ARENA_ALIGN     64
#define ARENA_PIECE_MAX ((size_t)1 << 20)

struct arena;

/* With one reference. */
struct arena *arena_new(void);
struct arena *arena_ref(struct arena *a);
/* Pieces outlive their arena. */
void arena_free(struct arena *a);

/* A piece: `size` bytes at an address aligned to ARENA_ALIGN, and `front` bytes before them;
 * together at most ARENA_PIECE_MAX. */
void *arena_take(struct arena *a, size_t front, size_t size);
void arena_give_back(void *piece, size_t front, size_t size);

/* Whether most of what the piece's chunk was filled with has been given back. */
bool arena_is_sparse(const void *piece);

#endif
