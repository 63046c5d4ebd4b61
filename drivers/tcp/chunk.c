/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of slices. */
#include "drivers/tcp/chunk.h"

#include <string.h>

#include "drivers/base/sum.h"

bool chunk_list_push(struct chunk_list *l, struct node_pool *nodes, const struct slice *slice,
                     uint32_t room)
{
    struct chunk *c = node_take(nodes);
    if (c == NULL)
        return false;
    c->slice = *slice;
    c->room = room;
    if (l->tail != NULL)
        l->tail->next = c;
    else
        l->head = c;
    l->tail = c;
    return true;
}

void chunk_grow(struct chunk *c, const void *data, uint32_t len, uint16_t sum, bool sum_known)
{
    struct slice *s = &c->slice;
    memcpy((uint8_t *)(uintptr_t)s->data + s->len, data, len);
    s->sum_known = s->sum_known && sum_known;
    if (s->sum_known)
        s->sum = sum_add(s->sum, sum_at(sum, s->len));
    s->len += len;
    c->room -= len;
}

void chunk_list_pop(struct chunk_list *l, struct node_pool *nodes)
{
    struct chunk *c = l->head;
    l->head = c->next;
    if (l->head == NULL)
        l->tail = NULL;
    slice_release(&c->slice);
    node_give(nodes, c);
}

void chunk_list_drop(struct chunk_list *l, struct node_pool *nodes, size_t n)
{
    while (n > 0 && n >= l->head->slice.len) {
        n -= l->head->slice.len;
        chunk_list_pop(l, nodes);
    }
    if (n > 0)
        slice_drop_front(&l->head->slice, (uint32_t)n);
}

void chunk_list_keep(struct chunk_list *l, struct node_pool *nodes, size_t n)
{
    struct chunk *c = l->head, *last = NULL;
    for (; c != NULL && n >= c->slice.len; c = c->next) {
        n -= c->slice.len;
        last = c;
    }
    if (c != NULL && n > 0) {
        if (c->room > 0) /* else what is cut off may be somebody else's to look at */
            c->room += c->slice.len - (uint32_t)n;
        slice_drop_end(&c->slice, c->slice.len - (uint32_t)n);
        last = c;
        c = c->next;
    }
    struct chunk_list rest = {.head = c, .tail = l->tail};
    if (c == NULL)
        return;
    l->tail = last;
    if (last != NULL)
        last->next = NULL;
    else
        l->head = NULL;
    chunk_list_release(&rest, nodes);
}

void chunk_list_join(struct chunk_list *l, struct chunk_list *from)
{
    if (from->head == NULL)
        return;
    if (l->tail != NULL)
        l->tail->next = from->head;
    else
        l->head = from->head;
    l->tail = from->tail;
    *from = (struct chunk_list){0};
}

void chunk_list_release(struct chunk_list *l, struct node_pool *nodes)
{
    while (l->head != NULL)
        chunk_list_pop(l, nodes);
}

size_t chunk_list_bytes(const struct chunk_list *l)
{
    size_t n = 0;
    for (const struct chunk *c = l->head; c != NULL; c = c->next)
        n += c->slice.len;
    return n;
}
