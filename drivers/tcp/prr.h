/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proportional rate reduction (RFC 6937): how the window gets from where it was to ssthresh within
 * a round trip, without a pause and without a burst: what is sent follows what arrives.
 */
#ifndef SPLITMX_TCP_PRR_H
#define SPLITMX_TCP_PRR_H

#include <stdbool.h>
#include <stdint.h>

struct prr {
    uint32_t flight;    /* outstanding when the reduction began (RecoverFS) */
    uint32_t delivered; /* bytes that have arrived since (prr_delivered) */
    uint32_t out;       /* bytes sent since (prr_out) */
};

void prr_begin(struct prr *p, uint32_t flight);

/* `bytes` went out. */
void prr_sent(struct prr *p, uint32_t bytes);

/*
 * An ACK came that says of `delivered` bytes that they have arrived; `pipe` bytes are in the
 * network. Returns the congestion window until the next one (RFC 6937 §3.1), at least a segment.
 * `safe`: it advanced SND.UNA and told of no further loss, so that the network can take slow start
 * again where the pipe has fallen below ssthresh (PRR-SSRB; else PRR-CRB).
 */
uint32_t prr_window(struct prr *p, uint32_t delivered, uint32_t pipe, uint32_t ssthresh,
                    uint32_t mss, bool safe);

#endif
