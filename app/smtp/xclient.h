/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * XCLIENT (Postfix's XCLIENT_README): a trusted client says for whom it speaks. Pure: the command's
 * argument in, values out.
 *
 *     XCLIENT NAME=mail.example ADDR=192.0.2.1 PORT=4711 HELO=mail.example
 *
 * Values are xtext (RFC 3461 §4), [UNAVAILABLE] or [TEMPUNAVAIL].
 */
#ifndef SPLITMX_SMTP_XCLIENT_H
#define SPLITMX_SMTP_XCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/smtp/path.h"
#include "app/smtp/span.h"
#include "drivers/base/addr.h"
#include "drivers/base/check.h"

#define SMTP_ATTRIBUTES(X)                                                                         \
    X(SMTP_ATTRIBUTE_NAME, "NAME")         /* the client's name in DNS */                          \
    X(SMTP_ATTRIBUTE_ADDR, "ADDR")         /* an IPv4 address, or IPV6: and one */                 \
    X(SMTP_ATTRIBUTE_PORT, "PORT")         /* decimal */                                           \
    X(SMTP_ATTRIBUTE_PROTO, "PROTO")       /* SMTP or ESMTP */                                     \
    X(SMTP_ATTRIBUTE_HELO, "HELO")         /* what the client calls itself */                      \
    X(SMTP_ATTRIBUTE_LOGIN, "LOGIN")       /* whom it has authenticated as: not looked at */       \
    X(SMTP_ATTRIBUTE_DESTADDR, "DESTADDR") /* where it has connected to */                         \
    X(SMTP_ATTRIBUTE_DESTPORT, "DESTPORT")
#define SMTP_ATTRIBUTE_ENUM(name, text) name,
enum smtp_attribute { SMTP_ATTRIBUTES(SMTP_ATTRIBUTE_ENUM) SMTP_ATTRIBUTE_COUNT };

/* The name of an attribute, in capitals. */
const char *smtp_attribute_name(enum smtp_attribute attribute);

struct smtp_xclient {
    uint32_t given; /* 1 << enum smtp_attribute: the others stay as they were */
    /* Of what is given: zero or empty where it is unavailable. */
    struct endpoint client, server;
    char name[SMTP_DOMAIN_MAX + 1];
    char helo[SMTP_DOMAIN_MAX + 1]; /* printable: what is not became '?' */
};

/* Parse what follows the verb. False: unknown or repeated attributes, values that are not what they
 * must be, values that are no xtext. */
MUST_CHECK bool smtp_xclient_parse(struct span argument, struct smtp_xclient *out);

#endif
