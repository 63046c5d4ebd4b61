/* SPDX-License-Identifier: BSD-3-Clause */
/* What a set lacks, and what it has too much, compared with the entries that are wanted. */
#ifndef SPLITMX_ROUTE_SET_COMPARE_H
#define SPLITMX_ROUTE_SET_COMPARE_H

#include "app/route/set.h"

/* For set_fold(); keys are those of the set and of the entries. */
struct set_difference {
    struct set_entry *put, *gone;
    uint32_t put_count, gone_count;
};

/* Folding the difference makes `s` the set of `entries`, which have distinct keys. What is in a row
 * that differs may be in both lists. */
void set_compare(const struct set *s, const struct set_entry *entries, uint32_t count,
                 struct set_difference *out);
void set_difference_free(struct set_difference *d);

#endif
