/* SPDX-License-Identifier: BSD-3-Clause */
/* The window while it is being reduced. */
#include "drivers/tcp/prr.h"

void prr_begin(struct prr *p, uint32_t flight)
{
    *p = (struct prr){.flight = flight > 0 ? flight : 1};
}

void prr_sent(struct prr *p, uint32_t bytes)
{
    p->out += bytes;
}

uint32_t prr_window(struct prr *p, uint32_t delivered, uint32_t pipe, uint32_t ssthresh,
                    uint32_t mss, bool safe)
{
    p->delivered += delivered;
    uint32_t may;
    if (pipe > ssthresh) {
        uint64_t share = ((uint64_t)p->delivered * ssthresh + p->flight - 1) / p->flight;
        may = share > p->out ? (uint32_t)(share - p->out) : 0;
    } else {
        uint32_t limit = p->delivered > p->out ? p->delivered - p->out : 0;
        if (safe)
            limit = (limit > delivered ? limit : delivered) + mss;
        may = ssthresh - pipe < limit ? ssthresh - pipe : limit;
    }
    if (p->out == 0 && may < mss) /* the first retransmission waits for nothing */
        may = mss;
    return pipe + may > mss ? pipe + may : mss;
}
