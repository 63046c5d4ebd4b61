/* SPDX-License-Identifier: BSD-3-Clause */
/* Control blocks: found, listed, marked. */
#include "drivers/tcp/connection.h"

#include <rte_jhash.h>
#include <rte_prefetch.h>

#include "drivers/tcp/seq.h"
#include "drivers/tcp/stack.h"

/* Chains have about one entry; a longer one than this is somebody's work. */
#define CHAIN_MAX 32

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

static void prefetch(const void *object, unsigned lines)
{
    for (unsigned i = 0; i < lines; i++)
        rte_prefetch0((const void *)((uintptr_t)object + 64 * i)); /* NULL, too, is harmless */
}

void connection_prefetch(const struct tcp *t, uint32_t hash)
{
    const struct tcp_connection *c = t->buckets[hash & t->bucket_mask];
    if (c != NULL)
        prefetch(c, sizeof(*c) / 64);
}

bool connection_enlist(struct tcp_connection *c)
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

void connection_delist(struct tcp_connection *c)
{
    if (!c->is_hashed)
        return;
    struct tcp_connection **link = &c->tcp->buckets[c->hash & c->tcp->bucket_mask];
    while (*link != c)
        link = &(*link)->chain;
    *link = c->chain;
    c->is_hashed = false;
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
    prefetch(c->stream.user, 3); /* the handler's turn comes when the burst is over */
    TAILQ_INSERT_TAIL(&c->tcp->ready, c, ready);
}

void connection_dirty(struct tcp_connection *c)
{
    if (c->is_dirty)
        return;
    c->is_dirty = true;
    TAILQ_INSERT_TAIL(&c->tcp->dirty, c, dirty);
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
