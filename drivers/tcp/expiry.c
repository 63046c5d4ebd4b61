/* SPDX-License-Identifier: BSD-3-Clause */
/* What a connection does when one of its timers fires. */
#include "drivers/tcp/expiry.h"

#include "drivers/tcp/life.h"
#include "drivers/tcp/output.h"
#include "drivers/tcp/pmtu.h"
#include "drivers/tcp/stack.h"

static void pacing_fired(struct timer *timer, nsec_t now)
{
    (void)now;
    connection_dirty(CONTAINER_OF(timer, struct tcp_connection, pacing));
}

static void give_up(struct tcp_connection *c, enum stream_error why)
{
    c->tcp->counters[TCP_TIMED_OUT]++;
    life_down(c, why);
}

static void syn_again(struct tcp_connection *c)
{
    c->syn_due = true;
    timers_arm_rexmit(c);
    connection_dirty(c);
}

/* A SYN or SYN-ACK got no answer, or one that a SYN is the answer to. */
static void syn_expired(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    bool active = c->state == CONN_SYN_SENT;
    if (c->syn_answered) {
        c->syn_answered = false;
        syn_again(c);
        return;
    }
    if (c->retries++ >= (active ? TCP_RETRIES_SYN : TCP_RETRIES_SYN_ACK)) {
        t->counters[TCP_CONNECT_FAILED] += c->listener == NULL;
        give_up(c, STREAM_TIMED_OUT);
        return;
    }
    t->counters[TCP_TX_TIMEOUTS]++;
    rto_back_off(&c->rto);
    syn_again(c);
}

static void data_expired(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    /* A peer that took back its window, against RFC 9293 §3.8.6, drops what is in flight but
     * answers: that is no dead peer. */
    bool shut = c->snd_wnd == 0 && t->now - c->last_received < RTO_MAX && !c->orphan;
    unsigned limit = c->orphan ? TCP_RETRIES_ORPHAN : TCP_RETRIES;
    if (!shut && c->retries >= limit) {
        give_up(c, STREAM_TIMED_OUT);
        return;
    }
    t->counters[TCP_TX_TIMEOUTS]++;
    struct rack_ack time = connection_time(c, 0);
    recovery_on_timeout(&c->recovery, &c->sendq, &c->congestion, &time, c->retries > 0);
    if (!shut)
        pmtu_timeout(c);
    c->cwr_due |= c->ecn_ok;
    if (!shut || c->retries < limit)
        c->retries++;
    rto_back_off(&c->rto); /* RFC 6298 §5.5 */
    timers_arm_rexmit(c);
    connection_dirty(c);
}

/* Nothing is in flight, and the window keeps shut what is queued (RFC 9293 §3.8.6.1). A peer that
 * answers probes may keep its window shut for as long as the application bears with it. */
static void window_expired(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    if (c->retries >= (c->orphan ? TCP_RETRIES_ORPHAN : TCP_RETRIES)) {
        give_up(c, STREAM_TIMED_OUT);
        return;
    }
    c->retries++;
    rto_back_off(&c->rto);
    if (c->snd_wnd > 0) {
        c->override_sws = true;
    } else {
        t->counters[TCP_TX_ZERO_WINDOW_PROBES]++;
        c->probe_due = true;
    }
    timers_arm_rexmit(c);
    connection_dirty(c);
}

/* What was late is lost. */
static void reorder_expired(struct tcp_connection *c)
{
    struct tcp *t = c->tcp;
    struct rack_ack time = connection_time(c, 0);
    if (recovery_on_reorder(&c->recovery, &c->sendq, &c->congestion, &time))
        t->counters[TCP_TX_FAST_RECOVERIES]++;
    c->cwr_due |= c->ecn_ok && recovery_reducing(&c->recovery);
    timers_watch(c);
    connection_dirty(c);
}

/* RFC 8985 §7.3. The retransmission timer has its whole time from here on. */
static void tail_expired(struct tcp_connection *c)
{
    timers_arm_rexmit(c);
    c->tail_probe_due = true;
    connection_dirty(c);
}

static void rexmit_fired(struct timer *timer, nsec_t now)
{
    struct tcp_connection *c = CONTAINER_OF(timer, struct tcp_connection, rexmit);
    if (c->state == CONN_SYN_SENT || c->state == CONN_SYN_RECEIVED)
        syn_expired(c);
    else if (sendq_in_flight(&c->sendq) > 0 && now < c->rto_at && now >= c->reorder_at)
        reorder_expired(c);
    else if (sendq_in_flight(&c->sendq) > 0 && now >= c->tail_at)
        tail_expired(c);
    else if (sendq_in_flight(&c->sendq) > 0)
        data_expired(c);
    else if (c->sendq.unsent > 0 || (c->sendq.fin && !c->sendq.fin_sent))
        window_expired(c);
}

static void delack_fired(struct timer *timer, nsec_t now)
{
    (void)now;
    struct tcp_connection *c = CONTAINER_OF(timer, struct tcp_connection, delack);
    c->ack_now = true;
    connection_dirty(c);
}

/* An orphan is patient with a peer that still takes what was queued for it, and no longer than it
 * has to be with one that does not close its side, or holds its window shut. One that still sends
 * learns that nobody listens (RFC 9293 §3.10.7.1). */
static void orphan_expired(struct tcp_connection *c)
{
    if (c->state != CONN_FIN_WAIT_2 && c->life_una != c->sendq.una) {
        timers_arm_life(c);
        return;
    }
    if (c->state != CONN_FIN_WAIT_2)
        output_abort(c);
    give_up(c, STREAM_TIMED_OUT);
}

/* The timer is not moved for every segment; when it fires it looks when the last one came. */
static void keepalive_expired(struct tcp_connection *c, nsec_t now)
{
    struct tcp *t = c->tcp;
    nsec_t quiet = now - c->last_received;
    if (quiet < t->config.keepalive) {
        c->keepalives = 0;
        timer_arm(t->config.wheel, &c->life, c->last_received + t->config.keepalive);
        return;
    }
    if (c->keepalives >= TCP_KEEPALIVE_PROBES) {
        give_up(c, STREAM_TIMED_OUT);
        return;
    }
    /* With data in flight the retransmission timer finds out by itself. */
    if (sendq_in_flight(&c->sendq) == 0) {
        c->keepalives++;
        t->counters[TCP_TX_KEEPALIVES]++;
        c->probe_due = true;
        connection_dirty(c);
    }
    timer_arm(t->config.wheel, &c->life, now + TCP_KEEPALIVE_INTERVAL);
}

static void life_fired(struct timer *timer, nsec_t now)
{
    struct tcp_connection *c = CONTAINER_OF(timer, struct tcp_connection, life);
    if (c->orphan)
        orphan_expired(c);
    else
        keepalive_expired(c, now);
}

const struct timers_fired expiry_fired = {
    .rexmit = rexmit_fired,
    .delack = delack_fired,
    .pacing = pacing_fired,
    .life = life_fired,
};
