/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths and mailboxes: the addresses in SMTP commands (RFC 5321 §4.1.2, §4.1.3). */
#ifndef SPLITMX_SMTP_PATH_H
#define SPLITMX_SMTP_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "app/smtp/span.h"
#include "drivers/base/check.h"

/* RFC 5321 §4.5.3.1, octets. */
#define SMTP_LOCAL_PART_MAX 64
#define SMTP_DOMAIN_MAX     255
#define SMTP_PATH_MAX       256 /* with the angle brackets */

/* RFC 1035 §2.3.4. */
#define SMTP_LABEL_MAX 63

/* A forward- or reverse-path (RFC 5321 §4.1.2). Spans point into the line. */
struct smtp_path {
    struct span address; /* between the angle brackets, source route stripped; empty for <> */
    struct span local;   /* as written: with its quotes, if it has them */
    struct span domain; /* as written; empty for <> and <postmaster>; a literal with its brackets */
    bool quoted;        /* local is a quoted-string */
    bool source_route;  /* one was there and was stripped (RFC 5321 §4.1.1.3) */
    bool utf8;          /* it holds characters beyond ASCII (RFC 6531 §3.3) */
};

/*
 * The path that text begins with, from its '<' to its '>': returns how many bytes that is, 0 if
 * there is none. A local part without a domain is a path only if it is `postmaster`. Of the limits
 * only a label's is judged.
 *
 * UTF-8 may stand wherever RFC 6531 §3.3 allows it; the caller judges whether it may be there.
 *
 * Two deviations from the grammar, because such addresses are in use and what they mean is for
 * their destination to say: dots may stand anywhere in a local part, and underscores in a domain.
 */
MUST_CHECK size_t smtp_path_parse(const char *text, size_t len, struct smtp_path *out);

/* The whole text is one mailbox, `local@domain`, without angle brackets or source route: what a
 * configuration has. False if it is not, not ASCII, or too long to be a recipient. */
MUST_CHECK bool smtp_mailbox_parse(const char *text, size_t len, struct smtp_path *out);

/* The whole text is a domain name (with underscores); an address literal, with its brackets. ASCII
 * only. */
bool smtp_is_domain(struct span text);
bool smtp_is_address_literal(struct span text);

/* The whole text could stand between the brackets of a path that has no source route; the first:
 * and is ASCII. */
bool smtp_is_address(struct span text);
bool smtp_is_utf8_address(struct span text);

#endif
