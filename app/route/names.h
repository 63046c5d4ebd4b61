/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Host names of servers, with their addresses as they were last looked up. The control thread has
 * them looked up beside the mail, again and again; workers read what came of it whenever they like.
 *
 * What is looked up is what the system's resolver says (getaddrinfo(3): A and AAAA, hosts files and
 * all). Addresses are left out that are our own, that no server can have, or of a family in which
 * we have no address. A name that cannot be looked up any more keeps the addresses that it had.
 */
#ifndef SPLITMX_ROUTE_NAMES_H
#define SPLITMX_ROUTE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/smtp/span.h"
#include "drivers/base/addr.h"
#include "drivers/base/check.h"

#define NAME_ADDRESSES 16 /* of a name that are used: the first in order */

struct names;
struct name;

struct addresses {
    uint32_t count;
    struct ip_addr list[NAME_ADDRESSES]; /* in order of their bytes */
};

/* `locals` are our own addresses; they must outlive it. */
struct names *names_create(const struct ip_addr *locals, unsigned local_count);
void names_destroy(struct names *n); /* NULL is allowed */

/* The name, in any case; it lives as long as `n`. One that is new is looked up at once, which may
 * take seconds: any thread but a worker. If it cannot be, that is said on standard error. */
struct name *names_enter(struct names *n, struct span text);

const char *name_text(const struct name *name);

/* Any thread: has it other addresses than in *version (0: none were read)? Then they and theirs. */
MUST_CHECK bool name_read(const struct name *name, uint32_t *version, struct addresses *out);

/* Look all up again, which may take long. Returns lines that say what has changed, and what cannot
 * be looked up any more, each with an LF; the caller's to free. One thread at a time. */
char *names_refresh(struct names *n);

/* Is there any? Does not wait for one that is being looked up. */
bool names_any(const struct names *n);

#endif
