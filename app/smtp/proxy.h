/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): what a load balancer says
 * about a client before the client's own first byte. Pure: bytes in, values out.
 */
#ifndef SPLITMX_SMTP_PROXY_H
#define SPLITMX_SMTP_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/base/addr.h"
#include "drivers/base/check.h"

/* Bytes of the longest header that is taken: those of version 1 have at most 107, those of version
 * 2 are meant to fit into one segment, TLVs included. */
#define PROXY_HEADER_MAX 1024

enum proxy_state {
    PROXY_MORE,     /* all is well so far, and the header is not complete */
    PROXY_COMPLETE, /* out is filled */
    PROXY_BAD,      /* this is no header, or one that must be refused: close */
};

struct proxy_header {
    size_t len;   /* bytes of the header */
    bool relayed; /* there are endpoints; else those of the connection count: LOCAL, UNKNOWN,
                     UNSPEC, and families that are not TCP's */
    struct endpoint client; /* as the proxy saw it */
    struct endpoint server; /* where the client had connected to */
};

/*
 * Judge what has arrived so far, from the connection's first byte on: how it is cut makes no
 * difference, and PROXY_BAD comes as early as it can be known. More than PROXY_HEADER_MAX bytes are
 * never needed. A CRC32c is verified where there is one (§2.2.3), other TLVs are skipped, TLVs that
 * do not add up are refused.
 */
MUST_CHECK enum proxy_state proxy_parse(const uint8_t *data, size_t len, struct proxy_header *out);

/*
 * Write a header of version 2: that of a relayed connection, or, with NULL for both, LOCAL. Returns
 * its length; 0 if `size` is less than PROXY_WRITTEN_MAX.
 */
#define PROXY_WRITTEN_MAX 52
MUST_CHECK size_t proxy_format(uint8_t *buf, size_t size, const struct endpoint *client,
                               const struct endpoint *server);

/* Do these bytes, the first of a connection, begin a whole header line of version 1 or the
 * signature of version 2? For those who do not expect either. */
bool proxy_begins(const uint8_t *data, size_t len);

#endif
