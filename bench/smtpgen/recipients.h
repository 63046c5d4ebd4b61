/* SPDX-License-Identifier: BSD-3-Clause */
/* Whom generated mail is for: RCPT lines, made once. */
#ifndef SPLITMX_SMTPGEN_RECIPIENTS_H
#define SPLITMX_SMTPGEN_RECIPIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "app/smtp/span.h"
#include "drivers/base/check.h"

struct recipients {
    char *text;       /* all lines, one behind the other, each with its CRLF */
    uint64_t *offset; /* where line i begins; `count` is where the last ends */
    uint64_t count;
    uint64_t room; /* lines, and bytes of text, that memory was taken for */
    uint64_t text_room;
};

/* An address, or a family of them: "user%@example.com:1-1000" has the numbers in place of `%`.
 * False with a sentence in *why. */
MUST_CHECK bool recipients_add(struct recipients *r, const char *text, const char **why);

/* Addresses from a file, one a line; blank lines and those that begin with # are passed over.
 * False with a sentence in *why and the line's number in *line (0: the file itself, see errno). */
MUST_CHECK bool recipients_load(struct recipients *r, const char *path, const char **why,
                                unsigned *line);

void recipients_free(struct recipients *r);

#endif
