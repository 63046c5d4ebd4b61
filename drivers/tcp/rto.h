/* SPDX-License-Identifier: BSD-3-Clause */
/* Round-trip times, and how long to wait for an acknowledgement (RFC 6298). */
#ifndef SPLITMX_TCP_RTO_H
#define SPLITMX_TCP_RTO_H

#include <stdint.h>

#include "drivers/base/timer.h"

#define RTO_INITIAL  (1 * NSEC_PER_SEC)    /* §2.1 */
#define RTO_FALLBACK (3 * NSEC_PER_SEC)    /* §5.7: after a lost SYN, with no sample */
#define RTO_MIN      (200 * NSEC_PER_MSEC) /* §2.4 says 1 s; every stack in use says 200 ms */
#define RTO_MAX      (60 * NSEC_PER_SEC)   /* §2.5 */
#define RTO_GRANULE  (1 * NSEC_PER_MSEC)   /* G: the wheel's tick */

struct rto {
    nsec_t srtt; /* 0: no sample yet */
    nsec_t rttvar;
    nsec_t min_rtt;  /* smallest sample */
    nsec_t base;     /* RTO without back-off */
    uint32_t point;  /* the next sample counts when this is acknowledged: one a round trip */
    uint8_t backoff; /* how often it was doubled */
};

void rto_init(struct rto *r);

/* A round trip was measured, on a segment that was sent once (Karn) or by timestamps: the back-off
 * ends (§5 (5.7), note). */
void rto_sample(struct rto *r, nsec_t rtt);

/* The timer expired (§5.5). */
void rto_back_off(struct rto *r);

/* The timeout in force. */
nsec_t rto_get(const struct rto *r);

#endif
