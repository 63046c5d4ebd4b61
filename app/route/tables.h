/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot as route/ itself sees it: snapshot.c builds it, route.c reads it. */
#ifndef SPLITMX_ROUTE_TABLES_H
#define SPLITMX_ROUTE_TABLES_H

#include <stdint.h>

#include "app/route/domain.h"
#include "app/route/set.h"

struct snapshot {
    struct domain *domains; /* in the file's order */
    unsigned domain_count;
    const struct domain *fallback; /* [domain *]; NULL: there is none */

    uint32_t *by_name; /* open addressing over domains' names: index + 1, 0 is free */
    uint32_t by_name_mask;

    struct set *set;       /* the exact entries of all domains */
    uint64_t mailboxes;    /* entries of all kinds */
    unsigned worker_count; /* scratch memory for each */
    struct hs_scratch **scratch;

    struct probe_target *probes;
    unsigned probe_count;

    struct address postmaster; /* where <postmaster> without a domain goes */
};

/* The section that a domain falls under, [domain *] aside; NULL: none. */
const struct domain *tables_find(const struct snapshot *s, struct span name);

#endif
