/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of connections. */
#include "drivers/tcp/life.h"

#include "drivers/tcp/pmtu.h"
#include "drivers/tcp/seq.h"
#include "drivers/tcp/stack.h"
#include "drivers/tcp/timers.h"
#include "drivers/tcp/window.h"

#define MSS_DEFAULT_V4 536 /* RFC 9293 §3.7.1 (MUST-15) */
#define MSS_DEFAULT_V6 1220
#define MSS_FLOOR      88 /* a smaller offer would leave no room beside options */

struct tcp_connection *life_begin(struct tcp *t, const struct endpoint *local,
                                  const struct endpoint *peer, const struct ip_route *route)
{
    struct tcp_connection *c = TAILQ_FIRST(&t->free);
    if (c == NULL)
        return NULL;
    c->tcp = t;
    c->hash = connection_hash(t, local, peer);
    if (!connection_enlist(c))
        return NULL;
    TAILQ_REMOVE(&t->free, c, slot);
    TAILQ_INSERT_TAIL(&t->open, c, slot);
    t->usage.connections++;

    uint32_t limit = t->config.send_limit;
    c->stream = (struct stream){
        .ops = t->stream_ops,
        .local = *local,
        .peer = *peer,
        .send_limit = limit < TCP_SEND_INITIAL ? limit : TCP_SEND_INITIAL,
    };
    struct isn_pair isn = isn_for(&t->isn, local, peer, t->now);
    c->ts_offset = isn.timestamp;
    c->link = route->link;
    c->max_segments = route->caps.max_segments;
    c->offload_checksum = route->caps.tx_tcp_checksum;
    c->offload_segmentation = c->offload_checksum && route->caps.tso;
    pmtu_init(c, route->mtu);
    c->rcv_mss = MSS_DEFAULT_V4;
    c->last_received = c->last_sent = t->now;
    c->round_mark = tcp_timestamp(t, c->ts_offset);
    c->window_target = window_initial(t);
    c->rcv_wscale = window_scale(t);
    rto_init(&c->rto);
    life_begin_at(c, isn.sequence);
    c->tail_at = c->reorder_at = UINT64_MAX;
    timers_init(c);
    return c;
}

void life_begin_at(struct tcp_connection *c, uint32_t iss)
{
    c->iss = iss;
    sendq_init(&c->sendq, iss + 1);
    recovery_init(&c->recovery, false, iss + 1);
    c->rto.point = iss + 1;
}

void life_begin_after(struct tcp_connection *c, uint32_t after)
{
    if (seq_at_or_before(c->iss, after))
        life_begin_at(c, after + UINT16_MAX);
}

void life_negotiate(struct tcp_connection *c, const struct segment *syn)
{
    struct tcp *t = c->tcp;
    uint32_t offered = syn->mss != 0                         ? syn->mss
                       : ip_addr_is_v4(&c->stream.peer.addr) ? MSS_DEFAULT_V4
                                                             : MSS_DEFAULT_V6;
    pmtu_limit(c, offered > MSS_FLOOR ? offered : MSS_FLOOR);
    c->ts_ok = syn->has_timestamp;
    c->wscale_ok = syn->has_wscale;
    c->snd_wscale = syn->has_wscale ? syn->wscale : 0;
    if (!syn->has_wscale)
        c->rcv_wscale = 0;
    if (c->ts_ok) {
        c->ts_recent = syn->tsval;
        c->ts_recent_at = t->now;
    }
    /* RFC 3168 §6.1.1: a SYN offers with both bits, a SYN-ACK accepts with one. */
    uint8_t ecn = c->state == CONN_SYN_SENT && (syn->flags & TCP_ACK) ? TCP_ECE : TCP_ECE | TCP_CWR;
    c->ecn_ok = t->config.ecn && (syn->flags & (TCP_ECE | TCP_CWR)) == ecn;
    c->irs = syn->seq;
    uint32_t open = c->rcv_edge - c->recvq.nxt; /* what our own SYN offered */
    recvq_init(&c->recvq, syn->seq + 1, POOL_DATA_ROOM / 2);
    c->ack_sent = c->recvq.nxt;
    c->rcv_edge = c->recvq.nxt + open;
    recovery_init(&c->recovery, syn->sack_permitted, c->sendq.una);
}

/* Nothing on the wire concerns it any more. */
static void disconnect(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    connection_delist(c);
    timers_stop(c);
    window_release(c);
    sendq_release(&c->sendq, &t->nodes);
    recovery_init(&c->recovery, c->recovery.sack, c->sendq.una);
    if (c->is_dirty)
        TAILQ_REMOVE(&t->dirty, c, dirty);
    c->is_dirty = false;
    connection_set_state(c, CONN_CLOSED);
}

void life_down(struct tcp_connection *c, enum stream_error error)
{
    disconnect(c);
    c->stream.error = error;
    if (c->orphan || c->listener != NULL)
        life_free(c);
    else
        connection_notify(c, STREAM_DOWN);
}

void life_free(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    disconnect(c);
    if (c->is_ready)
        TAILQ_REMOVE(&t->ready, c, ready);
    tcp_limbo(t, &c->recvq.data);
    recvq_release(&c->recvq, &t->nodes);
    t->usage.connections--;
    t->usage.orphans -= c->orphan;
    TAILQ_REMOVE(&t->open, c, slot);
    memset(c, 0, sizeof(*c));
    TAILQ_INSERT_HEAD(&t->free, c, slot);
}

void life_time_wait(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    struct timewait w = {
        .expires = t->now + t->config.time_wait,
        .local = c->stream.local,
        .peer = c->stream.peer,
        .hash = c->hash,
        .snd_nxt = c->sendq.nxt,
        .rcv_nxt = connection_rcv_nxt(c),
        .ts_recent = c->ts_recent,
        .ts_offset = c->ts_offset,
        .ts_sent = tcp_timestamp(t, c->ts_offset),
        .ts_ok = c->ts_ok,
        .window = window_wire(c),
        .link = c->link,
    };
    t->counters[TCP_TIME_WAIT_FULL] += timewait_add(&t->timewait, &w);
    if (!timer_armed(&t->timewait_timer))
        timer_arm(t->config.wheel, &t->timewait_timer, w.expires);
    life_down(c, STREAM_CLOSED);
}
