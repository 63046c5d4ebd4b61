/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mailbox file: which mailboxes of one domain are on our side. One entry a line:
 *
 *     alice                     a local part, quoted where RFC 5321 wants it quoted
 *     "john doe"@example.com    a whole address, of this domain
 *     /(sales|support)-[a-z]+/  an expression over the whole local part, in form NFC; \/ for a
 * slash
 *     *                         everybody else
 *     !bob                      the same with ! in front: on the other side
 *     # a comment               also behind an entry and a blank
 */
#ifndef SPLITMX_ROUTE_MAILBOXES_H
#define SPLITMX_ROUTE_MAILBOXES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/route/expressions.h"
#include "config/config.h"
#include "drivers/base/check.h"

struct mailbox_entry {
    size_t key; /* where its key begins in `keys` */
    uint16_t len;
    bool external;
    uint32_t line;
};

enum catch_all {
    CATCH_ALL_NONE,
    CATCH_ALL_LOCAL,
    CATCH_ALL_EXTERNAL,
};

/* Zeroed memory is an empty one. */
struct mailboxes {
    char *keys; /* all keys, one after the other */
    size_t keys_len, keys_room;
    struct mailbox_entry *entries; /* distinct, in the order of their keys */
    uint32_t entry_count;
    struct expression *expressions; /* in the file's order */
    unsigned expression_count;
    enum catch_all catch_all;
    unsigned catch_all_line;
};

/* Read the file of `domain` (canonical). Every problem goes to errors, with file and line; a file
 * that says nothing is one. False if there is any. */
MUST_CHECK bool mailboxes_load(struct mailboxes *m, const char *path, const char *domain,
                               struct config_errors *errors);

/* The same of bytes that were read already. */
MUST_CHECK bool mailboxes_parse(struct mailboxes *m, const char *path, const char *data, size_t len,
                                const char *domain, struct config_errors *errors);
void mailboxes_free(struct mailboxes *m);

#endif
