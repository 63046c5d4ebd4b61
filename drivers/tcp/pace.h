/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Spreading a window over its round trip, so that it does not hit the narrowest queue of the path
 * in one burst: a token bucket in time. The rate is a little more than a window in a round trip,
 * twice as much in slow start; the burst is an initial window, or what the rate gives in the time
 * that the timing wheel may be late.
 */
#ifndef SPLITMX_TCP_PACE_H
#define SPLITMX_TCP_PACE_H

#include <stdint.h>

#include "drivers/base/timer.h"
#include "drivers/tcp/congestion.h"

struct pace {
    nsec_t paid; /* until when the rate has been used up */
};

/* Where round trips are shorter, a tick of the wheel is no part of one: not paced. */
#define PACE_LEAST_RTT (4 * NSEC_PER_MSEC)

/* How many bytes may go out now: 0, or at least a segment. srtt: smoothed, 0: unknown. */
uint32_t pace_room(const struct pace *p, const struct congestion *cc, nsec_t srtt, nsec_t now);

/* When there will be room again. */
nsec_t pace_next(const struct pace *p, const struct congestion *cc, nsec_t srtt, nsec_t now);

/* `bytes` were sent. */
void pace_sent(struct pace *p, const struct congestion *cc, nsec_t srtt, nsec_t now,
               uint32_t bytes);

#endif
