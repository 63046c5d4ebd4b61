/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of connections. */
#include "drivers/tcp/connection.h"

#include <rte_jhash.h>

#include "drivers/tcp/seq.h"
#include "drivers/tcp/stack.h"
#include "drivers/tcp/stream_glue.h"
#include "drivers/tcp/timers.h"
#include "drivers/tcp/window.h"

/* Chains have about one entry; a longer one than this is somebody's work. */
#define CHAIN_MAX 32

#define MSS_DEFAULT_V4 536 /* RFC 9293 §3.7.1 (MUST-15) */
#define MSS_DEFAULT_V6 1220
#define MSS_FLOOR      88 /* a smaller offer would leave no room beside options */

uint32_t connection_hash(const struct tcp *t, const struct endpoint *local,
                         const struct endpoint *peer)
{
    uint32_t key[9];
    memcpy(key, &local->addr, 16);
    memcpy(key + 4, &peer->addr, 16);
    key[8] = (uint32_t)local->port << 16 | peer->port;
    return rte_jhash_32b(key, 9, t->hash_seed);
}

struct tcp_connection *connection_find(const struct tcp *t, uint32_t hash,
                                       const struct endpoint *local, const struct endpoint *peer)
{
    struct tcp_connection *c = t->buckets[hash & t->bucket_mask];
    while (c != NULL && !(c->hash == hash && endpoint_equal(&c->stream.peer, peer) &&
                          endpoint_equal(&c->stream.local, local)))
        c = c->chain;
    return c;
}

static bool table_insert(struct tcp_connection *c)
{
    struct tcp_connection **bucket = &c->tcp->buckets[c->hash & c->tcp->bucket_mask];
    unsigned length = 0;
    for (struct tcp_connection *other = *bucket; other != NULL; other = other->chain)
        length++;
    if (length >= CHAIN_MAX)
        return false;
    c->chain = *bucket;
    *bucket = c;
    c->is_hashed = true;
    return true;
}

static void table_remove(struct tcp_connection *c)
{
    if (!c->is_hashed)
        return;
    struct tcp_connection **link = &c->tcp->buckets[c->hash & c->tcp->bucket_mask];
    while (*link != c)
        link = &(*link)->chain;
    *link = c->chain;
    c->is_hashed = false;
}

uint8_t connection_scale(const struct tcp *t)
{
    uint8_t scale = 0;
    while (scale < TCP_MAX_WSCALE && (UINT64_C(65535) << scale) < t->config.receive_window)
        scale++;
    return scale;
}

struct tcp_connection *connection_new(struct tcp *t, const struct endpoint *local,
                                      const struct endpoint *peer, const struct ip_route *route)
{
    struct tcp_connection *c = TAILQ_FIRST(&t->free);
    if (c == NULL)
        return NULL;
    c->tcp = t;
    c->hash = connection_hash(t, local, peer);
    if (!table_insert(c))
        return NULL;
    TAILQ_REMOVE(&t->free, c, slot);
    TAILQ_INSERT_TAIL(&t->open, c, slot);
    t->usage.connections++;

    stream_glue_init(c, local, peer);
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
    c->rcv_wscale = connection_scale(t);
    rto_init(&c->rto);
    connection_begin_at(c, isn.sequence);
    c->tail_at = c->reorder_at = UINT64_MAX;
    timers_init(c);
    return c;
}

void connection_begin_at(struct tcp_connection *c, uint32_t iss)
{
    c->iss = iss;
    sendq_init(&c->sendq, iss + 1);
    recovery_init(&c->recovery, false, iss + 1);
    c->rto.point = iss + 1;
}

void connection_begin_after(struct tcp_connection *c, uint32_t after)
{
    if (seq_at_or_before(c->iss, after))
        connection_begin_at(c, after + UINT16_MAX);
}

void connection_negotiate(struct tcp_connection *c, const struct segment *syn)
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

/* Which list a connection in that state is in. */
static struct connection_list *slot_of(struct tcp *t, enum connection_state state)
{
    return state == CONN_SYN_SENT       ? &t->opening
           : state == CONN_SYN_RECEIVED ? &t->half_open
                                        : &t->open;
}

void connection_set_state(struct tcp_connection *c, enum connection_state state)
{
    /* May the row's state become the column's? RFC 9293 figure 5; everything may end in CLOSED. */
    static const uint16_t next[] = {
        [CONN_CLOSED] = 1 << CONN_SYN_SENT | 1 << CONN_SYN_RECEIVED,
        [CONN_SYN_SENT] = 1 << CONN_SYN_RECEIVED | 1 << CONN_ESTABLISHED,
        [CONN_SYN_RECEIVED] = 1 << CONN_ESTABLISHED,
        [CONN_ESTABLISHED] = 1 << CONN_FIN_WAIT_1 | 1 << CONN_CLOSE_WAIT,
        [CONN_FIN_WAIT_1] = 1 << CONN_FIN_WAIT_2 | 1 << CONN_CLOSING,
        [CONN_FIN_WAIT_2] = 0, /* TIME-WAIT is no state of a connection here */
        [CONN_CLOSE_WAIT] = 1 << CONN_LAST_ACK,
        [CONN_CLOSING] = 0,
        [CONN_LAST_ACK] = 0,
    };
    struct tcp *t = c->tcp;
    if (state != CONN_CLOSED &&
        IMPOSSIBLE(!(next[c->state] >> state & 1), &t->counters[TCP_IMPOSSIBLE]))
        return;
    TAILQ_REMOVE(slot_of(t, c->state), c, slot);
    TAILQ_INSERT_TAIL(slot_of(t, state), c, slot);
    t->usage.half_open -= c->state == CONN_SYN_RECEIVED;
    t->usage.half_open += state == CONN_SYN_RECEIVED;
    c->state = (uint8_t)state;
}

void connection_notify(struct tcp_connection *c, unsigned events)
{
    if (c->orphan)
        return;
    c->pending |= (uint8_t)events;
    if (c->is_ready || c->state == CONN_SYN_RECEIVED)
        return;
    c->is_ready = true;
    TAILQ_INSERT_TAIL(&c->tcp->ready, c, ready);
}

void connection_dirty(struct tcp_connection *c)
{
    if (c->is_dirty)
        return;
    c->is_dirty = true;
    TAILQ_INSERT_TAIL(&c->tcp->dirty, c, dirty);
}

/* Nothing on the wire concerns it any more. */
static void disconnect(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    table_remove(c);
    timers_stop(c);
    window_release(c);
    sendq_release(&c->sendq, &t->nodes);
    recovery_init(&c->recovery, c->recovery.sack, c->sendq.una);
    if (c->is_dirty)
        TAILQ_REMOVE(&t->dirty, c, dirty);
    c->is_dirty = false;
    connection_set_state(c, CONN_CLOSED);
}

void connection_down(struct tcp_connection *c, enum stream_error error)
{
    disconnect(c);
    c->stream.error = error;
    if (c->orphan || c->listener != NULL)
        connection_free(c);
    else
        connection_notify(c, STREAM_DOWN);
}

void connection_free(struct tcp_connection *c)
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

void connection_time_wait(struct tcp_connection *c)
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
    connection_down(c, STREAM_CLOSED);
}

/* What is known of the two FINs is what the state says (RFC 9293 §3.3.2). */
static bool state_fits(const struct tcp_connection *c)
{
    bool ours = c->state == CONN_FIN_WAIT_1 || c->state == CONN_FIN_WAIT_2 ||
                c->state == CONN_CLOSING || c->state == CONN_LAST_ACK;
    bool theirs =
        c->state == CONN_CLOSE_WAIT || c->state == CONN_CLOSING || c->state == CONN_LAST_ACK;
    return c->orphan == ours && c->sendq.fin == ours && c->fin_received == theirs &&
           connection_fin_acked(c) == (c->state == CONN_FIN_WAIT_2);
}

const char *tcp_connection_fault(const struct tcp_connection *c)
{
    const struct tcp *t = c->tcp;
    if (!recvq_sane(&c->recvq, c->stream.readable))
        return "the receive queue is out of order";
    if (!sendq_sane(&c->sendq))
        return "the send queue's records do not fit its bytes";
    if (!recovery_sane(&c->recovery, &c->sendq))
        return "the pipe's sums do not fit the records";
    if (c->state == CONN_CLOSED) {
        bool quiet = !timer_armed(&c->rexmit) && !timer_armed(&c->delack) &&
                     !timer_armed(&c->life) && !timer_armed(&c->pacing);
        return quiet && c->promised == 0 && !c->is_dirty && !c->is_hashed
                   ? NULL
                   : "a closed connection is not at rest";
    }
    if (connection_find(t, c->hash, &c->stream.local, &c->stream.peer) != c)
        return "a connection is not found where it should be";
    if (!state_fits(c))
        return "a connection is in a state that its FINs do not allow";
    bool unfinished = c->state == CONN_SYN_SENT || c->state == CONN_SYN_RECEIVED ||
                      sendq_in_flight(&c->sendq) > 0 || c->sendq.unsent > 0 ||
                      (c->sendq.fin && !c->sendq.fin_sent);
    if (unfinished && !c->is_dirty && !timer_armed(&c->rexmit))
        return "unfinished business, and neither a timer nor a flush will see to it";
    if (timer_armed(&c->rexmit) && c->rto_at > t->now + RTO_MAX)
        return "the retransmission timer is armed for never";
    if (c->state >= CONN_ESTABLISHED && !timer_armed(&c->life))
        return "nothing would ever end this connection";
    if (c->state >= CONN_ESTABLISHED && !c->orphan && !c->fin_received) {
        if (seq_before(c->rcv_edge, c->recvq.nxt))
            return "more was received than the window allowed";
        if ((uint64_t)c->promised * t->window_per_buffer < c->rcv_edge - c->recvq.nxt)
            return "the window is open wider than memory was promised";
    }
    uint64_t queued = (uint64_t)c->sendq.unsent + sendq_in_flight(&c->sendq);
    if (c->sendq.fin_sent && !connection_fin_acked(c))
        queued--; /* the FIN is no byte */
    if (c->stream.written - c->stream.acked != queued)
        return "written, acknowledged and queued bytes do not add up";
    return NULL;
}
