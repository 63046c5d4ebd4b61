/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control plane's book of all domains: what their mailbox files say, with what was entered
 * since. It is the truth that sets and overlays are made of, and that reloads and batches are
 * compared with.
 */
#ifndef SPLITMX_ROUTE_DIRECTORY_H
#define SPLITMX_ROUTE_DIRECTORY_H

#include <stdint.h>

#include "app/route/address.h"
#include "app/route/changes.h"
#include "app/route/domains.h"
#include "app/route/roster.h"
#include "app/route/verdict.h"

struct hs_scratch;

/* Immutable. */
struct directory {
    uint32_t references;
    unsigned count;
    struct roster *rosters[]; /* by the domain's place; NULL for [domain *] */
};

/* With the same rosters; each gets one reference more. */
struct directory *directory_new(struct roster *const *rosters, unsigned count);
struct directory *directory_ref(struct directory *d);
void directory_unref(struct directory *d); /* NULL is allowed */

/* Entries of all kinds, and bytes of exact ones. */
uint64_t directory_count(const struct directory *d);
uint64_t directory_bytes(const struct directory *d);

/* A directory and the domains that it belongs to. */
struct directory_of {
    const struct domains *domains; /* NULL: there is nothing */
    const struct directory *directory;
};

/* The roster of a domain by its name; NULL: there is none. */
struct roster *directory_find(struct directory_of d, struct span domain);

/* Append what differs between the exact entries of two. */
void directory_compare(struct directory_of older, struct directory_of newer, struct changes *out);

/* How many entries of its domain's file a roster has lost in the newer one: exact entries, whatever
 * their side, expressions, the catch-all. */
uint64_t roster_lost(const struct roster *older, const struct roster *newer);

/*
 * The side that an address is on, by all that DESIGN's precedence knows; SIDE_OUTSIDE: nobody has
 * it (or Hyperscan would not search). What the set and the overlay answer on the data path, this
 * answers without either.
 */
enum side directory_side(struct directory_of d, struct hs_scratch *scratch,
                         const struct address *a);

#endif
