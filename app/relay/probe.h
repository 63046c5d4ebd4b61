/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Probes of external servers: is it there, and is it the right one? A probe asks for a recipient
 * that must exist (MAIL, RCPT, then RSET) before any mail is routed there; what it finds goes into
 * health.h.
 *
 * Until the server is up a probe is repeated after 1 s, 2 s, 4 s ... up to `verify_interval`, then
 * every `verify_interval`, each time with jitter. A refusal does not take a server down that was
 * verified: real mail decides; it is an alarm.
 */
#ifndef SPLITMX_RELAY_PROBE_H
#define SPLITMX_RELAY_PROBE_H

#include <stdbool.h>

#include "drivers/base/check.h"

struct relay;

/* Start a probe per health entry. False: out of memory. */
MUST_CHECK bool probes_start(struct relay *r);

/* Stop probing; for shutdown. */
void probes_stop(struct relay *r);
void probes_free(struct relay *r);

#endif
