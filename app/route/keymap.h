/* SPDX-License-Identifier: BSD-3-Clause */
/* A small table from keys of addresses to numbers, immutable: each change makes another one. */
#ifndef SPLITMX_ROUTE_KEYMAP_H
#define SPLITMX_ROUTE_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/base/check.h"

struct keymap;

struct keymap_entry {
    const char *key;
    uint16_t len;
    uint64_t value;
};

typedef bool keymap_keep_fn(void *context, const struct keymap_entry *entry);

/* What `old` (NULL: empty) has and `keep` (NULL: all) lets stay, and `put`, which replaces what has
 * the same key; of two in `put` the later one counts. NULL if that is nothing. */
struct keymap *keymap_make(const struct keymap *old, keymap_keep_fn *keep, void *context,
                           const struct keymap_entry *put, uint32_t count);

struct keymap *keymap_ref(struct keymap *m); /* NULL is allowed, here and below */
void keymap_unref(struct keymap *m);

/* No allocation. */
MUST_CHECK bool keymap_find(const struct keymap *m, const char *key, size_t len, uint64_t *value);

uint32_t keymap_count(const struct keymap *m);

/* By index below the count, in no order. */
struct keymap_entry keymap_at(const struct keymap *m, uint32_t index);

#endif
