/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A set of canonical addresses, as large as all the mailboxes of an appliance. It never changes:
 * when mailboxes move, a new generation is made of the old one, and shares with it all that the
 * moves did not touch.
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

#include "app/route/address.h"
#include "app/smtp/span.h"
#include "drivers/base/check.h"

#define SET_KEY_MAX   ADDRESS_KEY_MAX
#define SET_BURST_MAX 32

struct hs_scratch;

struct set_entry {
    const char *key; /* "\nLOCAL@DOMAIN\n", see struct address */
    uint16_t len;    /* at most SET_KEY_MAX */
    bool external;   /* `!` in front */
};

enum set_answer {
    SET_MISS,
    SET_LOCAL,
    SET_EXTERNAL,
    SET_FAILED, /* Hyperscan refused to search; never seen, and nothing that may bounce mail */
};

struct set;

/* Build from entries with distinct keys, which are copied. With one reference. NULL, with
 * Hyperscan's reason in *why (to be freed), if it does not compile. */
struct set *set_build(const struct set_entry *entries, uint32_t count, char **why);

/*
 * The next generation: `old` without the keys of `gone`, which need not be in it and whose side is
 * not looked at, and then with `put`, which are new, or replace what was there. Keys are distinct
 * within each list. With one reference; as for set_build(), NULL if it does not compile. Only what
 * changes is compiled, unless the set has outgrown its rows, or left most of them
 * empty: then it is built anew. `old` stays as it is, and may be in use and even be freed by other
 * threads meanwhile, as long as the caller has a reference.
 */
struct set *set_fold(const struct set *old, const struct set_entry *put, uint32_t put_count,
                     const struct set_entry *gone, uint32_t gone_count, char **why);

/* References are taken and given up by any thread but a worker; the last one frees the set. */
struct set *set_ref(struct set *s);
void set_free(struct set *s);

uint32_t set_count(const struct set *s);

/* Make the scratch (*scratch == NULL: a new one) large enough for this set. */
MUST_CHECK bool set_scratch(const struct set *s, struct hs_scratch **scratch);

/* `scratch` may be in use by one search at a time. No allocation. */
enum set_answer set_find(const struct set *s, struct hs_scratch *scratch, const char *key,
                         size_t len);

/* The same for up to SET_BURST_MAX keys, which wait for memory together. */
void set_find_burst(const struct set *s, struct hs_scratch *scratch, const struct span *keys,
                    unsigned count, enum set_answer *answers);

/* The bytes of memory that the set takes; what it shares with others is counted in full. */
size_t set_memory(const struct set *s);

#endif
