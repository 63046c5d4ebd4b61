/* SPDX-License-Identifier: BSD-3-Clause */
/* Counted references to what snapshots share: taken and given up by any thread but a worker. */
#ifndef SPLITMX_ROUTE_REFERENCES_H
#define SPLITMX_ROUTE_REFERENCES_H

#include <stdbool.h>
#include <stdint.h>

static inline void reference_take(uint32_t *references)
{
    __atomic_add_fetch(references, 1, __ATOMIC_RELAXED);
}

/* True if it was the last one. */
static inline bool reference_drop(uint32_t *references)
{
    return __atomic_sub_fetch(references, 1, __ATOMIC_ACQ_REL) == 0;
}

#endif
