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

/* True if `a` continues `first`, and is now a part of it. */
MUST_CHECK bool coalesce(struct arrival *first, struct arrival *a);

#endif
