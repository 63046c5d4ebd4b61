/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RACK (RFC 8985 §6): a segment is lost if one that was sent sufficiently later has arrived. How
 * much later is the reordering window: nothing on a path that was never seen to reorder, once it
 * looks like loss; else a part of the smallest round trip, the larger the more often we were wrong.
 *
 * Only judges; the records are recovery's.
 */
#ifndef SPLITMX_TCP_RACK_H
#define SPLITMX_TCP_RACK_H

#include "drivers/tcp/sendq.h"

struct rack {
    nsec_t sent;          /* when the latest segment that has arrived was sent (RACK.xmit_ts) */
    nsec_t rtt;           /* and how long until we knew (RACK.rtt) */
    uint32_t end;         /* its end: the order of what was sent at the same time (RACK.end_seq) */
    uint32_t highest;     /* end of what had arrived before this ACK (RACK.fack) */
    uint32_t arrived;     /* the same with this ACK */
    uint32_t dsack_round; /* SND.NXT when the window was last widened */
    bool any;             /* something has arrived: the above are known */
    bool reordering;      /* something arrived behind what was sent after it */
    bool in_dsack_round;  /* the window was widened in this round trip already */
    uint8_t quarters;     /* the window, in quarters of the smallest round trip (reo_wnd_mult) */
    uint8_t patience;     /* recoveries until that is one again (reo_wnd_persist) */
};

void rack_init(struct rack *k, uint32_t una);

/* What an ACK says about round trips. */
struct rack_ack {
    nsec_t now;
    nsec_t min_rtt;  /* smallest ever; UINT64_MAX: unknown */
    nsec_t srtt;     /* smoothed; 0: unknown */
    uint64_t echoed; /* millisecond of our clock in its timestamp's echo; 0: none */
};

/* `s` has arrived, whole (§6.2 steps 2 and 3). Once for each record, in any order. */
void rack_arrived(struct rack *k, const struct sent *s, const struct rack_ack *ack);

/* An ACK was processed; it carried a D-SACK or not (§6.2 step 4). */
void rack_adapt(struct rack *k, uint32_t una, uint32_t nxt, bool dsack);

/* A recovery ended (§6.2 step 4). */
void rack_recovered(struct rack *k);

/* The reordering window. `hurry`: losses are being repaired, or DupThresh segments were SACKed. */
nsec_t rack_window(const struct rack *k, const struct rack_ack *ack, bool hurry);

/* When `s` is to be taken for lost; UINT64_MAX: nothing sent after it has arrived (§6.2 step 5). */
nsec_t rack_deadline(const struct rack *k, const struct sent *s, nsec_t window);

#endif
