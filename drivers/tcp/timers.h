/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When a connection does something though nothing happens: retransmission, zero-window probes,
 * delayed ACKs, keepalive, and the end of orphans.
 *
 * One timer, `rexmit`, stands for three that RFC 8985 §8 never needs at once; it is armed for the
 * first of them that is due, and tells them apart by the clock:
 *     rto_at      retransmission (RFC 6298), of a SYN too, and the probe of a shut window
 *     tail_at     the tail loss probe, before that
 *     reorder_at  the end of RACK's patience with reordering
 */
#ifndef SPLITMX_TCP_TIMERS_H
#define SPLITMX_TCP_TIMERS_H

#include "drivers/base/timer.h"

struct tcp_connection;

/* What happens when they fire: expiry.h. */
struct timers_fired {
    timer_fn *rexmit, *delack, *pacing, *life;
};

void timers_init(struct tcp_connection *c);
void timers_stop(struct tcp_connection *c);

/* One RTO from now (RFC 6298 §5.1-5.3). */
void timers_arm_rexmit(struct tcp_connection *c);

/* An ACK brought something new: nothing in flight, or a whole RTO from now (RFC 6298 §5.2, §5.3).
 */
void timers_acked(struct tcp_connection *c);

/* New data went out, or an ACK came: the tail's probe is due two round trips from now, if nothing
 * else happens (RFC 8985 §7.2), and RACK may wait for something. */
void timers_watch(struct tcp_connection *c);

/* Nothing waits to be retransmitted, or the window opened. */
void timers_stop_rexmit(struct tcp_connection *c);

/* The pace allows no more before `when`. */
void timers_pace(struct tcp_connection *c, nsec_t when);

/* An ACK within TCP_DELAYED_ACK (RFC 9293 §3.8.6.3). */
void timers_delay_ack(struct tcp_connection *c);

/* Keepalive from now on; for an orphan, the time it has left. */
void timers_arm_life(struct tcp_connection *c);

#endif
