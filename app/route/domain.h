/* SPDX-License-Identifier: BSD-3-Clause */
/* A [domain] section, judged: its servers, its sides, its mailboxes. */
#ifndef SPLITMX_ROUTE_DOMAIN_H
#define SPLITMX_ROUTE_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "app/route/address.h"
#include "app/route/expressions.h"
#include "app/route/networks.h"
#include "app/route/probe_target.h"
#include "app/route/roster.h"
#include "app/route/verdict.h"
#include "config/config.h"

struct domain {
    const struct config_section *section; /* while the snapshot is built */
    char name[ADDRESS_DOMAIN_MAX + 1];    /* canonical; "*": the default for all others */
    uint16_t name_len;

    bool split;               /* split_domain_routing, and there is an external server */
    bool postmaster_external; /* where postmaster goes that the mailboxes do not name */
    bool migration;           /* its directories always lag */
    uint64_t move_grace;      /* seconds that they may lag after a move */
    bool restricted;          /* accept_from was given */
    char delimiter;           /* of the subaddress; NUL: there is none */
    enum catch_all catch_all;
    struct next_hop local, external;
    struct servers local_servers;    /* the external ones are in the probe */
    struct networks sides;           /* values are enum side */
    struct networks accept;          /* of clients, where restricted */
    struct expressions *expressions; /* its roster's; NULL: none */
    struct probe_target probe;       /* of the external server, where split */
    unsigned max_shrink;             /* percent of its entries that a reload may lose */
};

/* What a section is judged against. */
struct domain_context {
    const struct config *config;
    const struct ip_addr *locals; /* the appliance's own addresses */
    unsigned local_count;
    struct names *names; /* of servers; NULL: there may be none */
    struct config_errors *errors;
    /* A roster that the domain has had, if any: its file may not have changed. */
    struct roster *(*known)(void *context, struct span domain);
    void *known_context;
    uint64_t wall; /* as in struct snapshot_request */
};

/*
 * Judge a section and read its mailbox file; what is wrong goes to the errors. Returns the roster,
 * which the caller keeps at least as long as the domain; NULL for [domain *], or on an error.
 */
struct roster *domain_build(struct domain *d, const struct config_section *section,
                            const struct domain_context *context);
void domain_free(struct domain *d);

static inline bool domain_is_default(const struct domain *d)
{
    return d->name[0] == '*';
}

#endif
