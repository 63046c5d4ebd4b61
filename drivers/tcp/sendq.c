/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes on their way out, and the record of each segment that carries them. */
#include "drivers/tcp/sendq.h"

#include <rte_mbuf.h>

#include "drivers/base/pools.h"
#include "drivers/tcp/seq.h"

void sendq_init(struct sendq *q, uint32_t first_seq)
{
    *q = (struct sendq){.una = first_seq, .nxt = first_seq};
}

/* Into the list by time, behind `before` (NULL: it is the oldest). */
static void link_behind(struct sendq *q, struct sent *before, struct sent *s)
{
    struct sent *behind = before != NULL ? before->later : q->oldest;
    s->flags |= SENT_AWAY;
    s->earlier = before;
    s->later = behind;
    *(before != NULL ? &before->later : &q->oldest) = s;
    *(behind != NULL ? &behind->earlier : &q->newest) = s;
}

void sendq_came_in(struct sendq *q, struct sent *s)
{
    if (!(s->flags & SENT_AWAY))
        return;
    s->flags &= (uint8_t)~SENT_AWAY;
    *(s->earlier != NULL ? &s->earlier->later : &q->oldest) = s->later;
    *(s->later != NULL ? &s->later->earlier : &q->newest) = s->earlier;
}

void sendq_went_out(struct sendq *q, struct sent *s, nsec_t now)
{
    sendq_came_in(q, s);
    s->when = now;
    if (s->transmissions < UINT8_MAX)
        s->transmissions++;
    link_behind(q, q->newest, s);
}

void sendq_found(struct sendq *q, struct sent *s)
{
    struct sent *before = q->newest;
    while (before != NULL && before->when > s->when)
        before = before->earlier;
    link_behind(q, before, s);
}

static void record_give(struct sendq *q, struct node_pool *nodes, struct sent *s)
{
    sendq_came_in(q, s);
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        q->head = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    else
        q->tail = s->prev;
    node_give(nodes, s);
}

void sendq_release(struct sendq *q, struct node_pool *nodes)
{
    while (q->head != NULL)
        record_give(q, nodes, q->head);
    chunk_list_release(&q->data, nodes);
    q->cursor = NULL;
    q->cursor_off = q->head_acked = q->unsent = 0;
    q->una = q->nxt;
}

/* The cursor may have stood at the end of everything. */
static void cursor_settle(struct sendq *q)
{
    if (q->cursor == NULL) {
        q->cursor = q->data.head;
        q->cursor_off = 0;
    } else if (q->cursor_off == q->cursor->slice.len && q->cursor->next != NULL) {
        q->cursor = q->cursor->next;
        q->cursor_off = 0;
    }
}

bool sendq_write(struct sendq *q, struct node_pool *nodes, struct pools *pools, const void *data,
                 size_t len)
{
    const uint8_t *from = data;
    struct chunk *tail = q->data.tail;
    uint32_t grow = tail == NULL ? 0 : tail->room < len ? tail->room : (uint32_t)len;
    struct chunk_list fresh = {0};
    for (size_t done = grow; done < len;) {
        struct rte_mbuf *m = pools_depleted(pools) ? NULL : rte_pktmbuf_alloc(pools->data);
        if (m == NULL)
            goto fail;
        pools_took(pools, 1);
        size_t room = rte_pktmbuf_tailroom(m), n = len - done < room ? len - done : room;
        memcpy(rte_pktmbuf_append(m, (uint16_t)n), from + done, n);
        struct slice s = {
            .buf = m, .data = rte_pktmbuf_mtod(m, const uint8_t *), .len = (uint32_t)n};
        if (!chunk_list_push(&fresh, nodes, &s, (uint32_t)(room - n))) {
            rte_pktmbuf_free(m);
            goto fail;
        }
        done += n;
    }
    if (grow > 0)
        chunk_grow(tail, from, grow, 0, false);
    chunk_list_join(&q->data, &fresh);
    q->unsent += (uint32_t)len;
    cursor_settle(q);
    return true;
fail:
    chunk_list_release(&fresh, nodes);
    return false;
}

bool sendq_forward(struct sendq *q, struct node_pool *nodes, const struct slice *slice)
{
    struct slice copy = slice_sub(slice, 0, slice->len);
    if (!chunk_list_push(&q->data, nodes, &copy, 0)) {
        slice_release(&copy);
        return false;
    }
    q->unsent += slice->len;
    cursor_settle(q);
    return true;
}

/* Would the chunk travel as a segment of its own, with the checksum it came with? */
static bool travels_alone(const struct chunk *c, uint32_t most)
{
    return c->slice.sum_known && c->slice.len <= most && c->slice.len > most - most / 4;
}

uint32_t sendq_next_len(const struct sendq *q, uint32_t most, unsigned pieces)
{
    uint32_t len = 0, offset = q->cursor_off;
    for (const struct chunk *c = q->cursor; c != NULL && pieces-- > 0; c = c->next) {
        uint32_t n = c->slice.len - offset;
        if (len > 0 && len + n > most && travels_alone(c, most))
            break;
        if (len + n >= most)
            return most;
        len += n;
        offset = 0;
    }
    return len;
}

/* Move the cursor over len bytes. */
static void cursor_advance(struct sendq *q, uint32_t len)
{
    q->unsent -= len;
    while (len > 0) {
        uint32_t n = q->cursor->slice.len - q->cursor_off;
        if (len < n) {
            q->cursor_off += len;
            return;
        }
        len -= n;
        q->cursor_off = q->cursor->slice.len;
        cursor_settle(q);
    }
}

static struct sent *cut(struct sendq *q, struct node_pool *nodes, uint32_t len)
{
    bool fin = q->fin && !q->fin_sent && len == q->unsent;
    if (len == 0 && !fin)
        return NULL;
    struct sent *s = node_take(nodes);
    if (s == NULL)
        return NULL;
    if (len > 0) {
        cursor_settle(q);
        s->chunk = q->cursor;
        s->offset = q->cursor_off;
    }
    s->seq = q->nxt;
    s->end = q->nxt + len + fin;
    s->flags = fin ? SENT_FIN : 0;
    q->fin_sent |= fin;
    s->prev = q->tail;
    if (q->tail != NULL)
        q->tail->next = s;
    else
        q->head = s;
    q->tail = s;
    q->nxt = s->end;
    cursor_advance(q, len);
    return s;
}

struct sent *sendq_cut(struct sendq *q, struct node_pool *nodes, uint32_t most, unsigned pieces)
{
    return cut(q, nodes, sendq_next_len(q, most, pieces));
}

struct sent *sendq_cut_exactly(struct sendq *q, struct node_pool *nodes, uint32_t len,
                               unsigned pieces)
{
    uint64_t there = 0;
    if (q->cursor != NULL)
        there = q->cursor->slice.len - q->cursor_off;
    for (const struct chunk *c = q->cursor; there < len && c != NULL && --pieces > 0;) {
        c = c->next;
        there += c != NULL ? c->slice.len : 0;
    }
    return there >= len ? cut(q, nodes, len) : NULL;
}

void sendq_uncut(struct sendq *q, struct node_pool *nodes, struct sent *s)
{
    if (s->chunk != NULL) {
        q->cursor = s->chunk;
        q->cursor_off = s->offset;
        q->unsent += sent_bytes(s);
    }
    if (s->flags & SENT_FIN)
        q->fin_sent = false;
    q->nxt = s->seq;
    record_give(q, nodes, s);
}

/* Where the byte `skip` after the record's first one is. */
static void locate(const struct sent *s, uint32_t skip, struct chunk **chunk, uint32_t *offset)
{
    *chunk = s->chunk;
    *offset = s->offset + skip;
    while (*offset >= (*chunk)->slice.len && (*chunk)->next != NULL) {
        *offset -= (*chunk)->slice.len;
        *chunk = (*chunk)->next;
    }
}

bool sendq_split(struct sendq *q, struct node_pool *nodes, struct sent *s, uint32_t len)
{
    struct sent *rest = node_take(nodes);
    if (rest == NULL)
        return false;
    *rest = *s;
    if (s->flags & SENT_AWAY)
        link_behind(q, s, rest);
    locate(s, len, &rest->chunk, &rest->offset);
    rest->seq = s->seq + len;
    s->end = rest->seq;
    s->flags &= (uint8_t)~SENT_FIN;
    rest->prev = s;
    if (s->next != NULL)
        s->next->prev = rest;
    else
        q->tail = rest;
    s->next = rest;
    return true;
}

uint32_t sendq_acked(struct sendq *q, struct node_pool *nodes, uint32_t una)
{
    uint32_t bytes = una - q->una;
    while (q->head != NULL && seq_at_or_before(q->head->end, una)) {
        if (q->head->flags & SENT_FIN)
            bytes--;
        record_give(q, nodes, q->head);
    }
    struct sent *s = q->head;
    if (s != NULL && seq_before(s->seq, una)) {
        uint32_t n = una - s->seq;
        if (n < sent_bytes(s))
            locate(s, n, &s->chunk, &s->offset);
        else
            s->chunk = NULL; /* the FIN alone is left */
        s->seq = una;
    }
    q->una = una;
    q->head_acked += bytes;
    while (q->data.head != NULL && q->head_acked >= q->data.head->slice.len) {
        q->head_acked -= q->data.head->slice.len;
        if (q->cursor == q->data.head) {
            q->cursor = q->cursor->next;
            q->cursor_off = 0;
        }
        chunk_list_pop(&q->data, nodes);
    }
    return bytes;
}

bool sendq_piece(const struct sent *s, struct sendq_piece *p)
{
    uint32_t offset = 0;
    if (p->chunk == NULL) {
        p->chunk = s->chunk;
        p->left = sent_bytes(s);
        offset = s->offset;
    } else {
        p->chunk = p->chunk->next;
    }
    if (p->left == 0)
        return false;
    uint32_t n = p->chunk->slice.len - offset;
    p->data = p->chunk->slice.data + offset;
    p->len = n < p->left ? n : p->left;
    p->left -= p->len;
    return true;
}

bool sendq_sane(const struct sendq *q)
{
    uint32_t seq = q->una, bytes = 0, away = 0;
    const struct sent *last = NULL, *last_away;
    for (const struct sent *s = q->head; s != NULL; last = s, s = s->next) {
        if (s->seq != seq || s->prev != last || !seq_after(s->end, s->seq))
            return false;
        if ((s->flags & SENT_FIN) && s->next != NULL)
            return false;
        if (__builtin_popcount(s->flags & (SENT_AWAY | SENT_SACKED | SENT_LOST)) > 1)
            return false;
        away += (s->flags & SENT_AWAY) != 0;
        if (sent_bytes(s) > 0) {
            struct sendq_piece p = {0};
            uint32_t n = 0;
            while (sendq_piece(s, &p))
                n += p.len;
            if (n != sent_bytes(s))
                return false;
        }
        bytes += sent_bytes(s);
        seq = s->end;
    }
    last_away = NULL;
    for (const struct sent *s = q->oldest; s != NULL; last_away = s, s = s->later, away--)
        if (!(s->flags & SENT_AWAY) || s->earlier != last_away || away == 0 ||
            (last_away != NULL && s->when < last_away->when))
            return false;
    return q->tail == last && q->newest == last_away && away == 0 && seq == q->nxt &&
           chunk_list_bytes(&q->data) == (size_t)q->head_acked + bytes + q->unsent;
}
