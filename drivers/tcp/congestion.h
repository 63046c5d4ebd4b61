/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much may be in the network: NewReno's window (RFC 5681, RFC 3465, RFC 6928). Which segments
 * are lost is recovery's business; it tells this one of the moments that matter. CUBIC will stand
 * behind the same calls.
 */
#ifndef SPLITMX_TCP_CONGESTION_H
#define SPLITMX_TCP_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

struct congestion {
    uint32_t cwnd;     /* bytes */
    uint32_t ssthresh; /* bytes */
    uint32_t mss;      /* payload of a full segment */
    uint32_t credit;   /* bytes acknowledged towards the next increase in congestion avoidance */
};

/* RFC 6928 §2; one segment where the SYN had to be sent again (RFC 5681 §3.1). */
void congestion_init(struct congestion *c, uint32_t mss, bool syn_lost);

/* The path's MSS shrank. */
void congestion_set_mss(struct congestion *c, uint32_t mss);

/* `acked` new bytes were acknowledged outside of fast recovery. `limited`: the window was what held
 * us back; one that nobody uses does not grow (RFC 7661 §1). */
void congestion_acked(struct congestion *c, uint32_t acked, bool limited);

/* Fast recovery begins with `flight` bytes outstanding (RFC 6675 §5 (4.2)). */
void congestion_enter_recovery(struct congestion *c, uint32_t flight);

/* Fast recovery ends with `flight` bytes outstanding: without SACK, what was assumed to be under
 * way has just gone, and a burst must not follow (RFC 6582 §3.2 step 3, full acknowledgement (1)).
 */
void congestion_exit_recovery(struct congestion *c, uint32_t flight);

/* The retransmission timer expired; `again`: without an acknowledgement since the last time. */
void congestion_timeout(struct congestion *c, uint32_t flight, bool again);

/* Nothing was sent for longer than an RTO (RFC 5681 §4.1). */
void congestion_idle(struct congestion *c);

#endif
