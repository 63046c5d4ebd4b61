/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A set of canonical addresses, as large as all the mailboxes of an appliance.
 *
 * One Hyperscan database of them all would be slow to compile and slow to search; many small ones
 * are neither (see set.c). In front of them stand rows of fingerprints that answer most misses, the
 * common case of a domain whose mailboxes have not moved yet, from one cache line.
 */
#ifndef SPLITMX_ROUTE_SET_H
#define SPLITMX_ROUTE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/base/check.h"

struct hs_scratch;

struct set_entry {
    const char *key; /* "\nLOCAL@DOMAIN\n", see struct address */
    uint16_t len;
    bool external; /* `!` in front */
};

enum set_answer {
    SET_MISS,
    SET_LOCAL,
    SET_EXTERNAL,
    SET_FAILED, /* Hyperscan refused to search; never seen, and nothing that may bounce mail */
};

struct set;

/* Build from entries with distinct keys, which are copied. NULL, with Hyperscan's reason in *why
 * (to be freed), if it does not compile. */
struct set *set_build(const struct set_entry *entries, uint32_t count, char **why);
void set_free(struct set *s);

uint32_t set_count(const struct set *s);

/* Make the scratch (*scratch == NULL: a new one) large enough for this set. */
MUST_CHECK bool set_scratch(const struct set *s, struct hs_scratch **scratch);

/* `scratch` may be in use by one search at a time. No allocation. */
enum set_answer set_find(const struct set *s, struct hs_scratch *scratch, const char *key,
                         size_t len);

#endif
