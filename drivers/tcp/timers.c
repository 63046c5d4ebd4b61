/* SPDX-License-Identifier: BSD-3-Clause */
/* Arming a connection's timers. */
#include "drivers/tcp/timers.h"

#include "drivers/tcp/stack.h"

static void arm_earliest(struct tcp_connection *c)
{
    nsec_t when = c->rto_at;
    if (c->tail_at < when)
        when = c->tail_at;
    if (c->reorder_at < when)
        when = c->reorder_at;
    timer_arm(c->tcp->config.wheel, &c->rexmit, when);
}

void timers_arm_rexmit(struct tcp_connection *c)
{
    c->rto_at = c->tcp->now + rto_get(&c->rto);
    c->tail_at = c->reorder_at = UINT64_MAX;
    arm_earliest(c);
}

void timers_stop_rexmit(struct tcp_connection *c)
{
    c->tail_at = c->reorder_at = UINT64_MAX;
    timer_disarm(c->tcp->config.wheel, &c->rexmit);
}

void timers_acked(struct tcp_connection *c)
{
    if (sendq_in_flight(&c->sendq) > 0)
        timers_arm_rexmit(c);
    else
        timers_stop_rexmit(c);
}

/* RFC 8985 §7.2, TLP_calc_PTO(), and two ticks for what a scheduler may do to short round trips. */
static nsec_t probe_timeout(const struct tcp_connection *c)
{
    if (c->rto.srtt == 0)
        return NSEC_PER_SEC;
    /* The ACK of a single segment may be delayed. */
    bool alone = sendq_in_flight(&c->sendq) <= c->congestion.mss;
    return 2 * c->rto.srtt + (alone ? TCP_MAX_DELAYED_ACK : 2 * RTO_GRANULE);
}

void timers_watch(struct tcp_connection *c)
{
    if (sendq_in_flight(&c->sendq) == 0)
        return;
    struct rack_ack time = connection_time(c, 0);
    c->reorder_at = recovery_reorder_deadline(&c->recovery, &c->sendq, &c->congestion, &time);
    c->tail_at = UINT64_MAX;
    /* Not behind the timeout, but before it (RFC 8985 §7.2). */
    if (c->reorder_at == UINT64_MAX && recovery_may_probe(&c->recovery, &c->sendq)) {
        nsec_t probe = c->tcp->now + probe_timeout(c);
        c->tail_at = probe < c->rto_at ? probe : c->rto_at;
    }
    arm_earliest(c);
}

void timers_pace(struct tcp_connection *c, nsec_t when)
{
    if (!timer_armed(&c->pacing))
        timer_arm(c->tcp->config.wheel, &c->pacing, when);
}

void timers_delay_ack(struct tcp_connection *c)
{
    if (!timer_armed(&c->delack))
        timer_arm(c->tcp->config.wheel, &c->delack, c->tcp->now + TCP_DELAYED_ACK);
}

void timers_arm_life(struct tcp_connection *c)
{
    nsec_t after = c->tcp->config.keepalive;
    if (c->orphan)
        after = c->state == CONN_FIN_WAIT_2 ? TCP_FIN_WAIT_2 : TCP_ORPHAN;
    c->life_una = c->sendq.una;
    timer_arm(c->tcp->config.wheel, &c->life, c->tcp->now + after);
}

void timers_init(struct tcp_connection *c)
{
    const struct timers_fired *fired = c->tcp->fired;
    timer_init(&c->rexmit, fired->rexmit);
    timer_init(&c->delack, fired->delack);
    timer_init(&c->pacing, fired->pacing);
    timer_init(&c->life, fired->life);
}

void timers_stop(struct tcp_connection *c)
{
    struct timer_wheel *w = c->tcp->config.wheel;
    timer_disarm(w, &c->rexmit);
    timer_disarm(w, &c->delack);
    timer_disarm(w, &c->pacing);
    timer_disarm(w, &c->life);
}
