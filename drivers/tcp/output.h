/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Segments out. What a connection wants to send is noted while packets, timers and handlers run,
 * and sent when the worker flushes.
 *
 * Each transmission is a header mbuf of its own and indirect mbufs that point into the send queue's
 * chunks (the mbuf contract): one that waits in a ring is never touched again.
 */
#ifndef SPLITMX_TCP_OUTPUT_H
#define SPLITMX_TCP_OUTPUT_H

#include "drivers/ip/ip.h"
#include "drivers/tcp/segment.h"

struct tcp;
struct tcp_connection;

/* Send what is due: SYN, retransmissions, new data as far as both windows go, FIN, ACK. */
void output_connection(struct tcp_connection *c);

/* RST at SND.NXT, at once: the application aborted, or we give up on a peer that is alive. Does
 * not free the connection. */
void output_abort(struct tcp_connection *c);

/* Answer a segment that fits no connection with RST (RFC 9293 §3.10.7.1). Not one with RST, and so
 * many a second for all. */
void output_reset(struct tcp *t, const struct ip_datagram *d, const struct segment *offender);

/* A segment without connection or payload, ports as in s, sent by `link`. */
void output_bare(struct tcp *t, uint8_t link, const struct ip_addr *src, const struct ip_addr *dst,
                 const struct segment *s);

/* An ACK that states where we are (RFC 5961), so many a second for one connection, and for all. */
void output_challenge(struct tcp_connection *c);

#endif
