/* SPDX-License-Identifier: BSD-3-Clause */
/* A snapshot as route/ itself sees it: snapshot.c builds it, route.c reads it. */
#ifndef SPLITMX_ROUTE_TABLES_H
#define SPLITMX_ROUTE_TABLES_H

#include <stdint.h>

#include "app/route/directory.h"
#include "app/route/domains.h"
#include "app/route/grace.h"
#include "app/route/overlay.h"
#include "app/route/scratch.h"
#include "app/route/set.h"
#include "app/route/snapshot.h"

struct changes;

/* Counts of exact entries. */
void snapshot_summarize(const struct changes *changes, struct snapshot_summary *out);

/* Its parts are shared with other snapshots, as far as they did not change. */
struct snapshot {
    uint32_t references;
    uint64_t generation;
    struct domains *domains;
    struct directory *directory; /* for the control plane */
    struct set *set;             /* the exact entries of all domains */
    struct overlay *overlay;     /* what is not in the set yet, or not any more; NULL: nothing */
    struct grace *grace;         /* who has moved a short while ago; NULL: nobody */
    struct scratch *scratch;
    uint64_t mailboxes; /* entries of all kinds */
};

#endif
