/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much may be in the network: slow start, and an algorithm for congestion avoidance (RFC 5681,
 * RFC 6928). Which segments are lost, and how the window is approached while they are repaired, is
 * recovery's business; it tells this one of the moments that matter.
 */
#ifndef SPLITMX_TCP_CONGESTION_H
#define SPLITMX_TCP_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/timer.h"
#include "drivers/tcp/cubic.h"
#include "drivers/tcp/hystart.h"
#include "drivers/tcp/newreno.h"

enum congestion_algorithm {
    CONGESTION_CUBIC,   /* RFC 9438; HyStart++ (RFC 9406) ends its first slow start */
    CONGESTION_NEWRENO, /* RFC 5681, RFC 3465 */
};

struct congestion {
    uint32_t cwnd;                       /* bytes */
    uint32_t ssthresh;                   /* bytes */
    uint32_t mss;                        /* payload of a full segment */
    uint32_t prior_cwnd, prior_ssthresh; /* before the last reduction, for congestion_undo() */
    uint8_t algorithm;                   /* enum congestion_algorithm */
    union {
        struct cubic cubic;
        struct newreno newreno;
    };
    struct hystart hystart; /* of CUBIC's first slow start */
};

/* An ACK that brought something new, outside of fast recovery. */
struct congestion_ack {
    nsec_t now;
    nsec_t rtt;     /* what this ACK measured; 0: nothing */
    nsec_t srtt;    /* smoothed; 0: no sample yet */
    uint32_t acked; /* bytes newly acknowledged */
    uint32_t una;   /* SND.UNA, this ACK included */
    uint32_t nxt;   /* SND.NXT */
    bool limited;   /* the window was what held us back; one that nobody uses does not grow
                       (RFC 7661 §1) */
};

/* RFC 6928 §2; one segment where the SYN had to be sent again (RFC 5681 §3.1). */
void congestion_init(struct congestion *c, enum congestion_algorithm algorithm, uint32_t mss,
                     bool syn_lost);

/* The path's MSS changed. */
void congestion_set_mss(struct congestion *c, uint32_t mss);

void congestion_acked(struct congestion *c, const struct congestion_ack *ack);

/* Why the window is reduced. */
enum congestion_signal { CONGESTION_LOSS, CONGESTION_ECN };

/* The network is congested, with `flight` bytes outstanding (RFC 6675 §5 (4.2), RFC 3168 §6.1.2):
 * sets ssthresh. cwnd is left to recovery, which brings it there (RFC 6937). At most once a round
 * trip. */
void congestion_reduce(struct congestion *c, nsec_t now, uint32_t flight,
                       enum congestion_signal why);

/* The retransmission timer expired with `flight` bytes outstanding; `again`: without an
 * acknowledgement since the last time (RFC 5681 §3.1: only the first counts). */
void congestion_timeout(struct congestion *c, nsec_t now, uint32_t flight, bool again);

/* The last reduction, or timeout, was for nothing: as it was before, or more if it has grown since
 * (RFC 4015 §3.2, RFC 9438 §4.9). */
void congestion_undo(struct congestion *c);

/* Nothing was sent for longer than an RTO: slow start again (RFC 5681 §4.1), up to three quarters
 * of what the window was (RFC 7661 §4.3). */
void congestion_idle(struct congestion *c, nsec_t now);

#endif
