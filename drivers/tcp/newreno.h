/* SPDX-License-Identifier: BSD-3-Clause */
/* NewReno's congestion avoidance (RFC 5681 §3.1, counted in bytes as RFC 3465 has it). */
#ifndef SPLITMX_TCP_NEWRENO_H
#define SPLITMX_TCP_NEWRENO_H

#include <stdbool.h>
#include <stdint.h>

struct newreno {
    uint32_t credit; /* bytes acknowledged towards the next segment of cwnd */
};

/* The window after `acked` more bytes in congestion avoidance: a segment more a round trip (RFC
 * 3465 §2.1). */
uint32_t newreno_grow(struct newreno *n, uint32_t cwnd, uint32_t mss, uint32_t acked);

/* ssthresh after a loss, or a mark (`ecn`, RFC 8511 §3), with `flight` bytes outstanding. */
uint32_t newreno_reduce(struct newreno *n, uint32_t flight, bool ecn);

#endif
