/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is known of the external servers: one entry per probe target of the snapshot. It outlives
 * the snapshot, as long as the next one has the same target.
 *
 *     UNVERIFIED --accepted--> UP --connections fail `fall` times--> DOWN --first success--> UP
 *
 * Only an accepted recipient moves a server up, that of a probe or of real mail; only connections
 * that fail, whoever wanted them, move it down.
 */
#ifndef SPLITMX_RELAY_HEALTH_H
#define SPLITMX_RELAY_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "app/route/snapshot.h"
#include "drivers/base/addr.h"
#include "drivers/base/check.h"

struct relay;

enum health_state {
    HEALTH_UNVERIFIED, /* never yet accepted: nothing is routed there */
    HEALTH_UP,
    HEALTH_DOWN, /* was verified, and cannot be reached */
};

struct health {
    struct relay *relay;
    struct probe_target target;
    enum health_state state;
    unsigned failures; /* connections failed in a row */
    /* Something was learnt: a success, or the fall to DOWN. NULL: nobody asks. */
    void (*changed)(struct health *h);
};

const char *health_state_text(enum health_state state);

/* May mail be routed there? `probe` is a number of the snapshot's; true for ROUTE_NO_PROBE. */
bool health_is_up(const struct relay *r, uint16_t probe);

/* A recipient was accepted. ROUTE_NO_PROBE, or a number that is not in use any more: nothing. */
void health_note_accept(struct relay *r, uint16_t probe);

/* The same of the entry itself. */
void health_accepted(struct health *h);

/* No connection to any of the servers could be made usable. */
void health_note_failure(struct relay *r, const struct servers *servers);

#endif
