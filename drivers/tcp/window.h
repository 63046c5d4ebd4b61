/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receive window: how much a peer may send us unread.
 *
 * A window is memory that we promise, and is opened only into buffers that nobody else was promised
 * (pools.h). A buffer is counted for 7/16 of its room: of two neighbours in a receive queue the
 * second begins only where the first was full, or was at least half full itself (recvq.h), so that
 * two hold a room's worth less the second one's headers, always more than 14/16. What breaks that
 * rule (a peer that leaves holes, each with its own little buffer) is caught by pools_exhausted().
 *
 * The right edge never moves left, but for what the scale of the window option rounds off, and that
 * only for a peer that sends a few bytes at a time to an application that does not read.
 *
 * A window begins small (window_initial()), so that idle connections pin few promises. It follows
 * what the application reads in a round trip (dynamic right-sizing, Fisk and Feng 2001): twice
 * that, as there is a round trip between a window and its data; and where it grows, twice the
 * growth on top, so that a sender in slow start finds its window open. The most is
 * tcp_config.receive_window and a fair share of memory (share.h). It comes down by an eighth a
 * round trip that reads less than a quarter of it. Where promises get scarce, new ones are small.
 *
 * A round trip is over when the peer echoes a timestamp that we sent after its beginning. A peer
 * without timestamps is timed by our own estimate of the round trip, which may be old: its window
 * does not come down.
 */
#ifndef SPLITMX_TCP_WINDOW_H
#define SPLITMX_TCP_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcp;
struct tcp_connection;
struct segment;

#define WINDOW_INITIAL (16 * 1024)
#define WINDOW_SCARCE  (4 * 1024)
#define WINDOW_SYN     (4 * 1024) /* until the handshake is done: SYNs are cheap to forge */

/* Bytes that one buffer of `room` is good for. */
static inline uint32_t window_per_buffer(uint32_t room)
{
    return room * 7 / 16;
}

/*
 * What a new connection's window is to be, before its application has read anything: less, the less
 * memory is left, but never less than a segment of Ethernet. So a crowd of idle connections, which
 * nobody can be made to give back, leaves something to all that come after: a budget of n buffers
 * is good for n/76 connections with WINDOW_INITIAL, n/10 with WINDOW_SCARCE, and n/8 with the
 * least.
 */
uint32_t window_initial(const struct tcp *t);

/* Move the right edge as far as memory and good manners allow (RFC 9293 §3.8.6.2.2), and settle the
 * promise. Where memory is short, joins the starved. Orphans' windows only close. */
void window_open(struct tcp_connection *c);

/* The window field of a segment without SYN that leaves now. */
uint16_t window_wire(struct tcp_connection *c);

/* Same for a segment with SYN, whose field is never scaled. */
uint16_t window_wire_syn(struct tcp_connection *c);

/* A segment with data arrived: is a round trip over? */
void window_round(struct tcp_connection *c, const struct segment *s);

/* The application read `n` bytes: send an update if it is worth one. */
void window_consumed(struct tcp_connection *c, size_t n);

/* Open windows that memory kept shut, as far as it has come back. */
void window_serve_starved(struct tcp *t);

/* Give the promise back; the connection ends. */
void window_release(struct tcp_connection *c);

/* The scale of our own windows, towards peers that know scales (RFC 7323 §2.3). */
uint8_t window_scale(const struct tcp *t);

#endif
