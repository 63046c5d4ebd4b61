/* SPDX-License-Identifier: BSD-3-Clause */
/* Watching round trips in slow start. */
#include "drivers/tcp/hystart.h"

#include "drivers/tcp/seq.h"

/* RFC 9406 §4.3 */
#define MIN_RTT_THRESH_US  4000
#define MAX_RTT_THRESH_US  16000
#define MIN_RTT_DIVISOR    8
#define N_RTT_SAMPLE       8
#define CSS_GROWTH_DIVISOR 4
#define CSS_ROUNDS         5

#define INFINITE UINT32_MAX

void hystart_init(struct hystart *h)
{
    *h = (struct hystart){
        .last_min_us = INFINITE,
        .round_min_us = INFINITE,
        .baseline_us = INFINITE,
    };
}

static uint32_t threshold(const struct hystart *h)
{
    uint32_t part = h->last_min_us / MIN_RTT_DIVISOR;
    return part < MIN_RTT_THRESH_US   ? MIN_RTT_THRESH_US
           : part > MAX_RTT_THRESH_US ? MAX_RTT_THRESH_US
                                      : part;
}

static void sample(struct hystart *h, nsec_t rtt)
{
    nsec_t us = rtt / NSEC_PER_USEC;
    if (us < h->round_min_us)
        h->round_min_us = (uint32_t)us;
    if (h->samples < N_RTT_SAMPLE)
        h->samples++;
}

/* Have enough been seen to tell whether round trips grew, or shrank? */
static void judge(struct hystart *h)
{
    if (h->samples < N_RTT_SAMPLE)
        return;
    if (h->phase == HYSTART_SLOW_START) {
        if (h->last_min_us == INFINITE || h->round_min_us < (uint64_t)h->last_min_us + threshold(h))
            return;
        h->baseline_us = h->round_min_us;
        h->rounds = 0;
        h->phase = HYSTART_CONSERVATIVE;
    } else if (h->round_min_us < h->baseline_us) {
        h->baseline_us = INFINITE;
        h->phase = HYSTART_SLOW_START;
    }
}

static void next_round(struct hystart *h, uint32_t nxt)
{
    h->window_end = nxt;
    h->last_min_us = h->round_min_us;
    h->round_min_us = INFINITE;
    h->samples = 0;
    if (h->phase == HYSTART_CONSERVATIVE && ++h->rounds >= CSS_ROUNDS)
        h->phase = HYSTART_DONE;
}

enum hystart_phase hystart_on_ack(struct hystart *h, nsec_t rtt, uint32_t una, uint32_t nxt)
{
    if (!h->begun) {
        h->begun = true;
        h->window_end = nxt;
    }
    if (rtt > 0)
        sample(h, rtt);
    if (h->phase != HYSTART_DONE)
        judge(h);
    if (seq_at_or_after(una, h->window_end)) {
        next_round(h, nxt);
        h->begun = una != nxt; /* else with what is sent next */
    }
    return (enum hystart_phase)h->phase;
}

uint32_t hystart_growth(const struct hystart *h, uint32_t acked, uint32_t mss, bool paced)
{
    uint32_t most = HYSTART_LIMIT * mss, n = paced || acked < most ? acked : most;
    return h->phase == HYSTART_CONSERVATIVE ? n / CSS_GROWTH_DIVISOR : n;
}
