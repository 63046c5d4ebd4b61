/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RCPTs that wait for their destination, counted by what is alike in them: the client's network,
 * sender and recipient. Two systems that ask each other about a recipient, in-line or by callouts,
 * ask for the same one again and again before the first is answered: PENDING_MAX of them are.
 *
 * The counts are of keyed hashes: different RCPTs may share one, rarely, and are deferred for it.
 */
#ifndef SPLITMX_RELAY_PENDING_H
#define SPLITMX_RELAY_PENDING_H

#include <stddef.h>
#include <stdint.h>

#include "drivers/base/addr.h"

#define PENDING_MAX 20

struct pending;

/* NULL: out of memory. `recipients`: how many there can be at once. */
struct pending *pending_create(unsigned recipients, uint32_t key);
void pending_destroy(struct pending *p);

/* Bytes that it takes. */
size_t pending_size(unsigned recipients);

/* One more waits; sender and recipient have at most SMTP_PATH_MAX octets. 0, and it does not count:
 * too many do. Else what pending_leave() is told. */
uint32_t pending_enter(struct pending *p, const struct ip_addr *client, const char *sender,
                       const char *recipient);

/* It has its answer, or is not asked for any more. *ticket becomes 0, and may have been. */
void pending_leave(struct pending *p, uint32_t *ticket);

#endif
