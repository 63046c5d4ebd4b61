/* SPDX-License-Identifier: BSD-3-Clause */
/* Between a transaction and the memo. */
#include "app/relay/recall.h"

#include <stdlib.h>

#include "app/relay/fingerprint.h"
#include "app/relay/state.h"

#define FINGERPRINTS 512

/* No more than there can be transactions. */
static unsigned fingerprint_count(const struct relay *r)
{
    return r->settings->max_transactions < FINGERPRINTS ? r->settings->max_transactions
                                                        : FINGERPRINTS;
}

bool recall_create(struct relay *r)
{
    unsigned count = fingerprint_count(r);
    r->memo = memo_create(r->settings->memo_entries, r->settings->memo_ttl);
    r->fingerprints = calloc(count, sizeof(*r->fingerprints));
    if (r->memo == NULL || r->fingerprints == NULL)
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (!digester_copy(&r->fingerprints[i].digester, &r->digester))
            return false;
        LIST_INSERT_HEAD(&r->fingerprints_free, &r->fingerprints[i], entry);
    }
    return true;
}

void recall_destroy(struct relay *r)
{
    for (unsigned i = 0; r->fingerprints != NULL && i < fingerprint_count(r); i++)
        digester_destroy(&r->fingerprints[i].digester);
    free(r->fingerprints);
    memo_destroy(r->memo);
}

/* What the memo knows a recipient by. */
static bool parties(const struct transaction *t, const struct recipient *rcpt, struct digest *out)
{
    return digest_of_parties(&t->relay->digester, &rcpt->record->client.addr, t->envelope.sender,
                             rcpt->record->to, destination_id(rcpt->leg->destination), out);
}

static bool takes_part(const struct recipient *rcpt, const struct leg *leg)
{
    return rcpt->leg == leg && rcpt->record != NULL;
}

static bool knows_any(const struct transaction *t)
{
    const struct recipient *rcpt;
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        struct digest who;
        if (rcpt->leg != NULL && takes_part(rcpt, rcpt->leg) && parties(t, rcpt, &who) &&
            memo_knows(t->relay->memo, &who))
            return true;
    }
    return false;
}

static bool take_fingerprint(struct transaction *t)
{
    struct relay *r = t->relay;
    t->fingerprint = LIST_FIRST(&r->fingerprints_free);
    if (t->fingerprint == NULL) {
        relay_count(r, RELAY_MEMO_FULL);
        return false;
    }
    LIST_REMOVE(t->fingerprint, entry);
    fingerprint_start(t->fingerprint);
    return true;
}

void recall_start(struct transaction *t)
{
    if (t->parties == 1 && (memo_empty(t->relay->memo) || !knows_any(t)))
        return;
    if (!take_fingerprint(t))
        return; /* a retry of it will not be known */
}

void recall_drop(struct transaction *t)
{
    if (t->fingerprint != NULL)
        LIST_INSERT_HEAD(&t->relay->fingerprints_free, t->fingerprint, entry);
    t->fingerprint = NULL;
}

void recall_finish(struct transaction *t)
{
    if (t->fingerprint == NULL)
        return;
    t->recalled =
        fingerprint_finish(t->fingerprint, &t->fingerprint_digest) && t->content.message_id_len > 0;
    recall_drop(t);
}

enum memo_state recall_leg(const struct transaction *t, const struct leg *leg)
{
    struct relay *r = t->relay;
    const struct recipient *rcpt;
    bool all = true, doubt = false;
    if (!t->recalled)
        return MEMO_NONE;
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        struct digest who;
        if (!takes_part(rcpt, leg))
            continue;
        enum memo_state state = MEMO_NONE;
        if (parties(t, rcpt, &who))
            state = memo_look(r->memo, &who, &t->fingerprint_digest, r->now);
        if (state == MEMO_PENDING)
            return MEMO_PENDING;
        all = all && state == MEMO_COMMITTED;
        doubt = doubt || state != MEMO_NONE;
    }
    r->counters[RELAY_MEMO_FORGOTTEN] = memo_forgotten(r->memo);
    return all ? MEMO_COMMITTED : doubt ? MEMO_IN_DOUBT : MEMO_NONE;
}

static void note(const struct transaction *t, const struct leg *leg, enum memo_state state)
{
    struct relay *r = t->relay;
    const struct recipient *rcpt;
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        struct digest who;
        if (takes_part(rcpt, leg) &&
            (!parties(t, rcpt, &who) ||
             !memo_note(r->memo, &who, &t->fingerprint_digest, state, t->serial, r->now)))
            relay_count(r, RELAY_MEMO_FULL);
    }
    r->counters[RELAY_MEMO_FORGOTTEN] = memo_forgotten(r->memo);
}

void recall_pending(const struct transaction *t, const struct leg *leg)
{
    if (t->recalled)
        note(t, leg, MEMO_PENDING);
}

/* The digest of what is kept. */
static bool digest_kept(struct transaction *t)
{
    struct kept_cursor at = {0};
    struct slice slice;
    if (t->kept.state != KEPT_ALL || !take_fingerprint(t))
        return false;
    while (kept_take(&t->kept, &at, UINT32_MAX, &slice))
        fingerprint_add(t->fingerprint, slice.data, slice.len);
    recall_finish(t);
    return t->recalled;
}

bool recall_unheard(struct transaction *t)
{
    if (t->recalled)
        return true;
    if (t->content.message_id_len == 0 || !digest_kept(t))
        return false;
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (t->legs[i].state == LEG_DOTTED)
            recall_pending(t, &t->legs[i]);
    }
    return true;
}

bool recall_committed(struct transaction *t, const struct ip_addr *client, const char *recipient)
{
    struct relay *r = t->relay;
    const struct leg *leg = NULL;
    struct digest who;
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (t->legs[i].state == LEG_COMMITTED)
            leg = &t->legs[i];
    }
    return leg != NULL && digest_kept(t) &&
           digest_of_parties(&r->digester, client, t->envelope.sender, recipient,
                             destination_id(leg->destination), &who) &&
           memo_note(r->memo, &who, &t->fingerprint_digest, MEMO_COMMITTED, t->serial, r->now);
}

void recall_settle(const struct transaction *t)
{
    for (unsigned i = 0; t->recalled && i < t->leg_count; i++) {
        const struct leg *leg = &t->legs[i];
        if (leg->state == LEG_COMMITTED)
            note(t, leg, MEMO_COMMITTED);
        else if (leg->state == LEG_IN_DOUBT)
            note(t, leg, MEMO_IN_DOUBT);
        else if (leg->state == LEG_REFUSED)
            note(t, leg, MEMO_NONE);
    }
}
