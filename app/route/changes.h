/* SPDX-License-Identifier: BSD-3-Clause */
/* Exact entries that differ between two states of all mailbox files, with their keys. */
#ifndef SPLITMX_ROUTE_CHANGES_H
#define SPLITMX_ROUTE_CHANGES_H

#include <stdint.h>

#include "app/route/address.h"
#include "app/route/book.h"
#include "app/route/set.h"

struct changed {
    const char *key; /* "\nLOCAL@DOMAIN\n" */
    uint16_t len;
    enum book_side was, is;
};

/* Zeroed memory is an empty list. */
struct changes {
    struct changed *at;
    uint32_t count, room;
    struct changes_text *text; /* what the keys stand in */
};

void changes_add(struct changes *c, struct span local, struct span domain, enum book_side was,
                 enum book_side is);
void changes_free(struct changes *c);

/* The address that was changed. */
void changed_address(const struct changed *c, struct address *out);

/* The entries that are there afterwards (`gone`: that are not any more), for set_build() and
 * set_fold(); to be freed. Keys point into the changes. */
struct set_entry *changes_entries(const struct changes *c, bool gone, uint32_t *count);

#endif
