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

void congestion_acked(struct congestion *c, const struct congestion_ack *ack)
{
    if (!ack->limited || c->cwnd >= CWND_MAX)
        return;
    if (c->cwnd < c->ssthresh) {
        uint32_t most = 2 * c->mss; /* RFC 3465 §2.2, L = 2 */
        c->cwnd += ack->acked < most ? ack->acked : most;
        return;
    }
    c->credit += ack->acked;
    if (c->credit >= c->cwnd) {
        c->credit -= c->cwnd;
        c->cwnd += c->mss;
    }
}

void congestion_reduce(struct congestion *c, nsec_t now, uint32_t flight,
                       enum congestion_signal why)
{
    (void)now;
    (void)why;
    c->prior_cwnd = c->cwnd;
    c->prior_ssthresh = c->ssthresh;
    c->ssthresh = half(c, flight);
    c->credit = 0;
}

void congestion_timeout(struct congestion *c, nsec_t now, uint32_t flight, bool again)
{
    if (!again)
        congestion_reduce(c, now, flight, CONGESTION_LOSS);
    c->cwnd = c->mss;
    c->credit = 0;
}

void congestion_undo(struct congestion *c)
{
    if (c->cwnd < c->prior_cwnd)
        c->cwnd = c->prior_cwnd;
    if (c->ssthresh < c->prior_ssthresh)
        c->ssthresh = c->prior_ssthresh;
}

void congestion_idle(struct congestion *c, nsec_t now)
{
    (void)now;
    uint32_t restart = initial_window(c->mss);
    if (c->cwnd > restart)
        c->cwnd = restart;
}
