/* SPDX-License-Identifier: BSD-3-Clause */
/* Recipients to legs. */
#include "app/relay/placement.h"

#include "app/relay/destination.h"
#include "app/relay/health.h"
#include "app/relay/loop.h"
#include "app/relay/pending.h"
#include "app/relay/state.h"
#include "app/relay/transaction.h"

static struct leg *find_leg(struct transaction *t, const struct destination *d)
{
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (t->legs[i].destination == d)
            return &t->legs[i];
    }
    return NULL;
}

/* Retries of messages whose destinations could not agree go to one of them, in turn. False: this
 * recipient is not for this transaction. */
static bool hint_allows(struct transaction *t, const struct mail_record *record,
                        const struct destination *d, const struct leg *leg)
{
    struct relay *r = t->relay;
    struct digest who;
    if (hints_empty(r->hints) || !digest_of_parties(&r->digester, &record->client.addr,
                                                    t->envelope.sender, record->to, NULL, &who))
        return true;
    hint_id id = hint_find(r->hints, &who, r->now);
    if (id == 0)
        return true;
    t->single = true;
    if (t->hint == 0)
        t->hint = id;
    if (leg != NULL)
        return t->leg_count == 1;
    return t->leg_count == 0 && hint_is_turn(r->hints, id, d);
}

static struct parties parties_of(const struct relay *r, const struct mail_record *record)
{
    const struct ip_addr *client = &record->client.addr;
    return turns_parties(client, network_list_has(&r->settings->limits_exempt, client), record->to);
}

/* That both systems are named lets whoever reads it mend one of them. */
static void defer_recursion(const struct transaction *t, struct recipient *rcpt)
{
    char from[ADDR_TEXT_SIZE], there[ADDR_TEXT_SIZE];
    client_reply_set(
        &rcpt->reply,
        "450 4.4.6 <%s> is asked for too often at once: do [%s] and %s ask each other?",
        rcpt->record->to, ip_addr_format(&t->client->address.addr, from),
        endpoint_format(&rcpt->record->route.hops[0].server, there));
}

/* The leg for a recipient: the one that goes there already, or a new one. NULL, with its reply, if
 * the recipient must be refused. */
static struct leg *leg_for(struct transaction *t, struct recipient *rcpt, leg_changed_fn *changed)
{
    struct relay *r = t->relay;
    const struct mail_record *record = rcpt->record;
    const struct next_hop *hop = &record->route.hops[0];
    struct destination *d = destination_find(r->destinations, hop->servers, hop->identity);
    if (d == NULL) {
        relay_count(r, RELAY_RCPT_NO_MEMORY);
        client_reply_set(&rcpt->reply, "451 4.3.2 Too many destinations; try again later");
        return NULL;
    }
    if (loop_defers(t, record, d)) {
        relay_count(r, RELAY_RCPT_LOOPED);
        client_reply_set(&rcpt->reply,
                         "452 4.5.3 A message to <%s> has been at its server; send it by itself",
                         record->to);
        return NULL;
    }
    struct leg *leg = find_leg(t, d);
    if (!hint_allows(t, record, d, leg)) {
        relay_count(r, RELAY_RCPT_HINTED);
        client_reply_set(
            &rcpt->reply,
            "452 4.5.3 The recipient's server is asked by itself this time; send it next");
        return NULL;
    }
    if (leg != NULL)
        return leg;
    /* There may be several when the first recipient comes that a hint wants to be alone. */
    if (t->leg_count >= (t->single ? 1 : r->settings->max_legs)) {
        relay_count(r, RELAY_RCPT_SECOND_LEG);
        client_reply_set(&rcpt->reply,
                         "452 4.5.3 Another destination than the recipients before; send it next");
        return NULL;
    }
    struct parties parties = parties_of(r, record);
    if (t->leg_count > 0 && !destination_has_room(d, &parties)) {
        relay_count(r, RELAY_RCPT_SECOND_LEG_BUSY);
        client_reply_set(&rcpt->reply, "452 4.5.3 The recipient's server is busy; send it next");
        return NULL;
    }
    leg = &t->legs[t->leg_count++];
    if (hop->identity != IDENTITY_NONE)
        client_identity(t->client, &t->envelope.identity);
    leg_start(leg, r, &t->envelope, d, hop->side, &parties, changed, t);
    return leg;
}

struct leg *placement_find(struct transaction *t, struct recipient *rcpt, leg_changed_fn *changed)
{
    struct relay *r = t->relay;
    const struct mail_record *record = rcpt->record;
    const struct route *route = &record->route;
    if (route->hop_count == 0) {
        client_reply_set(&rcpt->reply, "%s", verdict_reply(route->verdict));
        return NULL;
    }
    if (!health_is_up(r, route->hops[0].probe)) {
        relay_count(r, RELAY_RCPT_EXTERNAL_DOWN);
        client_reply_set(&rcpt->reply,
                         "451 4.4.1 The recipient's server is not available; try again later");
        return NULL;
    }
    rcpt->ticket = pending_enter(r->pending, &record->client.addr, t->envelope.sender, record->to);
    if (rcpt->ticket == 0) {
        relay_count(r, RELAY_RCPT_PENDING);
        defer_recursion(t, rcpt);
        return NULL;
    }
    struct leg *leg = leg_for(t, rcpt, changed);
    if (leg == NULL)
        pending_leave(r->pending, &rcpt->ticket);
    return leg;
}
