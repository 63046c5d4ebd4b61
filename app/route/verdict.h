/* SPDX-License-Identifier: BSD-3-Clause */
/* What is found out about a recipient: a value, which a transaction copies at RCPT. */
#ifndef SPLITMX_ROUTE_VERDICT_H
#define SPLITMX_ROUTE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "app/route/servers.h"
#include "app/smtp/identity.h"
#include "drivers/base/addr.h"

#define ROUTE_MAX_HOPS  2
#define ROUTE_RULE_SIZE 128
#define ROUTE_NO_PROBE  UINT16_MAX

/* name, text of logs and --route, reply to the client ("": the next hop's own) */
#define ROUTE_VERDICTS(X)                                                                          \
    X(VERDICT_LOCAL, "local", "")                                                                  \
    X(VERDICT_EXTERNAL, "external", "")                                                            \
    X(VERDICT_UNKNOWN, "unknown", "550 5.1.1 No such mailbox here")                                \
    X(VERDICT_REFUSED, "refused", "550 5.7.1 Relaying denied")                                     \
    X(VERDICT_SAME_SIDE, "same-side", "550 5.1.1 No such mailbox: neither side has it")            \
    X(VERDICT_ROUTED, "routed-address", "550 5.1.3 Routed addresses are not accepted")             \
    X(VERDICT_BAD_ADDRESS, "bad-address", "550 5.1.3 Bad recipient address")                       \
    X(VERDICT_FAILED, "failed", "451 4.3.0 The recipient cannot be looked up now")
#define ROUTE_VERDICT_ENUM(name, text, reply) name,
enum verdict { ROUTE_VERDICTS(ROUTE_VERDICT_ENUM) VERDICT_COUNT };

const char *verdict_text(enum verdict v);
const char *verdict_reply(enum verdict v); /* without CRLF; "" for local and external */

/* The side of a domain that a client belongs to. */
enum side {
    SIDE_OUTSIDE, /* neither */
    SIDE_LOCAL,
    SIDE_EXTERNAL,
};
const char *side_text(enum side s);

struct next_hop {
    struct endpoint server;        /* the one that is asked; before, the first of them */
    const struct servers *servers; /* as long as the snapshot is in use */
    uint16_t probe; /* index of the probe whose state gates it, see snapshot_probe(); or
                       ROUTE_NO_PROBE */
    enum smtp_identity_kind identity; /* how it learns who the client is */
    enum side side; /* SIDE_LOCAL: a mailbox server; SIDE_EXTERNAL: an external server */
};

struct route {
    enum verdict verdict;
    enum side from;     /* the client's side in the recipient's domain */
    unsigned hop_count; /* 1 for local and external, else 0 */
    bool lagging; /* the destination may not know the mailbox yet, or not any more: it has moved
                     within move_grace, or the domain says migration = yes */
    struct next_hop hops[ROUTE_MAX_HOPS];
    char rule[ROUTE_RULE_SIZE]; /* what decided, e.g. "alice", "/^sales-/", "!bob", "split",
                                   "postmaster" */
};

#endif
