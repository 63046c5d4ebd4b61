/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An immutable picture of all domains, mailbox sets and servers, built by the control thread and
 * published to workers. Building may take long and allocate; using it does neither.
 *
 * A snapshot is made of parts with counted references: the next one takes over those that did not
 * change, so that while both are in use they take the memory of one and of the changed parts.
 */
#ifndef SPLITMX_ROUTE_SNAPSHOT_H
#define SPLITMX_ROUTE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "app/route/probe_target.h"
#include "config/config.h"
#include "drivers/base/addr.h"
#include "drivers/base/check.h"

struct grace;
struct snapshot;

struct snapshot_request {
    const struct config *config;
    const struct ip_addr *locals; /* the appliance's own: a next hop that is one of them is wrong */
    unsigned local_count;
    struct names *names; /* of servers, outlives all snapshots; NULL: there may be none */
    unsigned workers;
    struct snapshot *old;   /* what it is compared with, and shares parts with; NULL: nothing */
    uint64_t oldest_in_use; /* the oldest generation that a transaction may have a verdict of */
    bool force_shrink;      /* max_shrink does not hold */
    uint64_t now;           /* seconds since the epoch, for move_grace */
    uint64_t wall;          /* nanoseconds since the epoch, before any file was looked at: what has
                               changed since, or just before, is read again the next time */
    struct grace *grace; /* without an old snapshot: who has moved before this process; a reference
                            is taken */
};

/* What a snapshot changed for operators. */
struct snapshot_summary {
    unsigned domains_added, domains_removed;
    uint64_t mailboxes_added, mailboxes_removed; /* exact entries */
    uint64_t mailboxes_turned;                   /* exact entries that have won or lost their `!` */
    uint64_t moved;                              /* of all these: that changed sides */
};

/*
 * Build from all [domain] sections and [appliance] postmaster, reading what has changed since the
 * old one. Every problem found is reported to the errors, with file and line; NULL if there is any.
 * With one reference, and without a generation.
 */
struct snapshot *snapshot_make(const struct snapshot_request *request,
                               struct snapshot_summary *summary, struct config_errors *errors);

/* The same without an old one. */
struct snapshot *snapshot_build(const struct config *config, const struct ip_addr *locals,
                                unsigned local_count, unsigned workers,
                                struct config_errors *errors);

/* Before it is published: its generation, which is higher than that of any before. */
void snapshot_seal(struct snapshot *s, uint64_t generation);
uint64_t snapshot_generation(const struct snapshot *s); /* 0: not sealed */

/* References are taken and given up by any thread but a worker; snapshot_free() gives one up. */
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_free(struct snapshot *s); /* NULL is allowed */

/* Whose scratch memory a match may use, beside the workers' (0..): see route_recipient(). */
unsigned snapshot_control_scratch(const struct snapshot *s);    /* the control thread's */
unsigned snapshot_background_scratch(const struct snapshot *s); /* its background thread's */

/* The probes that gate external servers: next_hop.probe is a number below the count. NULL: that
 * number is not in use. */
unsigned snapshot_probe_count(const struct snapshot *s);
const struct probe_target *snapshot_probe(const struct snapshot *s, unsigned number);

/* Do they have the very same domains, so that probes and servers are alike? */
bool snapshot_same_domains(const struct snapshot *a, const struct snapshot *b);

/* Numbers for status and logs. */
struct snapshot_size {
    uint32_t overlay; /* changes that are not compiled yet */
    uint64_t grace;   /* mailboxes within move_grace */
    uint64_t directory_bytes;
};
struct snapshot_size snapshot_size(const struct snapshot *s);

/* Who is within move_grace. */
const struct grace *snapshot_grace(const struct snapshot *s);

unsigned snapshot_domain_count(const struct snapshot *s);
uint64_t snapshot_mailbox_count(const struct snapshot *s);

#endif
