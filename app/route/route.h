/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who gets a recipient. A verdict is a function of the recipient, the snapshot in force and the
 * client's address; it is a value: a transaction copies it at RCPT and refers to no snapshot
 * after that.
 */
#ifndef SPLITMX_ROUTE_ROUTE_H
#define SPLITMX_ROUTE_ROUTE_H

#include "app/route/verdict.h"
#include "app/smtp/command.h"

struct snapshot; /* immutable; see snapshot.h */

/*
 * The verdict for one recipient. `worker` (below the snapshot's number of workers) says whose
 * scratch memory the match may use; `path` is as parsed from RCPT (or from --route's argument);
 * client is the real client's address, or NULL for one that is on neither side. <postmaster> (no
 * domain) is routed as [appliance] postmaster says. Never fails: what can't be routed has a verdict
 * that says so. No allocation.
 */
void route_recipient(const struct snapshot *s, unsigned worker, const struct smtp_path *path,
                     const struct ip_addr *client, struct route *out);

#endif
