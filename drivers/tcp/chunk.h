/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A chunk is a slice in a queue; a chunk list is a run of bytes. Both queues of a connection and
 * every out-of-order block are made of them.
 *
 * Bytes that are referenced never change. A chunk may still *grow*: behind a slice that ends where
 * the used part of its buffer ends, and that nobody else looks beyond, there is `room`; bytes
 * copied there are new ones.
 */
#ifndef SPLITMX_TCP_CHUNK_H
#define SPLITMX_TCP_CHUNK_H

#include <assert.h>

#include "drivers/base/slice.h"
#include "drivers/tcp/node.h"

struct chunk {
    struct chunk *next;
    struct slice slice;
    uint32_t room; /* bytes behind the slice that it may grow into */
};
static_assert(sizeof(struct chunk) <= NODE_SIZE, "a chunk is a node");

struct chunk_list {
    struct chunk *head, *tail; /* both NULL, or neither */
};

/* Append the slice, whose reference the list takes over. False, and nothing taken, if out of nodes.
 */
MUST_CHECK bool chunk_list_push(struct chunk_list *l, struct node_pool *nodes,
                                const struct slice *slice, uint32_t room);

/* Copy len <= c->room bytes behind the chunk's own; their sum is `sum` where sum_known. */
void chunk_grow(struct chunk *c, const void *data, uint32_t len, uint16_t sum, bool sum_known);

/* Give back the first chunk. */
void chunk_list_pop(struct chunk_list *l, struct node_pool *nodes);

/* Drop the first n bytes (no more than there are). */
void chunk_list_drop(struct chunk_list *l, struct node_pool *nodes, size_t n);

/* Keep the first n bytes (no more than there are), drop the rest. */
void chunk_list_keep(struct chunk_list *l, struct node_pool *nodes, size_t n);

/* Move everything in `from` behind everything in l. */
void chunk_list_join(struct chunk_list *l, struct chunk_list *from);

void chunk_list_release(struct chunk_list *l, struct node_pool *nodes);

size_t chunk_list_bytes(const struct chunk_list *l);

#endif
