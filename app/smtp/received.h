/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our trace line (RFC 5321 §4.4), the only thing we ever put in front of a message:
 *
 *     Received: from helo.example (ptr.example [192.0.2.1])
 *             by mx1.example.net with ESMTP id 4ZQ1k0
 *             (splitmx 5F0E3A1290C4B77D)
 *             for <alice@example.com>; Mon, 01 Jan 2024 00:00:00 +0000
 *
 * The comment has a mark for each recipient: a number that says to us, and to nobody else, who went
 * where. header.h finds it again when the message comes back.
 *
 * HELO, PTR and the recipient are what strangers say. In the first two every byte that is not
 * alphanumeric, `.`, `-` or `_` becomes `?`, unless it is an address literal: no comment, no quote,
 * no bracket and no line can be begun or ended by them. The recipient is an address by the grammar
 * of path.h.
 */
#ifndef SPLITMX_SMTP_RECEIVED_H
#define SPLITMX_SMTP_RECEIVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/smtp/span.h"
#include "drivers/base/addr.h"
#include "drivers/base/check.h"

#define SMTP_TRANSACTION_ID_MAX 64

#define SMTP_MARKS_BEGIN    "(splitmx"
#define SMTP_MARK_DIGITS    16 /* capital hexadecimal ones */
#define SMTP_RECEIVED_MARKS 32

/* Holds any trace line: four names of at most SMTP_DOMAIN_MAX, the marks, the words, the folds. Its
 * beginning takes at most SMTP_RECEIVED_BEGIN_MAX of that. */
#define SMTP_RECEIVED_MAX       2100
#define SMTP_RECEIVED_BEGIN_MAX 900

/* What is the same in all messages of a session. */
struct smtp_received_from {
    struct span helo;      /* as the client said it: at most SMTP_DOMAIN_MAX bytes count */
    struct span ptr;       /* the client's name in DNS; empty: "unknown" */
    struct ip_addr client; /* its address */
    struct span hostname;  /* ours: a domain */
};

/* `Received: from ... by ...`, to be kept for smtp_received_format(). Returns its
 * length; 0 if it does not fit or if hostname is not what it must be. */
MUST_CHECK size_t smtp_received_begin(char *buf, size_t size,
                                      const struct smtp_received_from *from);

struct smtp_received {
    struct span begin; /* of smtp_received_begin() */
    bool extended;     /* the client said EHLO (RFC 3848: ESMTP) */
    bool utf8;         /* ... and SMTPUTF8 at MAIL (RFC 6531 §4.3: UTF8SMTP) */
    struct span
        id; /* of the transaction: alphanumeric, `.`, `-`, `_`; <= SMTP_TRANSACTION_ID_MAX */
    const uint64_t *marks; /* mark_count of them: at most SMTP_RECEIVED_MARKS */
    unsigned mark_count;
    struct span recipient; /* the only one, without brackets; empty if there are several, so that
                              none learns of another (RFC 5321 §7.2) */
    struct span date;      /* of smtp_date_format() */
};

/*
 * Write the line, folded to 78 columns where its words allow it and never beyond 998 (RFC 5322
 * §2.1.1), with its CRLF and without a NUL. Returns its length; 0 if it does not fit, or if id or
 * recipient are not what they must be.
 */
MUST_CHECK size_t smtp_received_format(char *buf, size_t size, const struct smtp_received *r);

/* `Mon, 01 Jan 2024 00:00:00 +0000` (RFC 5322 §3.3) of seconds since 1970 UTC, clamped to the years
 * 1970 to 9999, with a NUL; returns buf. */
#define SMTP_DATE_SIZE 32
const char *smtp_date_format(int64_t time, char buf[SMTP_DATE_SIZE]);

#endif
