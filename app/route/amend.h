/* SPDX-License-Identifier: BSD-3-Clause */
/* A batch of mailboxes that are entered or taken out: one snapshot becomes the next. */
#ifndef SPLITMX_ROUTE_AMEND_H
#define SPLITMX_ROUTE_AMEND_H

#include "app/route/address.h"
#include "app/route/book.h"
#include "app/route/snapshot.h"

/* One mailbox: BOOK_LOCAL and BOOK_EXTERNAL enter it so, BOOK_NONE takes it out. */
struct change {
    struct address address;
    enum book_side side;
};

/*
 * The snapshot with all changes made, sealed with the next generation; the summary is of what
 * differs then. What stands there already is no error and no change; if nothing changes at all it
 * is the same snapshot. Two changes of one address must be the same. NULL, with a sentence in *why
 * (to be freed), if an address is in no [domain NAME] or they contradict each other. Compiles
 * nothing: the changes stand in the overlay; with `insist` also those that change nothing, for a
 * reload under way may find it otherwise. Uses the control thread's scratch. `now`: seconds since
 * the epoch, for move_grace.
 */
struct snapshot *snapshot_amend(struct snapshot *s, const struct change *changes, uint32_t count,
                                bool insist, uint64_t now, struct snapshot_summary *summary,
                                char **why);

/*
 * In the background: with the overlay compiled into the set, without what has ended of the grace.
 * NULL, with Hyperscan's reason in *why (to be freed), if that does not work.
 */
struct snapshot *snapshot_fold(struct snapshot *s, uint64_t now, char **why);

/* Back in the control thread: what snapshot_fold() made of `before`, with the changes that were
 * made since, to give `now`. Sealed with the next generation. */
struct snapshot *snapshot_folded(const struct snapshot *folded, const struct snapshot *before,
                                 const struct snapshot *now);

/* The same of what snapshot_make() made, for all that was changed while it was made. */
struct snapshot *snapshot_remade(struct snapshot *made, const struct snapshot *before,
                                 const struct snapshot *now, uint64_t seconds);

#endif
