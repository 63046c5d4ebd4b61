/* SPDX-License-Identifier: BSD-3-Clause */
/* Local ports of our own connections (RFC 6056 §3.3.4, algorithm 4). */
#ifndef SPLITMX_TCP_PORTS_H
#define SPLITMX_TCP_PORTS_H

#include <stdint.h>

#include "drivers/base/addr.h"
#include "drivers/base/timer.h"

struct tcp;
struct timewait;

/* RFC 6056's table. Each row begins at random; destinations that share one only skip ports. */
#define PORT_ROWS 256
struct port_row {
    uint32_t counter;
    uint32_t futile; /* the offset of a destination for which a search found nothing */
    nsec_t futile_until;
};

/*
 * A port from which `source` has no connection to `peer`, or 0. From one call to the next for the
 * same peer ports go up by one, from a place that only we know: so each rests as long as possible
 * before it is used again. One in TIME-WAIT is taken if timestamps keep the two connections apart:
 * *old is its record then, for the caller to begin after and to remove; else NULL.
 *
 * Looks at 2,048 ports at most; where that was in vain, at none for the next 10 ms.
 */
uint16_t ports_pick(struct tcp *t, const struct ip_addr *source, const struct endpoint *peer,
                    struct timewait **old);

#endif
