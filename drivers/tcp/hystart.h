/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HyStart++ (RFC 9406): leave the first slow start when round trips get longer, that is before the
 * queue overflows. As delay may rise for other reasons, it is not left at once:
 *
 *                 round trips grew by RttThresh
 *     SLOW_START --------------------------------> CONSERVATIVE -----> DONE
 *         ^                                             |     5 rounds
 *         `---------- they became shorter again --------'
 */
#ifndef SPLITMX_TCP_HYSTART_H
#define SPLITMX_TCP_HYSTART_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/timer.h"

/* §4.3: segments that one ACK may add where nothing paces the burst that follows. */
#define HYSTART_LIMIT 8

enum hystart_phase {
    HYSTART_SLOW_START,
    HYSTART_CONSERVATIVE, /* the window grows by a quarter of what it would */
    HYSTART_DONE,         /* congestion avoidance begins, with ssthresh as cwnd is */
};

struct hystart {
    uint32_t window_end;   /* the round ends when this is acknowledged: SND.NXT at its beginning */
    uint32_t last_min_us;  /* round trips, in microseconds; UINT32_MAX: infinity */
    uint32_t round_min_us; /* of the round so far */
    uint32_t baseline_us;  /* round_min_us when CONSERVATIVE began */
    uint8_t samples;       /* in this round; counts no further than is needed */
    uint8_t rounds;        /* in CONSERVATIVE, the first one partial */
    uint8_t phase;         /* enum hystart_phase */
    bool begun;            /* window_end is one */
};

void hystart_init(struct hystart *h);

/* An ACK in slow start, outside of recovery. `rtt`: what it measured, 0: nothing. `una`, `nxt`:
 * SND.UNA, with this ACK, and SND.NXT. */
enum hystart_phase hystart_on_ack(struct hystart *h, nsec_t rtt, uint32_t una, uint32_t nxt);

/* By how much the window grows for an ACK of `acked` bytes (§4.2). */
uint32_t hystart_growth(const struct hystart *h, uint32_t acked, uint32_t mss, bool paced);

#endif
