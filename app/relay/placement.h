/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which leg of its transaction a recipient belongs to: the one to its destination, which is begun
 * where there is none, as far as hints, loops, limits and the destination's state allow.
 */
#ifndef SPLITMX_RELAY_PLACEMENT_H
#define SPLITMX_RELAY_PLACEMENT_H

#include "app/relay/leg.h"
#include "drivers/base/check.h"

struct recipient;
struct transaction;

/* The leg for a recipient whose verdict is in its record; one that is begun tells of its changes by
 * `changed`. NULL, with the recipient's reply: it must be refused. */
MUST_CHECK struct leg *placement_find(struct transaction *t, struct recipient *rcpt,
                                      leg_changed_fn *changed);

#endif
