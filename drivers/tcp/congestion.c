/* SPDX-License-Identifier: BSD-3-Clause */
/* NewReno's window. */
#include "drivers/tcp/congestion.h"

#define CWND_MAX (UINT32_C(1) << 30) /* the largest window that RFC 7323 can express */

static uint32_t initial_window(uint32_t mss)
{
    uint32_t floor = 2 * mss > 14600 ? 2 * mss : 14600;
    return 10 * mss < floor ? 10 * mss : floor;
}

static uint32_t half(const struct congestion *c, uint32_t flight)
{
    return flight / 2 > 2 * c->mss ? flight / 2 : 2 * c->mss; /* RFC 5681 equation (4) */
}

void congestion_init(struct congestion *c, uint32_t mss, bool syn_lost)
{
    *c = (struct congestion){
        .cwnd = syn_lost ? mss : initial_window(mss),
        .ssthresh = CWND_MAX,
        .mss = mss,
    };
}

void congestion_set_mss(struct congestion *c, uint32_t mss)
{
    c->mss = mss;
    if (c->cwnd < mss)
        c->cwnd = mss;
}

void congestion_acked(struct congestion *c, uint32_t acked, bool limited)
{
    if (!limited || c->cwnd >= CWND_MAX)
        return;
    if (c->cwnd < c->ssthresh) {
        uint32_t most = 2 * c->mss; /* RFC 3465 §2.2, L = 2 */
        c->cwnd += acked < most ? acked : most;
        return;
    }
    c->credit += acked;
    if (c->credit >= c->cwnd) {
        c->credit -= c->cwnd;
        c->cwnd += c->mss;
    }
}

void congestion_enter_recovery(struct congestion *c, uint32_t flight)
{
    c->ssthresh = half(c, flight);
    c->cwnd = c->ssthresh;
    c->credit = 0;
}

void congestion_exit_recovery(struct congestion *c, uint32_t flight)
{
    uint32_t least = (flight > c->mss ? flight : c->mss) + c->mss;
    c->cwnd = c->ssthresh < least ? c->ssthresh : least;
}

void congestion_timeout(struct congestion *c, uint32_t flight, bool again)
{
    if (!again) /* RFC 5681 §3.1: of several timeouts in a row only the first counts */
        c->ssthresh = half(c, flight);
    c->cwnd = c->mss;
    c->credit = 0;
}

void congestion_idle(struct congestion *c)
{
    uint32_t restart = initial_window(c->mss);
    if (c->cwnd > restart)
        c->cwnd = restart;
}
