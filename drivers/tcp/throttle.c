/* SPDX-License-Identifier: BSD-3-Clause */
/* Granting answers in numbers that nobody can foresee. */
#include "drivers/tcp/throttle.h"

bool throttle_allows(struct throttle *h, struct isn *isn, nsec_t now, uint32_t mean)
{
    if (now >= h->until) {
        uint64_t drawn = isn_random(isn);
        h->left = mean / 2 + (uint32_t)drawn % mean;
        h->until = now + NSEC_PER_SEC / 2 + (drawn >> 32) * NSEC_PER_SEC / (UINT64_C(1) << 32);
    }
    if (h->left == 0)
        return false;
    h->left--;
    return true;
}
