/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The path's MTU. A connection begins with what its link and the peer's MSS allow, and routers on
 * the way bring that down (RFC 1191, RFC 8201). Where they do not say what they drop (a black
 * hole), two timeouts in a row bring it down to a size that nearly every path takes.
 *
 * From below, the way up is searched with probes (RFC 4821, RFC 8899): single segments larger than
 * the path is known to take.
 *
 *      now                        high          most
 *       |------- to be searched ----|             |
 *       ^ works         ^ the next probe          ^ link, peer
 *
 * The largest size goes first, then the middle of what is left. Ten minutes after the search has
 * ended, or a router has spoken, it begins anew: paths change (RFC 1191 §6.3, RFC 8201 §4).
 *
 * The loss of a probe is no sign of congestion (RFC 4821 §7.5), and its bytes are sent again in
 * segments of the ordinary size. Without SACK nothing is probed: it could not be told from others.
 */
#ifndef SPLITMX_TCP_PMTU_H
#define SPLITMX_TCP_PMTU_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/tcp/path.h"

struct tcp_connection;
struct sent;

/* A new connection whose first hop takes `mtu` bytes. */
void pmtu_init(struct tcp_connection *c, uint16_t mtu);

/* The peer takes no larger payloads. */
void pmtu_limit(struct tcp_connection *c, uint32_t mss);

/* A router could not forward a packet of ours that began with `seq`: send smaller ones from now on,
 * and again what was larger. `mtu`: of its next hop, 0 if it did not say (RFC 1191 §7.1 tells what
 * to try then). Never less than 576 (IPv4) or 1280 (IPv6): an attacker could claim anything. */
void pmtu_too_big(struct tcp_connection *c, uint32_t seq, uint16_t mtu);

/* The retransmission timer expired: is it for the size (RFC 4821 §7.7)? */
void pmtu_timeout(struct tcp_connection *c);

/* The payload of the probe that may be sent now, to a peer whose window has `window` bytes left; 0:
 * none. There is enough queued behind it to notice its loss (RFC 4821 §7.4). To be asked when
 * pmtu_due(). */
uint32_t pmtu_probe(const struct tcp_connection *c, uint32_t window);

/* `s` went out as that probe. */
void pmtu_probed(struct tcp_connection *c, const struct sent *s);

/* SND.UNA advanced. */
void pmtu_acked(struct tcp_connection *c);

#endif
