/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Is an external server there, and is it the right one? A probe asks it for a recipient that must
 * exist (MAIL, RCPT, then RSET) before any mail is routed there.
 *
 *     UNVERIFIED --accepted--> UP --connections fail `fall` times--> DOWN --first success--> UP
 *
 * A refusal does not take a server down that was verified: real mail decides; it is an alarm.
 * Recipients of real mail that are accepted count as probes.
 */
#ifndef SPLITMX_RELAY_PROBE_H
#define SPLITMX_RELAY_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/addr.h"
#include "drivers/base/check.h"

struct relay;

enum probe_state {
    PROBE_UNVERIFIED, /* never yet accepted: nothing is routed there */
    PROBE_UP,
    PROBE_DOWN, /* was verified, and cannot be reached */
};

/* Start a probe per probe target of the snapshot. False: out of memory. */
MUST_CHECK bool probes_start(struct relay *r);

/* Stop probing; for shutdown. */
void probes_stop(struct relay *r);
void probes_free(struct relay *r);

/* May mail be routed through this probe's server? True for ROUTE_NO_PROBE. */
bool probe_is_up(const struct relay *r, uint16_t probe);

/* A recipient of real mail was accepted there. ROUTE_NO_PROBE: nothing. */
void probe_note_accept(struct relay *r, uint16_t probe);

/* A connection to the server could not be made usable, whoever wanted it. */
void probe_note_failure(struct relay *r, const struct endpoint *server);

#endif
