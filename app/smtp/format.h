/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lines that we write: commands to destinations, replies to clients.
 *
 * Each function writes whole lines with their CRLF into `buf`, without a NUL, and returns their
 * length. It returns 0, and what is in buf means nothing, if they do not fit in `size` or if a
 * value holds what could not be read back as that value: a control or 8-bit byte anywhere (but
 * UTF-8 in addresses where SMTPUTF8 is said), and what is not an address between angle brackets. So
 * no value can add a line, a command or a parameter.
 */
#ifndef SPLITMX_SMTP_FORMAT_H
#define SPLITMX_SMTP_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/smtp/command.h"
#include "app/smtp/span.h"
#include "drivers/base/check.h"

/* Commands. A buffer of SMTP_LINE_MAX holds any of them. */

/* `EHLO name` or `HELO name`; name is a domain or an address literal. */
MUST_CHECK size_t smtp_format_ehlo(char *buf, size_t size, struct span name);
MUST_CHECK size_t smtp_format_helo(char *buf, size_t size, struct span name);

/*
 * `MAIL FROM:<address>` and its parameters, as far as they are given (NULL: none): the caller knows
 * what the server has offered. address is as in struct smtp_path; empty for the null path.
 */
MUST_CHECK size_t smtp_format_mail(char *buf, size_t size, struct span address,
                                   const struct smtp_mail_parameters *parameters);

/* `RCPT TO:<address>` and its parameters, likewise; `utf8`: MAIL said SMTPUTF8. */
MUST_CHECK size_t smtp_format_rcpt(char *buf, size_t size, struct span address, bool utf8,
                                   const struct smtp_rcpt_parameters *parameters);

/* `BDAT octets`: not the last chunk. */
MUST_CHECK size_t smtp_format_bdat(char *buf, size_t size, uint64_t octets);

/* A verb alone: DATA, RSET, NOOP, QUIT. */
MUST_CHECK size_t smtp_format_verb(char *buf, size_t size, enum smtp_verb verb);

/* Replies. */

/* What a listener offers, the same to every client (RFC 5321 §4.1.1.1). */
struct smtp_policy {
    struct span hostname;
    smtp_extension_set offers;
    bool xclient;           /* xclient.h: to whom it is allowed */
    uint64_t size_limit;    /* of SIZE, bytes; 0: no fixed limit */
    uint32_t recipient_max; /* of LIMITS: RCPTMAX */
};

/* `220 hostname ESMTP SplitMX` */
MUST_CHECK size_t smtp_format_greeting(char *buf, size_t size, struct span hostname);

/* The answer to EHLO: the hostname, and a line per extension. */
MUST_CHECK size_t smtp_format_ehlo_reply(char *buf, size_t size, const struct smtp_policy *policy);

/* The answer to HELO: `250 hostname`. */
MUST_CHECK size_t smtp_format_helo_reply(char *buf, size_t size, struct span hostname);

/* Any one-line reply, as the X-macro lists have them: `line` and CRLF. It must begin with a code
 * and a space, and be no longer than SMTP_REPLY_LINE_MAX with its CRLF. */
MUST_CHECK size_t smtp_format_reply(char *buf, size_t size, struct span line);

#endif
