/* SPDX-License-Identifier: BSD-3-Clause */
/* Listeners: who accepts connections to which of our endpoints. tcp_listen() is in tcp.h. */
#ifndef SPLITMX_TCP_LISTENER_H
#define SPLITMX_TCP_LISTENER_H

#include "drivers/tcp/connection.h"

/* The listener for segments to `local`: one for that very address before one for all. */
struct tcp_listener *listener_find(const struct tcp *t, const struct endpoint *local);

/* A SYN for the listener (RFC 9293 §3.10.7.2, third step). `after`: the sequence number that a
 * connection in TIME-WAIT between the same endpoints had reached; ours begins beyond. NULL: none.
 */
void listener_syn(struct tcp_listener *l, const struct ip_datagram *d, const struct segment *syn,
                  const uint32_t *after);

/* An ACK for no connection: if it brings back a cookie (RFC 4987 §3.6), the connection that it
 * completes, in SYN-RECEIVED: to be processed as if it had been there all the time. Else NULL. */
struct tcp_connection *listener_cookie(struct tcp_listener *l, const struct ip_datagram *d,
                                       const struct segment *ack);

/* The client of a connection in SYN-RECEIVED answers an earlier SYN-ACK of ours, a cookie. The
 * connection is gone then, for listener_cookie() to make it anew. */
bool listener_superseded(struct tcp_connection *c, const struct segment *ack);

/* The handshake is done: queue the connection for the listener's callback. */
void listener_established(struct tcp_connection *c);

#endif
