/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The servers of a destination, as mailbox_server and external_mail_server list them:
 *
 *     ADDRESS[:PORT] [priority N] [weight N], NAME[:PORT] ..., ...
 *
 * Those of the lowest priority are asked first, each as often as its weight says (RFC 2782); those
 * of the next when none of them can be reached. A name stands for all of its addresses.
 */
#ifndef SPLITMX_ROUTE_SERVERS_H
#define SPLITMX_ROUTE_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/route/names.h"
#include "drivers/base/addr.h"
#include "drivers/base/check.h"

#define SERVERS_MAX       16
#define SERVERS_TEXT_SIZE 1280

struct server {
    const struct name *name; /* NULL: there is an address */
    struct endpoint at;      /* for a name the port alone */
    uint16_t priority, weight;
};

struct servers {
    uint64_t id; /* of this list, whatever its names' addresses; the same in every process */
    uint32_t count;
    struct server list[SERVERS_MAX]; /* by priority, else in the operator's order; then zeroes */
};

/* Read a list; its names are looked up if they are new. Without `names` (NULL) there may be none.
 * False: *item (of *len bytes) of it is wrong, and *why says what is allowed. */
MUST_CHECK bool servers_parse(const char *text, struct names *names, struct servers *out,
                              const char **item, size_t *len, const char **why);

/* Is this server, by its address or its name, one of them? */
bool servers_have(const struct servers *s, const struct server *one);

/* "192.0.2.10:25, mx.example.net:25", into SERVERS_TEXT_SIZE bytes, in which every list has room.
 * Returns buf. */
const char *servers_format(const struct servers *s, char *buf);

#endif
