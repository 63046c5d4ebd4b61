/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much the clients of one network may do: connections at once, and rates of connections,
 * messages, recipients, refused recipients and errors, each a token bucket that holds one minute's
 * worth. A network is a /24 of IPv4, a /56 of IPv6.
 *
 * The table is as large as all sessions that there can be, and so much larger that it remembers
 * networks whose clients have gone; the one that has been quiet for longest is forgotten first.
 */
#ifndef SPLITMX_RELAY_QUOTA_H
#define SPLITMX_RELAY_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "app/settings.h"
#include "drivers/base/addr.h"
#include "drivers/base/check.h"
#include "drivers/base/timer.h"

struct quotas;
struct quota_network; /* NULL where nothing is limited */

/* NULL: out of memory. The settings must outlive it. */
struct quotas *quota_create(const struct settings *s, unsigned worker);
void quota_destroy(struct quotas *l);

/* Bytes that quota_create() takes. */
uint64_t quota_memory(const struct settings *s);

/*
 * A client has come. True: it may stay, and counts until quota_leave(*network). False: its network
 * has too many connections, or they come too fast.
 */
MUST_CHECK bool quota_enter(struct quotas *l, const struct ip_addr *client, nsec_t now,
                            struct quota_network **network);
void quota_leave(struct quotas *l, struct quota_network *network);

/* One message, recipient, refused recipient or error more. False, and it does not count, if the
 * network's rate is exceeded. */
bool quota_take(struct quotas *l, struct quota_network *network, enum limit_rate rate, nsec_t now);

/* Would quota_take() say no? */
bool quota_exceeded(const struct quotas *l, const struct quota_network *network,
                    enum limit_rate rate, nsec_t now);

#endif
