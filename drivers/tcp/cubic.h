/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CUBIC's congestion avoidance (RFC 9438): after a reduction the window returns to where it was
 * along a cubic function of time, stays around there, and then probes beyond, whatever the round
 * trip. On short paths, where a segment a round trip would be faster, it follows that instead
 * (W_est, §4.3).
 *
 *     cwnd                          .                  W_cubic(t) = C (t - K)^3 + W_max
 *      |                           /
 *      |          _________.-----'                     W_max
 *      |      .-'          |  convex
 *      |    /   concave    |
 *      |___/_______________|_____________ t            t: since this stage of avoidance began,
 *          0               K                              without times when nobody used the window
 *
 * Everything is integers: windows in bytes, times in milliseconds, W_est in 1/1024 of a byte.
 */
#ifndef SPLITMX_TCP_CUBIC_H
#define SPLITMX_TCP_CUBIC_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/timer.h"

/* One stage of congestion avoidance. */
struct cubic_stage {
    nsec_t began;        /* epoch; 0: with the next ACK */
    uint64_t estimate;   /* W_est, in 1/1024 of a byte */
    uint32_t w_max;      /* 0: unknown, as after a timeout (§4.8) and in the beginning (§4.10) */
    uint32_t k;          /* ms from the beginning to w_max */
    uint32_t cwnd_prior; /* before the last reduction: W_est grows like Reno from there */
    uint32_t fraction;   /* of a byte of cwnd, in 1/cwnd */
};

struct cubic {
    struct cubic_stage stage;
    struct cubic_stage undo; /* as it was before the last reduction (§4.9) */
    nsec_t unused_since;     /* the window has not been in use since; 0: it is */
};

/* C (t - K)^3 + W_max in bytes, never below 0; t and k in ms (§4.2, figure 1; C = 0.4). */
uint32_t cubic_window(uint32_t w_max, uint32_t mss, uint64_t t, uint32_t k);

/* Milliseconds from cwnd to w_max (§4.2, figure 2); 0 if it is there already. */
uint32_t cubic_k(uint32_t w_max, uint32_t cwnd, uint32_t mss);

/* The window after `acked` more bytes in congestion avoidance. `srtt`: 0 if unknown. */
uint32_t cubic_grow(struct cubic *q, uint32_t cwnd, uint32_t mss, uint32_t acked, nsec_t now,
                    nsec_t srtt);

/* An ACK came while the window was not in use: the clock of the stage stands still (§5.8). */
void cubic_unused(struct cubic *q, nsec_t now);

/* ssthresh after a loss, or a mark (`ecn`). Of the two that §4.6 allows it is cwnd that is reduced,
 * as in Linux, and not the flight: the last segments of a message are no measure for the next. What
 * §4.6 asks for in return holds: a window that is not in use does not grow. */
uint32_t cubic_reduce(struct cubic *q, uint32_t cwnd, bool ecn);

/* The next stage finds its own W_max: the last reduction was a timeout (§4.8). */
void cubic_forget(struct cubic *q);

/* The next ACK begins a new stage from the cwnd that it finds. */
void cubic_restart(struct cubic *q);

/* The last reduction was for nothing (§4.9). */
void cubic_undo(struct cubic *q);

#endif
