/* SPDX-License-Identifier: BSD-3-Clause */
/* A free list of cache lines. */
#include "drivers/tcp/node.h"

#include <stdlib.h>
#include <string.h>

/* A sanitizer sees the use of a node that was given back, although its memory is never freed. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(node)   ASAN_POISON_MEMORY_REGION(node, NODE_SIZE)
#define UNPOISON(node) ASAN_UNPOISON_MEMORY_REGION(node, NODE_SIZE)
#else
#define POISON(node)   ((void)(node))
#define UNPOISON(node) ((void)(node))
#endif

static void link_free(struct node_pool *p, void *node)
{
    *(void **)node = p->free;
    p->free = node;
    POISON(node);
}

bool node_pool_create(struct node_pool *p, uint32_t count)
{
    *p = (struct node_pool){.count = count};
    p->memory = aligned_alloc(NODE_SIZE, (size_t)count * NODE_SIZE);
    if (p->memory == NULL)
        return false;
    for (uint32_t i = count; i-- > 0;)
        link_free(p, (char *)p->memory + (size_t)i * NODE_SIZE);
    return true;
}

void node_pool_destroy(struct node_pool *p)
{
    for (uint32_t i = 0; p->memory != NULL && i < p->count; i++)
        UNPOISON((char *)p->memory + (size_t)i * NODE_SIZE);
    free(p->memory);
    *p = (struct node_pool){0};
}

void *node_take(struct node_pool *p)
{
    void *node = p->free;
    if (node == NULL)
        return NULL;
    UNPOISON(node);
    p->free = *(void **)node;
    p->in_use++;
    return memset(node, 0, NODE_SIZE);
}

void node_give(struct node_pool *p, void *node)
{
    p->in_use--;
    link_free(p, node);
}
