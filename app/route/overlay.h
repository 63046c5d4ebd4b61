/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What has changed since the set was compiled: consulted before it, and live at once. An address
 * stands in it with the side that it has now, or as taken out; and with the generation in which it
 * got there, so that what came after a fold began can stay.
 *
 * Immutable. NULL is an empty one, and costs a search one branch.
 */
#ifndef SPLITMX_ROUTE_OVERLAY_H
#define SPLITMX_ROUTE_OVERLAY_H

#include "app/route/changes.h"
#include "app/route/keymap.h"

struct overlay;

/* The old one with more changes; the generation is higher than any before. */
struct overlay *overlay_apply(struct overlay *old, const struct changes *changes,
                              uint64_t generation);

/* What came after a generation. */
struct overlay *overlay_since(struct overlay *o, uint64_t generation);

struct overlay *overlay_ref(struct overlay *o);
void overlay_unref(struct overlay *o);

/* Is the address in it? Then *side is how it stands: BOOK_NONE: taken out. No allocation. */
MUST_CHECK bool overlay_find(const struct overlay *o, const char *key, size_t len,
                             enum book_side *side);

uint32_t overlay_count(const struct overlay *o);

/* Append all to the changes (`was` is not known, and BOOK_NONE). */
void overlay_changes(const struct overlay *o, struct changes *out);

#endif
