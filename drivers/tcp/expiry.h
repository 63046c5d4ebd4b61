/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens when a connection's timers fire: timeouts, probes, delayed ACKs, keepalive, the end
 * of orphans. */
#ifndef SPLITMX_TCP_EXPIRY_H
#define SPLITMX_TCP_EXPIRY_H

#include "drivers/tcp/timers.h"

extern const struct timers_fired expiry_fired;

#endif
