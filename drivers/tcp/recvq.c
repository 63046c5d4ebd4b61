/* SPDX-License-Identifier: BSD-3-Clause */
/* Putting received bytes in order. */
#include "drivers/tcp/recvq.h"

#include "drivers/tcp/seq.h"

void recvq_init(struct recvq *q, uint32_t nxt, uint32_t small)
{
    *q = (struct recvq){.nxt = nxt, .small = small};
}

static void block_release(struct recvq *q, struct node_pool *nodes, struct reorder_block *b)
{
    chunk_list_release(&b->data, nodes);
    node_give(nodes, b);
    q->block_count--;
}

void recvq_renege(struct recvq *q, struct node_pool *nodes)
{
    while (q->blocks != NULL) {
        struct reorder_block *b = q->blocks;
        q->blocks = b->next;
        block_release(q, nodes, b);
    }
}

void recvq_release(struct recvq *q, struct node_pool *nodes)
{
    chunk_list_release(&q->data, nodes);
    recvq_renege(q, nodes);
}

/* Move `from` behind `to`, small chunks by copying them into what room there is. */
static void join_compactly(const struct recvq *q, struct node_pool *nodes, struct chunk_list *to,
                           struct chunk_list *from)
{
    while (from->head != NULL && to->tail != NULL) {
        struct chunk *c = from->head, *tail = to->tail;
        if (c->slice.len >= q->small || tail->room == 0)
            break;
        uint32_t n = c->slice.len < tail->room ? c->slice.len : tail->room;
        bool whole = n == c->slice.len;
        chunk_grow(tail, c->slice.data, n, c->slice.sum, whole && c->slice.sum_known);
        chunk_list_drop(from, nodes, n);
    }
    chunk_list_join(to, from);
}

/* Make way for [seq, *end): blocks that begin inside it are dropped if they end there too, else
 * they stay and *end moves to their beginning. `link` is the first block at or behind seq. */
static void clear_way(struct recvq *q, struct node_pool *nodes, struct reorder_block **link,
                      uint32_t *end)
{
    while (*link != NULL && seq_before((*link)->seq, *end)) {
        struct reorder_block *b = *link;
        if (seq_after(b->end, *end)) {
            *end = b->seq;
            return;
        }
        *link = b->next;
        block_release(q, nodes, b);
    }
}

/* Whatever touches `end` comes over from its block. Returns the new end. */
static uint32_t absorb(struct recvq *q, struct node_pool *nodes, struct reorder_block **link,
                       struct chunk_list *to, uint32_t end)
{
    struct reorder_block *b = *link;
    if (b == NULL || b->seq != end)
        return end;
    end = b->end;
    join_compactly(q, nodes, to, &b->data);
    *link = b->next;
    block_release(q, nodes, b);
    return end;
}

static enum recvq_result insert_in_order(struct recvq *q, struct node_pool *nodes, uint32_t len,
                                         struct chunk_list *payload)
{
    uint32_t end = q->nxt + len;
    clear_way(q, nodes, &q->blocks, &end);
    chunk_list_keep(payload, nodes, end - q->nxt);
    join_compactly(q, nodes, &q->data, payload);
    q->nxt = absorb(q, nodes, &q->blocks, &q->data, end);
    return RECVQ_IN_ORDER;
}

static enum recvq_result insert_block(struct recvq *q, struct node_pool *nodes, uint32_t seq,
                                      uint32_t len, struct chunk_list *payload)
{
    uint32_t end = seq + len;
    struct reorder_block **link = &q->blocks, *before = NULL;
    while (*link != NULL && seq_at_or_before((*link)->seq, seq)) {
        before = *link;
        link = &before->next;
    }
    if (before != NULL && seq_after(before->end, seq)) {
        if (seq_at_or_after(before->end, end)) {
            before->stamp = ++q->stamp;
            chunk_list_release(payload, nodes);
            return RECVQ_DUPLICATE;
        }
        chunk_list_drop(payload, nodes, before->end - seq);
        seq = before->end;
    }
    bool touches = before != NULL && before->end == seq;
    if (!touches) {
        struct reorder_block *b = q->block_count < RECVQ_MAX_BLOCKS ? node_take(nodes) : NULL;
        if (b == NULL) {
            chunk_list_release(payload, nodes);
            return RECVQ_FULL;
        }
        b->seq = b->end = seq;
        b->next = *link;
        *link = b;
        q->block_count++;
        before = b;
    }
    clear_way(q, nodes, &before->next, &end);
    chunk_list_keep(payload, nodes, end - seq);
    join_compactly(q, nodes, &before->data, payload);
    before->end = absorb(q, nodes, &before->next, &before->data, end);
    before->stamp = ++q->stamp;
    return RECVQ_OUT_OF_ORDER;
}

enum recvq_result recvq_insert(struct recvq *q, struct node_pool *nodes, uint32_t seq, uint32_t len,
                               struct chunk_list *payload)
{
    if (seq_at_or_before(seq + len, q->nxt)) {
        chunk_list_release(payload, nodes);
        return RECVQ_DUPLICATE;
    }
    if (seq_after(seq, q->nxt))
        return insert_block(q, nodes, seq, len, payload);
    uint32_t old = q->nxt - seq;
    chunk_list_drop(payload, nodes, old);
    return insert_in_order(q, nodes, len - old, payload);
}

bool recvq_repeated(const struct recvq *q, uint32_t seq, uint32_t len, struct sack_block *out)
{
    uint32_t end = seq + len;
    if (seq_before(seq, q->nxt)) {
        *out = (struct sack_block){seq, seq_before(end, q->nxt) ? end : q->nxt};
        return true;
    }
    const struct reorder_block *b = q->blocks;
    while (b != NULL && seq_at_or_before(b->end, seq))
        b = b->next;
    if (b == NULL || seq_at_or_after(b->seq, end))
        return false;
    *out = (struct sack_block){seq_later(seq, b->seq), seq_before(end, b->end) ? end : b->end};
    return true;
}

unsigned recvq_sack(const struct recvq *q, struct sack_block *out, unsigned n)
{
    uint32_t last = q->stamp + 1;
    unsigned count = 0;
    while (count < n) {
        const struct reorder_block *newest = NULL;
        for (const struct reorder_block *b = q->blocks; b != NULL; b = b->next)
            if (seq_before(b->stamp, last) &&
                (newest == NULL || seq_after(b->stamp, newest->stamp)))
                newest = b;
        if (newest == NULL)
            break;
        out[count++] = (struct sack_block){newest->seq, newest->end};
        last = newest->stamp;
    }
    return count;
}

bool recvq_sane(const struct recvq *q, size_t readable)
{
    uint32_t previous = q->nxt;
    unsigned count = 0;
    for (const struct reorder_block *b = q->blocks; b != NULL; b = b->next, count++) {
        if (!seq_after(b->seq, previous) || !seq_after(b->end, b->seq) ||
            chunk_list_bytes(&b->data) != b->end - b->seq)
            return false;
        previous = b->end;
    }
    return count == q->block_count && chunk_list_bytes(&q->data) == readable;
}
