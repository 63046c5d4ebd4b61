/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is on which side of one domain: its mailbox file as it was read, and what was entered since.
 * Immutable; a reload that finds the file unchanged goes on with the same one.
 */
#ifndef SPLITMX_ROUTE_ROSTER_H
#define SPLITMX_ROUTE_ROSTER_H

#include <stdint.h>

#include "app/route/book.h"
#include "app/route/expressions.h"
#include "app/route/mailboxes.h"

/* All zeroes: not known, e.g. because the file was written to while it was read. */
struct file_identity {
    uint64_t device, inode, size;
    uint64_t modified, changed; /* ns since the epoch */
};

struct roster {
    uint32_t references;
    char *path;
    struct file_identity identity; /* of the file that was read */
    struct book *book;
    struct expressions *expressions; /* NULL: there are none */
    enum catch_all catch_all;
    unsigned catch_all_line;
};

/* Read and compile the file, or take `known` again (NULL: there is none) if it is the same file,
 * not written to since. `wall`: nanoseconds since the epoch, no later than now; a file that has
 * changed since, or just before, is not known the next time. NULL if there is any problem, which
 * goes to errors. */
struct roster *roster_load(const char *path, const char *domain, struct roster *known,
                           uint64_t wall, struct config_errors *errors);

/* The same file with another edition of the exact entries, whose reference it takes over. */
struct roster *roster_edit(const struct roster *r, struct book *book);

struct roster *roster_ref(struct roster *r);
void roster_unref(struct roster *r); /* NULL is allowed */

/* Entries of all kinds. */
uint64_t roster_count(const struct roster *r);

#endif
