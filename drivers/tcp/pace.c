/* SPDX-License-Identifier: BSD-3-Clause */
/* Pacing. */
#include "drivers/tcp/pace.h"

#define BURST_SEGMENTS 10
#define BURST_TIME     (3 * NSEC_PER_MSEC)

/* How long `bytes` take: at twice a window per round trip in slow start, else five quarters. */
static nsec_t duration(const struct congestion *cc, nsec_t srtt, uint64_t bytes)
{
    uint64_t gain = cc->cwnd < cc->ssthresh ? 8 : 5;
    return bytes * srtt * 4 / (gain * cc->cwnd);
}

nsec_t pace_next(const struct pace *p, const struct congestion *cc, nsec_t srtt, nsec_t now)
{
    if (srtt < PACE_LEAST_RTT || p->paid <= now)
        return now;
    nsec_t burst = duration(cc, srtt, BURST_SEGMENTS * (uint64_t)cc->mss);
    if (burst < BURST_TIME)
        burst = BURST_TIME;
    return p->paid - now <= burst ? now : p->paid - burst;
}

void pace_sent(struct pace *p, const struct congestion *cc, nsec_t srtt, nsec_t now, uint32_t bytes)
{
    if (srtt < PACE_LEAST_RTT)
        return;
    if (p->paid < now)
        p->paid = now;
    p->paid += duration(cc, srtt, bytes);
}
