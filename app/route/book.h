/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The exact entries of one mailbox file, as the control thread keeps them: sorted, immutable, and
 * in chunks that editions share. A new edition costs the chunks that its changes fall into.
 *
 * Workers never look in here: they have the set that was compiled from it. Editions may be used and
 * let go by any thread.
 */
#ifndef SPLITMX_ROUTE_BOOK_H
#define SPLITMX_ROUTE_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "app/route/mailboxes.h"
#include "app/smtp/span.h"

struct book;

/* How an address stands in a mailbox file, by an entry of its own. */
enum book_side {
    BOOK_NONE, /* there is no entry */
    BOOK_LOCAL,
    BOOK_EXTERNAL, /* `!` in front */
};

/* An entry; as a change, BOOK_NONE takes the entry out. */
struct book_entry {
    struct span local; /* canonical */
    enum book_side side;
    uint32_t line; /* of the file when it was read; 0: entered since */
};

/* The exact entries of a file that was read. */
struct book *book_build(const struct mailboxes *m);

/* Another edition: `changes` have distinct local parts, in any order. */
struct book *book_apply(const struct book *b, const struct book_entry *changes, uint32_t count);

/* NULL is allowed. */
struct book *book_ref(struct book *b);
void book_unref(struct book *b);

uint32_t book_count(const struct book *b);
uint64_t book_bytes(const struct book *b); /* of memory, what is shared included */

/* The entry of a local part; its side is BOOK_NONE if there is none. Spans point into the book. */
struct book_entry book_find(const struct book *b, struct span local);

/* All entries in order: start with {b}. */
struct book_cursor {
    const struct book *book;
    uint32_t chunk, entry;
};
MUST_CHECK bool book_next(struct book_cursor *c, struct book_entry *out);

/* What differs from `older` (NULL: empty) in `newer` (likewise), in order: `is` is as in `newer`,
 * BOOK_NONE if it is not there any more. Chunks that they share are passed over. */
typedef void book_difference_fn(void *context, const struct book_entry *was,
                                const struct book_entry *is);
void book_compare(const struct book *older, const struct book *newer, book_difference_fn *found,
                  void *context);

#endif
