/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Segments of a receive burst that follow one another in one connection are processed as one: what
 * is done once a segment (finding the connection, the checks, acknowledgements, the window) is done
 * once for all of them. Only segments that say the same but for their data, so that nothing gets
 * lost; the last may be shorter and carry PSH.
 */
#ifndef SPLITMX_TCP_COALESCE_H
#define SPLITMX_TCP_COALESCE_H

#include "drivers/tcp/arrival.h"

struct coalesce {
    struct arrival arrival;      /* m == NULL: there is none */
    struct ip_datagram datagram; /* of its first segment */
};

/* Could others follow it? */
bool coalesce_may_begin(const struct arrival *a);

/* Hold the arrival, and its packet. There is none yet. */
void coalesce_begin(struct coalesce *held, const struct arrival *a);

/* True if the arrival continues the one that is held, and is now a part of it. */
MUST_CHECK bool coalesce_append(struct coalesce *held, struct arrival *a);

#endif
