/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SYN cookies (RFC 4987 §3.6): a handshake that takes no memory before the client has proven that
 * it receives what is sent to its address. What must be remembered goes out in the SYN-ACK, and
 * comes back in the ACK:
 *
 *     our initial sequence number  | keyed MAC: 27 bits             | MSS: 3 | tick: 2 |
 *     our timestamp                | our clock: 26 bits | ECN: 1 | SACK: 1 | scale: 4  |
 *
 * The MAC covers both endpoints, the client's initial sequence number, the tick of 32 s that is 0
 * to 3 ago, and all of the other fields. Without timestamps there is no room for scale, SACK and
 * ECN, and the connection does without them.
 *
 * What a cookie cannot do: be sent again. If the client's ACK is lost, the client has a connection,
 * we have none, and nobody will say anything before the client speaks (see drivers/README.md).
 */
#ifndef SPLITMX_TCP_COOKIE_H
#define SPLITMX_TCP_COOKIE_H

#include "drivers/tcp/isn.h"
#include "drivers/tcp/segment.h"

#define COOKIE_TICK (32 * NSEC_PER_SEC)
#define COOKIE_LIFE (4 * COOKIE_TICK) /* none is good for longer; each for three quarters of it */

/* What a SYN is answered with. */
struct cookie {
    uint32_t sequence; /* our initial sequence number */
    uint32_t tsval;    /* for clients with timestamps: a few ms behind the clock */
};

/* `clock`: our timestamp towards that client now. */
struct cookie cookie_make(struct isn *isn, const struct endpoint *local,
                          const struct endpoint *peer, const struct segment *syn, uint32_t clock,
                          nsec_t now);

/* If `ack` completes a handshake that began with a cookie of ours, and not too long ago: true, and
 * *syn is the client's SYN, or as much of it as the cookie could carry; its timestamp is that of
 * the ACK. */
MUST_CHECK bool cookie_read(struct isn *isn, const struct endpoint *local,
                            const struct endpoint *peer, const struct segment *ack, nsec_t now,
                            struct segment *syn);

#endif
