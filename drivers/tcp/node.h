/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the small records of all queues come from: chunks of bytes, records of sent segments,
 * blocks of out-of-order data. One size, one cache line, one free list, all memory taken at the
 * start: a full queue somewhere is an error that its caller handles, never a call of malloc().
 */
#ifndef SPLITMX_TCP_NODE_H
#define SPLITMX_TCP_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/check.h"

#define NODE_SIZE 64

struct node_pool {
    void *memory;
    void *free; /* a node's first word is the next free one */
    uint32_t count;
    uint32_t in_use;
};

/* False if out of memory. */
MUST_CHECK bool node_pool_create(struct node_pool *p, uint32_t count);
void node_pool_destroy(struct node_pool *p);

/* NODE_SIZE bytes of zeroes, aligned to a cache line; NULL if all are taken. */
MUST_CHECK void *node_take(struct node_pool *p);
void node_give(struct node_pool *p, void *node);

#endif
