/* SPDX-License-Identifier: BSD-3-Clause */
/* Local ports of our own connections (RFC 6056 §3.3.4, algorithm 4). */
#ifndef SPLITMX_TCP_PORTS_H
#define SPLITMX_TCP_PORTS_H

#include <stdint.h>

#include "drivers/base/addr.h"

struct tcp;

/*
 * A port from which `source` has neither a connection to `peer` nor one in TIME-WAIT, or 0. From
 * one call to the next for the same peer ports go up by one, from a place that only we know: so
 * each rests as long as possible before it is used again.
 */
uint16_t ports_pick(struct tcp *t, const struct ip_addr *source, const struct endpoint *peer);

#endif
