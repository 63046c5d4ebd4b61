/* SPDX-License-Identifier: BSD-3-Clause */
/* Bursts from and to one queue pair of a DPDK port. */
#include "drivers/port/queue.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define MASK  (PORT_QUEUE - 1)
#define BURST 64 /* frames that are worth a call of the driver before the round ends */

static struct port_queue *queue_of(struct link *l)
{
    return (struct port_queue *)(void *)l;
}

static bool is_up(const struct port_queue *q)
{
    return __atomic_load_n(q->up, __ATOMIC_RELAXED);
}

static uint16_t receive(struct link *l, struct rte_mbuf **frames, uint16_t n)
{
    struct port_queue *q = queue_of(l);
    return is_up(q) ? rte_eth_rx_burst(q->port, q->queue, frames, n) : 0;
}

static void drop(struct port_queue *q, enum port_counter why, struct rte_mbuf *m)
{
    q->counters[why]++;
    rte_pktmbuf_free(m);
}

/* Take n frames off the head. */
static void advance(struct port_queue *q, uint32_t n)
{
    q->head = (q->head + n) & MASK;
    q->count -= n;
    q->prepared -= n < q->prepared ? n : q->prepared;
    q->waited -= n < q->waited ? n : q->waited;
}

/*
 * Show the driver what it has not seen, as far as frames lie side by side. One that it refuses is
 * dropped, after what was prepared in front of it has gone out. Returns how many from the head on
 * may be sent now: 0 after a drop.
 */
static uint16_t prepare(struct port_queue *q)
{
    uint32_t to_wrap = PORT_QUEUE - q->head;
    uint32_t n = q->count < to_wrap ? q->count : to_wrap;
    if (!q->prepare)
        return (uint16_t)n;
    if (q->prepared < n) {
        struct rte_mbuf **fresh = &q->pending[q->head + q->prepared];
        q->prepared += rte_eth_tx_prepare(q->port, q->queue, fresh, (uint16_t)(n - q->prepared));
    }
    if (q->prepared == 0) {
        drop(q, PORT_TX_REFUSED, q->pending[q->head]);
        advance(q, 1);
    }
    return (uint16_t)(q->prepared < n ? q->prepared : n);
}

static void flush(struct link *l)
{
    struct port_queue *q = queue_of(l);
    while (q->count > 0) {
        uint16_t n = prepare(q);
        uint16_t sent = rte_eth_tx_burst(q->port, q->queue, &q->pending[q->head], n);
        advance(q, sent);
        if (sent < n) {
            q->counters[PORT_TX_WAITED] += q->count - q->waited;
            q->waited = q->count;
            break;
        }
    }
}

/* One buffer of data for a port that takes no more. NULL, with the frame freed, if there is none.
 */
static struct rte_mbuf *linearise(struct port_queue *q, struct rte_mbuf *m)
{
    struct rte_mbuf *copy = rte_pktmbuf_alloc(q->pools->data);
    if (copy == NULL) {
        drop(q, PORT_TX_NO_BUFFER, m);
        return NULL;
    }
    char *to = rte_pktmbuf_append(copy, (uint16_t)m->pkt_len);
    if (m->pkt_len > UINT16_MAX || to == NULL) {
        rte_pktmbuf_free(copy);
        drop(q, PORT_TX_REFUSED, m);
        return NULL;
    }
    for (const struct rte_mbuf *s = m; s != NULL; s = s->next) {
        memcpy(to, rte_pktmbuf_mtod(s, const char *), s->data_len);
        to += s->data_len;
    }
    copy->ol_flags |= m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK;
    copy->tx_offload = m->tx_offload;
    q->counters[PORT_TX_LINEARISED]++;
    rte_pktmbuf_free(m);
    return copy;
}

static void transmit(struct link *l, struct rte_mbuf *m)
{
    struct port_queue *q = queue_of(l);
    if (!is_up(q)) {
        drop(q, PORT_TX_LINK_DOWN, m);
        return;
    }
    if (q->count == PORT_QUEUE)
        flush(l);
    if (q->count == PORT_QUEUE) {
        drop(q, PORT_TX_QUEUE_FULL, m);
        return;
    }
    if (m->nb_segs > l->caps.max_segments) {
        m = linearise(q, m);
        if (m == NULL)
            return;
    }
    q->pending[(q->head + q->count) & MASK] = m;
    q->count++;
    /* Once the ring is full, the end of the round is soon enough to try again. */
    if (q->count >= BURST && q->waited == 0)
        flush(l);
}

const struct link_ops port_queue_ops = {receive, transmit, flush};

void port_queue_clear(struct port_queue *q)
{
    while (q->count > 0) {
        rte_pktmbuf_free(q->pending[q->head]);
        advance(q, 1);
    }
}

bool port_queue_sane(const struct port_queue *q)
{
    if (q->head >= PORT_QUEUE || q->count > PORT_QUEUE || q->prepared > q->count ||
        q->waited > q->count)
        return false;
    for (uint32_t k = 0; k < q->count; k++)
        if (q->pending[(q->head + k) & MASK] == NULL)
            return false;
    return true;
}
