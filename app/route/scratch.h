/* SPDX-License-Identifier: BSD-3-Clause */
/* Scratch memory of Hyperscan, large enough for a set and for expressions: one for each thread that
 * matches. */
#ifndef SPLITMX_ROUTE_SCRATCH_H
#define SPLITMX_ROUTE_SCRATCH_H

#include <stdint.h>

#include "drivers/base/check.h"

struct hs_scratch;
struct domains;
struct set;

struct scratch {
    uint32_t references;
    unsigned count;
    struct hs_scratch *model; /* what the others are copies of; NULL: nothing to search */
    struct hs_scratch **of;   /* by thread */
};

/* `old` again, if it is not NULL and large enough; else new ones for `count` threads. NULL: out of
 * memory. */
struct scratch *scratch_make(const struct set *set, const struct domains *domains, unsigned count,
                             struct scratch *old);

struct scratch *scratch_ref(struct scratch *s);
void scratch_unref(struct scratch *s); /* NULL is allowed */

#endif
