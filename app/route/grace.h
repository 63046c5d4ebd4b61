/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mailboxes that have changed sides a short while ago (DESIGN: moves must not bounce): until when
 * the directory of the other system may lag. Where a domain's expressions or catch-all have
 * changed, any of its mailboxes may have moved: then the domain stands in it.
 *
 * Immutable. NULL is an empty one. What was added last is kept apart from the rest, so that adding
 * to many costs little.
 */
#ifndef SPLITMX_ROUTE_GRACE_H
#define SPLITMX_ROUTE_GRACE_H

#include "app/route/address.h"
#include "app/route/keymap.h"

struct grace;

/* Times are seconds since the epoch. An entry's value is when it ends; its key an address's, or
 * "\n@DOMAIN\n". */
struct grace *grace_add(struct grace *old, const struct keymap_entry *entries, uint32_t count);

/* In one piece, without what has ended by `now`. */
struct grace *grace_settle(struct grace *g, uint64_t now);

/* `settled`, made of `before` by grace_settle(), with what was added since to give `now`. */
struct grace *grace_rebase(struct grace *settled, struct grace *before, struct grace *now);

struct grace *grace_ref(struct grace *g);
void grace_unref(struct grace *g);

/* Is the address, or its whole domain, in it? No allocation. */
bool grace_holds(const struct grace *g, const struct address *a);

/* When an entry ends; 0: there is none. */
uint64_t grace_end(const struct grace *g, const char *key, size_t len);

uint64_t grace_count(const struct grace *g);

/* When the first one ends; UINT64_MAX: there is none. */
uint64_t grace_first_end(const struct grace *g);

/* By index below the count; what was added anew may come up twice, the later time second. */
struct keymap_entry grace_at(const struct grace *g, uint64_t index);

#endif
