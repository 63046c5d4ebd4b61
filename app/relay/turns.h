/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who may have one of a destination's connections, and whose turn it is when there are none.
 *
 * A party is the network of a client (a /24 of IPv4, a /56 of IPv6), or the domain of a recipient.
 * None may hold more connections than the bound as long as it is not the only one ever met there;
 * networks that are exempt from limits are from this one, too. Those who wait stand in a line for
 * each network, first come, first served; the lines are served in turn, one at a time:
 *
 *     lines -> 192.0.2/24 -> 198.51.100/24 -> 2001:db8:0:100/56
 *              claim         claim             claim
 *              claim                           claim
 *              claim
 *
 * Who may not have one, because its network or its domain holds enough, is passed over.
 */
#ifndef SPLITMX_RELAY_TURNS_H
#define SPLITMX_RELAY_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "drivers/base/addr.h"
#include "drivers/base/check.h"

enum party_kind { PARTY_NETWORK, PARTY_DOMAIN, PARTY_KINDS };

/* For whom a connection is wanted; all 0: for ourselves, whom nothing bounds. */
struct parties {
    uint64_t of[PARTY_KINDS];
};

struct share;  /* what one party has of one destination */
struct shares; /* all of a worker's */

/* One that waits: embedded in who does. */
struct turn {
    struct parties parties;
    struct share *share[PARTY_KINDS];
    TAILQ_ENTRY(turn) entry;
};

/* What holds a connection; all NULL: nobody. */
struct holders {
    struct share *share[PARTY_KINDS];
};

/* Of one destination. */
struct turns {
    struct shares *shares;
    unsigned bound;              /* connections of one party */
    uint64_t first[PARTY_KINDS]; /* the first party met; 0: none yet */
    bool several[PARTY_KINDS];   /* and it is not the only one */
    TAILQ_HEAD(, share) lines;   /* networks with somebody who waits; the next one first */
};

/* Shares for so many connections and so many who wait. NULL: out of memory. */
struct shares *shares_create(unsigned connections, unsigned waiting);
void shares_destroy(struct shares *s);

/* Bytes that it takes. */
size_t shares_size(unsigned connections, unsigned waiting);

/* Of a client, which is exempt from limits or is not, and a recipient's address. */
struct parties turns_parties(const struct ip_addr *client, bool exempt, const char *recipient);

/* `percent` of `connections` are the bound, and at least one. */
void turns_start(struct turns *t, struct shares *shares, unsigned connections, unsigned percent);

/* Somebody asks for these. */
void turns_meet(struct turns *t, const struct parties *p);

/* Do these hold less than they may? */
bool turns_allow(const struct turns *t, const struct parties *p);

/* A connection is theirs, until turns_give_back(). */
void turns_take(struct turns *t, const struct parties *p, struct holders *holders);
void turns_give_back(struct turns *t, struct holders *holders);

/* Wait: at the end of its network's line. False: out of memory. */
MUST_CHECK bool turns_wait(struct turns *t, struct turn *turn);

/* Wait no more. */
void turns_leave(struct turns *t, struct turn *turn);

/* Does somebody wait who may have a connection? */
bool turns_wanted(const struct turns *t);

/* Who is next waits no more, and its network's next is behind everybody else's. NULL: nobody who
 * waits may have a connection. */
struct turn *turns_next(struct turns *t);

#endif
