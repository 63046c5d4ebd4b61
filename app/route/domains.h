/* SPDX-License-Identifier: BSD-3-Clause */
/* What the INI says of domains, with the probes that they share: one part of a snapshot. */
#ifndef SPLITMX_ROUTE_DOMAINS_H
#define SPLITMX_ROUTE_DOMAINS_H

#include "app/route/domain.h"

/* A probe keeps its number as long as its server and address are in use, over any reload. */
struct probe_slot {
    struct probe_target target;
    bool used;
    uint64_t retired; /* if not: the generation that ceased to use it */
};

struct domains {
    uint32_t references;
    struct domain *list; /* in the file's order */
    unsigned count;
    const struct domain *fallback; /* [domain *]; NULL: there is none */

    uint32_t *by_name; /* open addressing over domains' names: index + 1, 0 is free */
    uint32_t by_name_mask;

    struct probe_slot *probes; /* by number */
    unsigned probe_count;

    struct address postmaster; /* where <postmaster> without a domain goes */
};

/*
 * Judge all [domain] sections and read their files; what is wrong goes to the context's errors.
 * `old` (NULL: there is none) has the probes' numbers; those that are not in use any more are given
 * away again once no transaction can hold them: when `oldest_in_use` has come to their retirement.
 * rosters: one per domain, NULL for [domain *] and for what could not be read; the caller's.
 */
struct domains *domains_build(const struct domain_context *context, const struct domains *old,
                              uint64_t oldest_in_use, struct roster ***rosters);

/* The generation is known now: probes that went out of use went with it. */
void domains_seal(struct domains *d, uint64_t generation);

struct domains *domains_ref(struct domains *d);
void domains_unref(struct domains *d); /* NULL is allowed */

/* The section that a domain falls under, [domain *] aside; NULL: none. */
const struct domain *domains_find(const struct domains *d, struct span name);

#endif
