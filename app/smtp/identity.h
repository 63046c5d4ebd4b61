/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client's identity on its way to a destination: as XCLIENT, as XFORWARD (Postfix's READMEs of
 * these names), or as a PROXY header. Names come from strangers: they go out as xtext (RFC 3461
 * §4), so that no byte of theirs ends a value, a line or a command.
 */
#ifndef SPLITMX_SMTP_IDENTITY_H
#define SPLITMX_SMTP_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/smtp/path.h"
#include "app/smtp/span.h"
#include "drivers/base/addr.h"
#include "drivers/base/check.h"

/* How a destination learns of it. */
enum smtp_identity_kind {
    IDENTITY_NONE, /* not at all: its client is us */
    IDENTITY_XCLIENT,
    IDENTITY_XFORWARD,
    IDENTITY_PROXY, /* a PROXY header of version 2 */
};

struct smtp_identity {
    struct endpoint client; /* all zeroes: not known */
    struct endpoint server; /* where the client connected to */
    bool extended;          /* it said EHLO */
    char name[SMTP_DOMAIN_MAX + 1];
    char helo[SMTP_DOMAIN_MAX + 1];
};

bool smtp_identity_equal(const struct smtp_identity *a, const struct smtp_identity *b);

/* The attributes that a server offers behind XCLIENT or XFORWARD in its reply to EHLO, as bits
 * 1 << enum smtp_attribute. */
uint32_t smtp_identity_offered(struct span parameters);

/*
 * `XCLIENT NAME=... ADDR=...` or `XFORWARD ...` with the attributes that are offered, and CRLF. A
 * name for which a line of 512 octets has no room is [UNAVAILABLE], as one that is not known.
 * Returns the length; 0 if nothing is offered or `size` is too small.
 */
MUST_CHECK size_t smtp_format_identity(char *buf, size_t size, enum smtp_identity_kind kind,
                                       uint32_t offered, const struct smtp_identity *identity);

#endif
