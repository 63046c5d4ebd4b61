/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fair shares of packet memory. What connections hold beyond a modest start is bounded by a part of
 * what nobody holds (dynamic thresholds, Choudhury and Hahne 1998): alone on the machine one may
 * take a fifth of it all, and the more there are, the less each gets; something is always left for
 * those that come.
 */
#ifndef SPLITMX_TCP_SHARE_H
#define SPLITMX_TCP_SHARE_H

#include "drivers/tcp/stack.h"

#define SHARE_DIVISOR 4

/* Bytes of one connection's stream that its window, or its send queue, may hold now. `promised`: of
 * the memory that is taken, what is its own. */
static inline uint32_t share_bytes(const struct tcp *t, uint32_t promised)
{
    uint64_t buffers = (uint64_t)pools_left(t->config.pools) + promised;
    uint64_t bytes = buffers / SHARE_DIVISOR * t->window_per_buffer;
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

#endif
