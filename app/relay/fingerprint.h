/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The digest of a message's content as it streams, by which its retry is known: over what is meant,
 * not how it is sent. The dots of transparency (RFC 5321 §4.5.2) are left out, and so is the
 * leading trace block (Return-Path and Received fields, RFC 5321 §4.4): a retry may come another
 * way.
 */
#ifndef SPLITMX_RELAY_FINGERPRINT_H
#define SPLITMX_RELAY_FINGERPRINT_H

#include <sys/queue.h>

#include "app/relay/digest.h"

#define FINGERPRINT_NAME 11 /* octets of the longest trace field's name */

struct fingerprint {
    LIST_ENTRY(fingerprint) entry; /* among those that are free */
    struct digester digester;
    bool failed;
    bool line_start;
    bool crlf;     /* ... behind a CRLF: a dot may stand for transparency */
    bool cr;       /* the last octet was a CR */
    bool in_trace; /* all fields so far were trace fields */
    bool deciding; /* in a field's name: `name` is what there is of it */
    bool skipping; /* in a trace field */
    unsigned name_len;
    char name[FINGERPRINT_NAME];
};

/* The digester is ready (digester_create()). */
void fingerprint_start(struct fingerprint *f);

/* The next bytes as they follow DATA. How they are cut makes no difference. */
void fingerprint_add(struct fingerprint *f, const uint8_t *data, size_t len);

/* False if the library has failed. */
MUST_CHECK bool fingerprint_finish(struct fingerprint *f, struct digest *out);

#endif
