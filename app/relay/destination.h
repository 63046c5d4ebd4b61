/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A destination is the servers that a domain lists for one of its sides, and this worker's
 * connections to them: idle ones in a pool, a bound on all of them and on those of one client or
 * domain, and those who wait for one, in turn (turns.h). Which server is asked: targets.h.
 */
#ifndef SPLITMX_RELAY_DESTINATION_H
#define SPLITMX_RELAY_DESTINATION_H

#include <sys/queue.h>

#include "app/relay/connection.h"
#include "app/relay/turns.h"
#include "app/route/servers.h"
#include "drivers/base/addr.h"
#include "drivers/base/check.h"

#define DESTINATION_MAX 4096 /* different servers per worker */

struct relay;
struct relay_offer;
struct targets;
struct destination;
struct destinations;

/* Somebody who wants a connection. Embedded in a leg or a probe; zeroed before its first use. */
struct claim {
    const struct connection_user_ops *ops;
    void *user;
    const struct smtp_identity *identity; /* of the client; NULL: for ourselves */
    struct connection *connection;        /* NULL while waiting in turn */
    struct destination *waiting;          /* NULL: not waiting */
    struct turn turn;                     /* with the parties that want it */
};

struct destinations *destinations_create(struct relay *r);
void destinations_destroy(struct destinations *ds);

/* The destination of these servers, which learn of their clients in this way; NULL when the table
 * is full. */
struct destination *destination_find(struct destinations *ds, const struct servers *servers,
                                     enum smtp_identity_kind identity);

enum smtp_identity_kind destination_identity(const struct destination *d);

/* By what it is known in marks, hints and the memo: of its list of servers, as it is written. */
const uint64_t *destination_id(const struct destination *d);
const char *destination_name(const struct destination *d); /* "192.0.2.10:25, 192.0.2.11:25" */

/* At how many addresses its servers are, and whether one of them is worth a connection now. */
unsigned destination_target_count(const struct destination *d);
bool destination_has_usable(const struct destination *d);

/*
 * Ask for a connection: one that carries the claim's identity and has never carried another. With
 * `fresh`, or when none is idle, a new one is opened, as far as the
 * bounds allow; else the claim waits in turn. Always ends in ops->ready() or ops->lost(), possibly
 * before this returns; claim_cancel() ends it without.
 */
void claim_connection(struct destination *d, struct claim *claim, bool fresh);

/* Would a claim of these get a connection without waiting in turn? Who holds one elsewhere must not
 * wait: two that wait for what the other holds would wait for ever. */
bool destination_has_room(const struct destination *d, const struct parties *parties);

/* Between rounds: where the worker has no connection left for those who wait, the ones that have
 * been idle for longest, at any destination, give way. */
void destinations_make_way(struct destinations *ds);

/* Stop waiting, or leave a connection that is not ready yet. */
void claim_cancel(struct claim *claim);

/* It has refused us, rather than a sender or a recipient: it is degraded until it accepts a
 * recipient. Mail is offered to it as before, for nobody else has that mailbox. */
void destination_note_refusal(struct destination *d);
void destination_note_accept(struct destination *d);

/* Any thread: what the destination of that index offered last. False: there are not as many. */
bool destinations_offer(const struct destinations *ds, unsigned index, struct relay_offer *out);

/* Any thread: where these servers are by now, with what is known here of each. */
void destinations_targets(const struct destinations *ds, const struct servers *servers,
                          enum smtp_identity_kind identity, struct targets *out);

/* Close every idle connection with QUIT. */
void destinations_quit_idle(struct destinations *ds);

#endif
