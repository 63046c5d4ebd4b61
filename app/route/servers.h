/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The servers of a destination, as mailbox_server and external_mail_server list them:
 *
 *     ADDRESS[:PORT] [priority N] [weight N], ...
 *
 * Those of the lowest priority are asked first, each as often as its weight says (RFC 2782); those
 * of the next when none of them can be reached.
 */
#ifndef SPLITMX_ROUTE_SERVERS_H
#define SPLITMX_ROUTE_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/base/addr.h"
#include "drivers/base/check.h"

#define SERVERS_MAX       16
#define SERVERS_TEXT_SIZE (SERVERS_MAX * (ADDR_TEXT_SIZE + 2))

struct server {
    struct endpoint at;
    uint16_t priority, weight;
};

struct servers {
    uint32_t count;
    struct server list[SERVERS_MAX]; /* by priority, else in the operator's order; then zeroes */
};

/* Read a list. False: *item (of *len bytes) of it is wrong, and *why says what is allowed. */
MUST_CHECK bool servers_parse(const char *text, struct servers *out, const char **item, size_t *len,
                              const char **why);

/* Is one of them at that address and port? */
bool servers_have(const struct servers *s, const struct endpoint *at);

bool servers_equal(const struct servers *a, const struct servers *b);

/* "192.0.2.10:25, 192.0.2.11:25", into SERVERS_TEXT_SIZE bytes. Returns buf. */
const char *servers_format(const struct servers *s, char *buf);

#endif
