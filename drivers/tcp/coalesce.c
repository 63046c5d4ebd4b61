/* SPDX-License-Identifier: BSD-3-Clause */
/* Making one arrival of several. */
#include "drivers/tcp/coalesce.h"

#include <rte_mbuf.h>

/* All sums of its pieces are known, or none: a chain of both could not tell which. */
static bool sums_settled(const struct arrival *a)
{
    return a->sums == 0 || a->sums == a->m->nb_segs;
}

/* Data, without news of gaps, and nothing in the packet behind it. */
static bool plain(const struct arrival *a)
{
    return a->segment.data_len > 0 && a->segment.sack_count == 0 && sums_settled(a) &&
           a->m->pkt_len == a->datagram.payload_offset + a->datagram.payload_len;
}

static bool same_flow(const struct arrival *a, const struct arrival *b)
{
    const struct ip_datagram *x = &a->datagram, *y = &b->datagram;
    return a->segment.src_port == b->segment.src_port &&
           a->segment.dst_port == b->segment.dst_port && ip_addr_equal(&x->src, &y->src) &&
           ip_addr_equal(&x->dst, &y->dst) && x->link == y->link;
}

static bool says_the_same(const struct segment *a, const struct segment *b)
{
    return (b->flags | TCP_PSH) == (TCP_ACK | TCP_PSH) && a->ack == b->ack &&
           a->window == b->window && a->has_timestamp == b->has_timestamp && a->tsval == b->tsval &&
           a->tsecr == b->tsecr;
}

static bool continues(const struct arrival *first, const struct arrival *a)
{
    const struct segment *f = &first->segment, *s = &a->segment;
    return f->flags == TCP_ACK && s->seq == f->seq + f->data_len && plain(first) && plain(a) &&
           same_flow(first, a) && says_the_same(f, s) && first->datagram.ecn == a->datagram.ecn &&
           f->data_len % first->largest == 0 && s->data_len <= first->largest &&
           first->m->nb_segs + a->m->nb_segs <= ARRIVAL_SUMS &&
           (first->sums == 0) == (a->sums == 0);
}

bool coalesce(struct arrival *first, struct arrival *a)
{
    if (!continues(first, a))
        return false;
    rte_pktmbuf_adj(a->m, (uint16_t)(a->datagram.payload_offset + a->segment.header_len));
    memcpy(first->sum + first->sums, a->sum, a->sums * sizeof(a->sum[0]));
    first->sums = (uint8_t)(first->sums + a->sums);
    first->segment.flags |= a->segment.flags;
    first->segment.data_len += a->segment.data_len;
    first->datagram.payload_len += a->segment.data_len;
    rte_pktmbuf_lastseg(first->m)->next = a->m;
    first->m->nb_segs = (uint16_t)(first->m->nb_segs + a->m->nb_segs);
    first->m->pkt_len += a->m->pkt_len;
    a->m = NULL;
    return true;
}
