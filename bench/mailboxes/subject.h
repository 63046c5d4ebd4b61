/* SPDX-License-Identifier: BSD-3-Clause */
/* What can answer whether a mailbox is there: a set, DPDK's hash table, or one Hyperscan database
 * of them all. */
#ifndef SPLITMX_BENCH_SUBJECT_H
#define SPLITMX_BENCH_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "app/route/set.h"
#include "app/smtp/span.h"

#define SUBJECT_BURST SET_BURST_MAX

struct subject {
    const char *name;
    void *state;
    size_t bytes;   /* of memory that it takes */
    unsigned count; /* mailboxes */

    bool (*find)(void *state, struct span key);
    /* Up to SUBJECT_BURST keys; returns how many are there. NULL: one by one. */
    unsigned (*find_burst)(void *state, const struct span *keys, unsigned count);
    void (*free)(void *state);
};

/* Build one of distinct entries. False: it cannot be built, and *why says why. */
bool subject_set(struct subject *s, const struct set_entry *entries, unsigned count,
                 const char **why);
bool subject_hash(struct subject *s, const struct set_entry *entries, unsigned count,
                  const char **why);
bool subject_naive(struct subject *s, const struct set_entry *entries, unsigned count,
                   const char **why);

#endif
