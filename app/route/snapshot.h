/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An immutable picture of all domains, mailbox sets and servers, built by the control thread and
 * published to workers. Building may take long and allocate; using it does neither.
 */
#ifndef SPLITMX_ROUTE_SNAPSHOT_H
#define SPLITMX_ROUTE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "app/route/probe_target.h"
#include "config/config.h"
#include "drivers/base/addr.h"
#include "drivers/base/check.h"

/*
 * Build from all [domain] sections and [appliance] postmaster. Every problem found is reported to
 * the configuration's error list, with file and line; NULL if there is any. `locals` are the
 * appliance's own addresses: a next hop that is one of them is an error. `workers`: how many
 * will match at once (Hyperscan scratch travels with the snapshot).
 */
struct snapshot *snapshot_build(const struct config *config, const struct ip_addr *locals,
                                unsigned local_count, unsigned workers,
                                struct config_errors *errors);
void snapshot_free(struct snapshot *s);

/* The probes that gate external servers: next_hop.probe is an index below the count. */
unsigned snapshot_probe_count(const struct snapshot *s);
const struct probe_target *snapshot_probe(const struct snapshot *s, unsigned index);

/* Numbers for status and logs. */
unsigned snapshot_domain_count(const struct snapshot *s);
uint64_t snapshot_mailbox_count(const struct snapshot *s);

#endif
