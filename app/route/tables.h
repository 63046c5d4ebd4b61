/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot as route/ itself sees it: snapshot.c builds it, route.c reads it. */
#ifndef SPLITMX_ROUTE_TABLES_H
#define SPLITMX_ROUTE_TABLES_H

#include <stdint.h>

#include "app/route/directory.h"
#include "app/route/domains.h"
#include "app/route/scratch.h"
#include "app/route/set.h"

/* Its parts are shared with other snapshots, as far as they did not change. */
struct snapshot {
    uint32_t references;
    uint64_t generation;
    struct domains *domains;
    struct directory *directory; /* for the control plane */
    struct set *set;             /* the exact entries of all domains */
    struct scratch *scratch;
    uint64_t mailboxes; /* entries of all kinds */
};

#endif
