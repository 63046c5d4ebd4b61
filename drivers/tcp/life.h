/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection's life: from the list of free ones through a handshake to its end, and back. */
#ifndef SPLITMX_TCP_LIFE_H
#define SPLITMX_TCP_LIFE_H

#include "drivers/tcp/connection.h"

/* A connection in CONN_CLOSED with its queues empty, its addresses, route and initial numbers set,
 * in the flow table. NULL if there is none left, or its chain of the table is too long. */
struct tcp_connection *life_begin(struct tcp *t, const struct endpoint *local,
                                  const struct endpoint *peer, const struct ip_route *route);

/* Before its SYN is out, or where a cookie was: the number that our SYN has. */
void life_begin_at(struct tcp_connection *c, uint32_t iss);

/* Before its SYN is out: begin beyond `after`, the last number of an earlier connection between the
 * same endpoints (RFC 9293 §3.4.3). */
void life_begin_after(struct tcp_connection *c, uint32_t after);

/* What the peer's SYN said: MSS, scaling, timestamps, SACK. */
void life_negotiate(struct tcp_connection *c, const struct segment *syn);

/* The protocol's end: nothing more is received or sent. The application hears STREAM_DOWN and
 * frees it; where there is none, it is freed at once. */
void life_down(struct tcp_connection *c, enum stream_error error);

/* Back to the free ones, from any state. */
void life_free(struct tcp_connection *c);

/* Both FINs are acknowledged: leaves a record in TIME-WAIT, and is freed. */
void life_time_wait(struct tcp_connection *c);

#endif
