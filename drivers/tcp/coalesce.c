/* SPDX-License-Identifier: BSD-3-Clause */
/* Making one arrival of several. */
#include "drivers/tcp/coalesce.h"

#include <rte_mbuf.h>

/* All sums of its pieces are known, or none: a chain of both could not tell which. */
static bool sums_settled(const struct arrival *a)
{
    return a->sums == 0 || a->sums == a->m->nb_segs;
}

bool coalesce_may_begin(const struct arrival *a)
{
    const struct segment *s = &a->segment;
    const struct ip_datagram *d = a->datagram;
    return s->flags == TCP_ACK && s->data_len > 0 && s->sack_count == 0 && sums_settled(a) &&
           a->m->pkt_len == d->payload_offset + d->payload_len;
}

void coalesce_begin(struct coalesce *held, const struct arrival *a)
{
    held->datagram = *a->datagram;
    held->arrival = *a;
    held->arrival.datagram = &held->datagram;
}

static bool same_flow(const struct arrival *a, const struct arrival *b)
{
    const struct ip_datagram *x = a->datagram, *y = b->datagram;
    return a->segment.src_port == b->segment.src_port &&
           a->segment.dst_port == b->segment.dst_port && ip_addr_equal(&x->src, &y->src) &&
           ip_addr_equal(&x->dst, &y->dst) && x->link == y->link;
}

static bool says_the_same(const struct segment *a, const struct segment *b)
{
    return (b->flags | TCP_PSH) == (TCP_ACK | TCP_PSH) && a->ack == b->ack &&
           a->window == b->window && b->sack_count == 0 && a->has_timestamp == b->has_timestamp &&
           a->tsval == b->tsval && a->tsecr == b->tsecr;
}

static bool continues(const struct coalesce *held, const struct arrival *a)
{
    const struct arrival *h = &held->arrival;
    const struct ip_datagram *d = a->datagram;
    return h->segment.flags == TCP_ACK && a->segment.data_len > 0 &&
           a->segment.seq == h->segment.seq + h->segment.data_len && same_flow(h, a) &&
           says_the_same(&h->segment, &a->segment) && held->datagram.ecn == d->ecn &&
           h->segment.data_len % h->largest == 0 && a->segment.data_len <= h->largest &&
           h->m->nb_segs + a->m->nb_segs <= ARRIVAL_SUMS && sums_settled(a) &&
           (h->sums == 0) == (a->sums == 0) && a->m->pkt_len == d->payload_offset + d->payload_len;
}

bool coalesce_append(struct coalesce *held, struct arrival *a)
{
    struct arrival *h = &held->arrival;
    if (h->m == NULL || !continues(held, a))
        return false;
    rte_pktmbuf_adj(a->m, (uint16_t)(a->datagram->payload_offset + a->segment.header_len));
    memcpy(h->sum + h->sums, a->sum, a->sums * sizeof(a->sum[0]));
    h->sums = (uint8_t)(h->sums + a->sums);
    h->segment.flags |= a->segment.flags;
    h->segment.data_len += a->segment.data_len;
    held->datagram.payload_len += a->segment.data_len;
    rte_pktmbuf_lastseg(h->m)->next = a->m;
    h->m->nb_segs = (uint16_t)(h->m->nb_segs + a->m->nb_segs);
    h->m->pkt_len += a->m->pkt_len;
    a->m = NULL;
    return true;
}
