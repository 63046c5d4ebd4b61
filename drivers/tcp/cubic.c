/* SPDX-License-Identifier: BSD-3-Clause */
/* The cubic function in integers. */
#include "drivers/tcp/cubic.h"

/* C = 0.4 segments per second cubed (§5.1): C_MUL / C_DIV. */
#define C_MUL 2
#define C_DIV 5

/* beta_cubic = 0.7 (§4.6); of a mark 0.85 (RFC 8511 §3.1: queues that mark are short). In percent.
 */
#define BETA     70
#define BETA_ECN 85

/* alpha_cubic = 3 (1 - beta) / (1 + beta) = 9/17, so that W_est and Reno meet (§4.3) */
#define ALPHA_MUL 9
#define ALPHA_DIV 17

#define ESTIMATE_SHIFT 10
#define SPAN_MAX       UINT64_C(400000) /* ms: no window is that far from its W_max */

/* The largest r with r^3 <= x, digit by digit. */
static uint32_t cube_root(uint64_t x)
{
    uint64_t r = 0;
    for (int shift = 63; shift >= 0; shift -= 3) {
        r *= 2;
        uint64_t step = 3 * r * (r + 1) + 1; /* (r + 1)^3 - r^3 */
        if (x >> shift >= step) {
            x -= step << shift;
            r++;
        }
    }
    return (uint32_t)r;
}

uint32_t cubic_k(uint32_t w_max, uint32_t cwnd, uint32_t mss)
{
    if (w_max <= cwnd)
        return 0;
    /* K^3 = (W_max - cwnd) / C in seconds cubed, which are 10^9 ms cubed. */
    return cube_root(UINT64_C(1000000000) * C_DIV / C_MUL * (w_max - cwnd) / mss);
}

uint32_t cubic_window(uint32_t w_max, uint32_t mss, uint64_t t, uint32_t k)
{
    uint64_t span = t > k ? t - k : k - t;
    if (span > SPAN_MAX)
        span = SPAN_MAX;
    uint64_t bytes = span * span * span / 1000 * mss * C_MUL / C_DIV / 1000000;
    if (t < k)
        return bytes < w_max ? w_max - (uint32_t)bytes : 0;
    bytes += w_max;
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

static void begin(struct cubic_stage *s, uint32_t cwnd, uint32_t mss, nsec_t now)
{
    s->began = now;
    s->estimate = (uint64_t)cwnd << ESTIMATE_SHIFT;
    s->k = cubic_k(s->w_max, cwnd, mss);
    if (s->w_max < cwnd)
        s->w_max = cwnd; /* K = 0: probing from here (§4.8, §4.10) */
    s->fraction = 0;
}

/* W_est after the ACK (§4.3). Beyond the window before the reduction alpha is 1. */
static uint32_t follow_reno(struct cubic_stage *s, uint32_t cwnd, uint32_t mss, uint32_t acked)
{
    bool beyond = s->estimate >> ESTIMATE_SHIFT >= s->cwnd_prior;
    uint64_t step = ((uint64_t)acked * mss << ESTIMATE_SHIFT) / cwnd;
    s->estimate += beyond ? step : step * ALPHA_MUL / ALPHA_DIV;
    uint64_t bytes = s->estimate >> ESTIMATE_SHIFT;
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

/* Where W_cubic will be in a round trip, within reach of one (§4.2). */
static uint32_t target(const struct cubic_stage *s, uint32_t cwnd, uint32_t mss, nsec_t t)
{
    uint32_t w = cubic_window(s->w_max, mss, t / NSEC_PER_MSEC, s->k);
    uint32_t most = cwnd + cwnd / 2;
    return w < cwnd ? cwnd : w > most ? most : w;
}

uint32_t cubic_grow(struct cubic *q, uint32_t cwnd, uint32_t mss, uint32_t acked, nsec_t now,
                    nsec_t srtt)
{
    struct cubic_stage *s = &q->stage;
    if (s->began != 0 && q->unused_since != 0)
        s->began += now - q->unused_since;
    q->unused_since = 0;
    if (s->began == 0)
        begin(s, cwnd, mss, now);
    if (acked > cwnd)
        acked = cwnd; /* what was repaired before: no more than a round trip's worth */
    nsec_t t = now - s->began;
    uint32_t reno = follow_reno(s, cwnd, mss, acked);
    if (reno > cwnd && cubic_window(s->w_max, mss, t / NSEC_PER_MSEC, s->k) < reno)
        return reno;
    uint64_t parts = (uint64_t)(target(s, cwnd, mss, t + srtt) - cwnd) * acked + s->fraction;
    s->fraction = (uint32_t)(parts % cwnd);
    return cwnd + (uint32_t)(parts / cwnd);
}

void cubic_unused(struct cubic *q, nsec_t now)
{
    if (q->unused_since == 0)
        q->unused_since = now;
}

uint32_t cubic_reduce(struct cubic *q, uint32_t cwnd, bool ecn)
{
    uint32_t beta = ecn ? BETA_ECN : BETA;
    struct cubic_stage *s = &q->stage;
    q->undo = *s;
    s->cwnd_prior = cwnd;
    /* Fast convergence (§4.7): a window that did not get back to its maximum makes room. */
    s->w_max = cwnd < s->w_max ? (uint32_t)((uint64_t)cwnd * (100 + beta) / 200) : cwnd;
    cubic_restart(q);
    return (uint32_t)((uint64_t)cwnd * beta / 100);
}

void cubic_forget(struct cubic *q)
{
    q->stage.w_max = 0;
}

void cubic_restart(struct cubic *q)
{
    q->stage.began = 0;
}

void cubic_undo(struct cubic *q)
{
    q->stage = q->undo;
}
