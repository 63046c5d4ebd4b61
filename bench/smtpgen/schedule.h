/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When messages are to be sent, whatever became of those before (an open loop): arrivals at a set
 * rate, which may have grown to it from nothing.
 *
 * Arrivals are taken one by one. One that is not taken in time keeps its intended time, so latency
 * that is measured from there is free of coordinated omission.
 */
#ifndef SPLITMX_SMTPGEN_SCHEDULE_H
#define SPLITMX_SMTPGEN_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/check.h"
#include "drivers/base/timer.h"

struct schedule {
    double rate;     /* arrivals a second */
    double ramp;     /* seconds until that is reached */
    bool even;       /* evenly spaced; else a Poisson process */
    uint64_t random; /* state of the generator; not zero */
    nsec_t start;
    double next; /* the next arrival, as the expected number of arrivals before it */
};

/* `rate` > 0. The first arrival is due at or after `now`. */
void schedule_start(struct schedule *s, double rate, nsec_t ramp, bool even, uint64_t seed,
                    nsec_t now);

/* Take the next arrival if it is due: *intended is its time. */
MUST_CHECK bool schedule_take(struct schedule *s, nsec_t now, nsec_t *intended);

/* How many arrivals are due and not taken. */
uint64_t schedule_waiting(const struct schedule *s, nsec_t now);

#endif
