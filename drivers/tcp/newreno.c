/* SPDX-License-Identifier: BSD-3-Clause */
/* A segment a round trip, and half of it back. */
#include "drivers/tcp/newreno.h"

uint32_t newreno_grow(struct newreno *n, uint32_t cwnd, uint32_t mss, uint32_t acked)
{
    n->credit += acked;
    if (n->credit < cwnd)
        return cwnd;
    n->credit -= cwnd;
    return cwnd + mss;
}

uint32_t newreno_reduce(struct newreno *n, uint32_t flight, bool ecn)
{
    n->credit = 0;
    return ecn ? (uint32_t)((uint64_t)flight * 4 / 5) : flight / 2; /* RFC 5681 equation (4) */
}
