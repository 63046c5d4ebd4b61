/* SPDX-License-Identifier: BSD-3-Clause */
/* From mbufs to segments and chunks. */
#include "drivers/tcp/arrival.h"

#include <rte_mbuf.h>

#include "drivers/base/sum.h"

/* The pieces of a payload in a chain of mbufs. */
struct piece {
    struct rte_mbuf *m;
    uint32_t offset; /* in m's data */
    uint32_t len;
    uint32_t left; /* from this piece on */
};

static struct piece first_piece(const struct arrival *a)
{
    struct piece p = {.m = a->m,
                      .offset = a->datagram.payload_offset + a->segment.header_len,
                      .left = a->segment.data_len};
    uint32_t have = p.m->data_len - p.offset;
    p.len = have < p.left ? have : p.left;
    return p;
}

static bool next_piece(struct piece *p)
{
    p->left -= p->len;
    p->m = p->m->next;
    p->offset = 0;
    if (p->left == 0 || p->m == NULL)
        return false;
    p->len = p->m->data_len < p->left ? p->m->data_len : p->left;
    return true;
}

static bool verify(struct arrival *a, const uint8_t *header)
{
    const struct ip_datagram *d = &a->datagram;
    uint16_t sum = sum_add(sum_pseudo_header(&d->src, &d->dst, d->payload_len),
                           sum_bytes(header, a->segment.header_len));
    uint32_t at = 0;
    struct piece p = first_piece(a);
    do {
        uint16_t part = sum_bytes(rte_pktmbuf_mtod_offset(p.m, void *, p.offset), p.len);
        if (a->sums < ARRIVAL_SUMS)
            a->sum[a->sums++] = part;
        sum = sum_add(sum, sum_at(part, at));
        at += p.len;
    } while (next_piece(&p));
    return sum == 0xffff && at == a->segment.data_len;
}

enum arrival_result arrival_read(struct arrival *a, struct rte_mbuf *m, const struct ip_datagram *d)
{
    a->m = m;
    a->datagram = *d;
    a->sums = 0;
    const uint8_t *header = rte_pktmbuf_mtod_offset(m, const uint8_t *, d->payload_offset);
    if (d->payload_offset > m->data_len || d->payload_offset + d->payload_len > m->pkt_len ||
        !segment_parse(header, m->data_len - d->payload_offset, d->payload_len, &a->segment))
        return ARRIVAL_BAD_HEADER;
    a->largest = a->segment.data_len;
    if (!d->checksum_good && !verify(a, header))
        return ARRIVAL_BAD_CHECKSUM;
    return ARRIVAL_GOOD;
}

/* Behind the bytes of a buffer that is ours alone there may be room for those that follow. */
static uint32_t room_behind(const struct rte_mbuf *m, uint32_t end)
{
    if (!RTE_MBUF_DIRECT(m) || rte_mbuf_refcnt_read(m) != 1)
        return 0;
    return m->buf_len - m->data_off - end;
}

bool arrival_take(struct arrival *a, struct node_pool *nodes, struct chunk_list *out)
{
    struct chunk_list list = {0};
    struct piece p = first_piece(a);
    unsigned n = 0;
    do {
        struct slice s = {
            .buf = p.m,
            .data = rte_pktmbuf_mtod_offset(p.m, const uint8_t *, p.offset),
            .len = p.len,
            .sum = n < a->sums ? a->sum[n] : 0,
            .sum_known = n < a->sums,
        };
        n++;
        if (p.len > 0 && !chunk_list_push(&list, nodes, &s, room_behind(p.m, p.offset + p.len))) {
            for (struct chunk *c = list.head; c != NULL; c = c->next)
                c->slice.buf = NULL; /* still the packet's */
            chunk_list_release(&list, nodes);
            return false;
        }
    } while (next_piece(&p));

    /* Every buffer goes its own way now: with its chunk, or home. */
    const struct chunk *c = list.head;
    for (struct rte_mbuf *m = a->m, *next; m != NULL; m = next) {
        next = m->next;
        m->next = NULL;
        m->nb_segs = 1;
        if (c != NULL && c->slice.buf == m)
            c = c->next;
        else
            rte_pktmbuf_free_seg(m);
    }
    a->m = NULL;
    a->buffers = (uint16_t)n;
    *out = list;
    return true;
}

void arrival_release(struct arrival *a)
{
    rte_pktmbuf_free(a->m);
    a->m = NULL;
}
