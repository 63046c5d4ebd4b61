/* SPDX-License-Identifier: BSD-3-Clause */
/* Pacing. */
#include "drivers/tcp/pace.h"

#define BURST_SEGMENTS 10
#define BURST_TIME     (3 * NSEC_PER_MSEC)

/* Twice a window per round trip in slow start, else five quarters: bytes in a quarter of it. */
static uint64_t quarter(const struct congestion *cc)
{
    return (uint64_t)cc->cwnd * (cc->cwnd < cc->ssthresh ? 8 : 5) / 16;
}

static nsec_t duration(const struct congestion *cc, nsec_t srtt, uint64_t bytes)
{
    return bytes * (srtt / 4) / quarter(cc);
}

static nsec_t burst(const struct congestion *cc, nsec_t srtt)
{
    nsec_t segments = duration(cc, srtt, BURST_SEGMENTS * (uint64_t)cc->mss);
    return segments > BURST_TIME ? segments : BURST_TIME;
}

uint32_t pace_room(const struct pace *p, const struct congestion *cc, nsec_t srtt, nsec_t now)
{
    if (srtt < PACE_LEAST_RTT)
        return UINT32_MAX;
    nsec_t owed = p->paid > now ? p->paid - now : 0, most = burst(cc, srtt);
    if (owed > most)
        return 0;
    uint64_t room = (most - owed) * quarter(cc) / (srtt / 4) + cc->mss;
    return room < UINT32_MAX ? (uint32_t)room : UINT32_MAX;
}

nsec_t pace_next(const struct pace *p, const struct congestion *cc, nsec_t srtt, nsec_t now)
{
    if (pace_room(p, cc, srtt, now) > 0)
        return now;
    return p->paid - burst(cc, srtt);
}

void pace_sent(struct pace *p, const struct congestion *cc, nsec_t srtt, nsec_t now, uint32_t bytes)
{
    if (srtt < PACE_LEAST_RTT)
        return;
    if (p->paid < now)
        p->paid = now;
    p->paid += duration(cc, srtt, bytes);
}
