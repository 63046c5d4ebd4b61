/* SPDX-License-Identifier: BSD-3-Clause */
/* Which mailboxes have changed sides between two snapshots. */
#ifndef SPLITMX_ROUTE_MOVES_H
#define SPLITMX_ROUTE_MOVES_H

#include "app/route/changes.h"
#include "app/route/directory.h"
#include "app/route/grace.h"

struct moves {
    struct directory_of before, after;
    struct hs_scratch *scratch_before, *scratch_after;
    uint64_t now; /* seconds since the epoch */
};

/*
 * The old grace with all that have moved now: those of the changes whose side is another one, and
 * the domains (with whole_domains) whose expressions, catch-all or delimiter are. *count is how
 * many mailboxes there are of the first kind.
 */
struct grace *moves_note(const struct moves *m, const struct changes *changes, bool whole_domains,
                         struct grace *old, uint64_t *count);

#endif
