/* SPDX-License-Identifier: BSD-3-Clause */
/* What a connection does when nothing happens: retransmission, zero-window probes, delayed ACKs,
 * keepalive, and the end of orphans. */
#ifndef SPLITMX_TCP_TIMERS_H
#define SPLITMX_TCP_TIMERS_H

struct tcp_connection;

void timers_init(struct tcp_connection *c);
void timers_stop(struct tcp_connection *c);

/* One RTO from now (RFC 6298 §5.1-5.3). */
void timers_arm_rexmit(struct tcp_connection *c);

/* An ACK brought something new: nothing in flight, or a whole RTO from now (RFC 6298 §5.2, §5.3).
 */
void timers_acked(struct tcp_connection *c);

/* An ACK within TCP_DELAYED_ACK (RFC 9293 §3.8.6.3). */
void timers_delay_ack(struct tcp_connection *c);

/* Keepalive from now on; for an orphan, the time it has left. */
void timers_arm_life(struct tcp_connection *c);

#endif
