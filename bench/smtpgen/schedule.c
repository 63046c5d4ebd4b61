/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrivals: a process of rate one, on a time axis that the rate and the ramp bend. */
#include "bench/smtpgen/schedule.h"

#include <math.h>

/* Expected arrivals in the first t seconds: a parabola up to the end of the ramp, then a line. */
static double expected(const struct schedule *s, double t)
{
    if (t < s->ramp)
        return s->rate * t * t / (2 * s->ramp);
    return s->rate * (t - s->ramp / 2);
}

/* Seconds after which that many are expected. */
static double when(const struct schedule *s, double arrivals)
{
    if (arrivals < s->rate * s->ramp / 2)
        return sqrt(2 * s->ramp * arrivals / s->rate);
    return arrivals / s->rate + s->ramp / 2;
}

/* xorshift64*: 0 < result <= 1. */
static double uniform(struct schedule *s)
{
    s->random ^= s->random >> 12;
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return (double)((s->random * UINT64_C(0x2545f4914f6cdd1d) >> 11) + 1) * 0x1p-53;
}

static double gap(struct schedule *s)
{
    return s->even ? 1 : -log(uniform(s));
}

void schedule_start(struct schedule *s, double rate, nsec_t ramp, bool even, uint64_t seed,
                    nsec_t now)
{
    *s = (struct schedule){
        .rate = rate,
        .ramp = (double)ramp / (double)NSEC_PER_SEC,
        .even = even,
        .random = seed | 1,
        .start = now,
    };
    s->next = gap(s);
}

bool schedule_take(struct schedule *s, nsec_t now, nsec_t *intended)
{
    nsec_t at = s->start + (nsec_t)(when(s, s->next) * (double)NSEC_PER_SEC);
    if (at > now)
        return false;
    *intended = at;
    s->next += gap(s);
    return true;
}

uint64_t schedule_waiting(const struct schedule *s, nsec_t now)
{
    double due = expected(s, (double)(now - s->start) / (double)NSEC_PER_SEC);
    return due >= s->next ? (uint64_t)(due - s->next) + 1 : 0;
}
