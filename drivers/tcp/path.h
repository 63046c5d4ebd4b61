/* SPDX-License-Identifier: BSD-3-Clause */
/* What a connection knows of its path's MTU; pmtu.h finds it out. */
#ifndef SPLITMX_TCP_PATH_H
#define SPLITMX_TCP_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/timer.h"

/* Sizes are of whole packets, like an MTU. */
struct pmtu {
    uint32_t next_at;    /* when larger sizes may be tried, as of pmtu_clock() */
    uint16_t size;       /* of the probe that is out; 0: none is */
    uint16_t most;       /* what the link and the peer's MSS allow */
    uint16_t high;       /* the largest that is still worth trying */
    uint8_t losses;      /* of probes of the size in turn */
    bool high_first : 1; /* `high` itself is next; else the middle */
    bool widest : 1;     /* there is no larger size to try */
};

/* About milliseconds: small, and cheap to tell. */
static inline uint32_t pmtu_clock(nsec_t now)
{
    return (uint32_t)(now >> 20);
}

/* May larger sizes be tried? */
static inline bool pmtu_due(const struct pmtu *p, nsec_t now)
{
    return !p->widest && (int32_t)(pmtu_clock(now) - p->next_at) >= 0;
}

#endif
