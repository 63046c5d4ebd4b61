/* SPDX-License-Identifier: BSD-3-Clause */
/* The window's life: which algorithm hears of what. */
#include "drivers/tcp/congestion.h"

#include "drivers/tcp/pace.h"

#define CWND_MAX (UINT32_C(1) << 30) /* the largest window that RFC 7323 can express */

static uint32_t initial_window(uint32_t mss)
{
    uint32_t floor = 2 * mss > 14600 ? 2 * mss : 14600;
    return 10 * mss < floor ? 10 * mss : floor;
}

void congestion_init(struct congestion *c, enum congestion_algorithm algorithm, uint32_t mss,
                     bool syn_lost)
{
    *c = (struct congestion){
        .algorithm = (uint8_t)algorithm,
        .cwnd = syn_lost ? mss : initial_window(mss),
        .ssthresh = CWND_MAX,
        .mss = mss,
    };
    hystart_init(&c->hystart);
}

void congestion_set_mss(struct congestion *c, uint32_t mss)
{
    c->mss = mss;
    if (c->cwnd < mss)
        c->cwnd = mss;
    if (c->algorithm == CONGESTION_CUBIC)
        cubic_restart(&c->cubic); /* K counts in segments */
}

/* HyStart++ is for the first slow start (RFC 9406 §4.3): later ones know where to stop. Those are
 * as careful as RFC 3465 §2.2 (L = 2). */
static void slow_start(struct congestion *c, const struct congestion_ack *ack)
{
    if (c->algorithm == CONGESTION_CUBIC && c->ssthresh == CWND_MAX) {
        bool paced = ack->srtt >= PACE_LEAST_RTT;
        enum hystart_phase phase = hystart_on_ack(&c->hystart, ack->rtt, ack->una, ack->nxt);
        if (phase != HYSTART_DONE)
            c->cwnd += hystart_growth(&c->hystart, ack->acked, c->mss, paced);
        else
            c->ssthresh = c->cwnd;
        return;
    }
    uint32_t most = 2 * c->mss;
    c->cwnd += ack->acked < most ? ack->acked : most;
}

void congestion_acked(struct congestion *c, const struct congestion_ack *ack)
{
    if (!ack->limited || c->cwnd >= CWND_MAX) {
        if (c->algorithm == CONGESTION_CUBIC)
            cubic_unused(&c->cubic, ack->now);
        return;
    }
    if (c->cwnd < c->ssthresh)
        slow_start(c, ack);
    else if (c->algorithm == CONGESTION_CUBIC)
        c->cwnd = cubic_grow(&c->cubic, c->cwnd, c->mss, ack->acked, ack->now, ack->srtt);
    else
        c->cwnd = newreno_grow(&c->newreno, c->cwnd, c->mss, ack->acked);
    if (c->cwnd > CWND_MAX)
        c->cwnd = CWND_MAX;
}

/* `window`: what CUBIC reduces, where NewReno takes `flight`. */
static void reduce(struct congestion *c, uint32_t window, uint32_t flight, bool ecn)
{
    c->prior_cwnd = c->cwnd;
    c->prior_ssthresh = c->ssthresh;
    uint32_t threshold = c->algorithm == CONGESTION_CUBIC
                             ? cubic_reduce(&c->cubic, window, ecn)
                             : newreno_reduce(&c->newreno, flight, ecn);
    c->ssthresh = threshold > 2 * c->mss ? threshold : 2 * c->mss;
}

void congestion_reduce(struct congestion *c, nsec_t now, uint32_t flight,
                       enum congestion_signal why)
{
    (void)now; /* neither algorithm counts time from here */
    reduce(c, c->cwnd, flight, why == CONGESTION_ECN);
}

void congestion_timeout(struct congestion *c, nsec_t now, uint32_t flight, bool again)
{
    (void)now;
    /* In the middle of fast recovery the window may be far below what is outstanding. */
    if (!again)
        reduce(c, flight > c->cwnd ? flight : c->cwnd, flight, false);
    if (c->algorithm == CONGESTION_CUBIC)
        cubic_forget(&c->cubic);
    c->cwnd = c->mss;
}

void congestion_undo(struct congestion *c)
{
    if (c->cwnd < c->prior_cwnd)
        c->cwnd = c->prior_cwnd;
    if (c->ssthresh < c->prior_ssthresh)
        c->ssthresh = c->prior_ssthresh;
    if (c->algorithm == CONGESTION_CUBIC)
        cubic_undo(&c->cubic);
}

void congestion_idle(struct congestion *c, nsec_t now)
{
    (void)now;
    uint32_t restart = initial_window(c->mss);
    if (c->cwnd <= restart)
        return;
    uint32_t known = (uint32_t)((uint64_t)c->cwnd * 3 / 4);
    if (c->ssthresh < known)
        c->ssthresh = known;
    c->cwnd = restart;
    if (c->algorithm == CONGESTION_CUBIC)
        cubic_restart(&c->cubic);
}
