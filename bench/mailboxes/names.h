/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mailbox names as organisations give them: given names and surnames, as frequent as people have
 * them, initials, digits for those who come later; domains whose sizes follow a power law.
 */
#ifndef SPLITMX_BENCH_NAMES_H
#define SPLITMX_BENCH_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "app/route/set.h"

struct names {
    struct set_entry *entries; /* in no order; none is external */
    uint32_t count;
    char *text; /* of all keys */
};

/*
 * `count` keys in `domains` domains, the same for the same arguments, and none twice. Those of
 * another `family` are none of these: people of the same kind who are not there.
 */
void names_make(struct names *n, uint32_t count, uint32_t domains, unsigned family);
/* Bytes of all keys together. */
size_t names_text_size(const struct names *n);

void names_free(struct names *n);

/* A step of xorshift64*: the same numbers in every run. *state is not 0. */
static inline uint64_t names_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

#endif
