/* SPDX-License-Identifier: BSD-3-Clause */
/* Ordered commit. */
#include "app/relay/commit.h"

#include "app/relay/recall.h"
#include "app/relay/replay.h"
#include "app/relay/state.h"

static bool any(const struct transaction *t, enum leg_state state)
{
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (t->legs[i].state == state)
            return true;
    }
    return false;
}

struct leg *commit_failure(struct transaction *t)
{
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (t->legs[i].state > LEG_COMMITTED)
            return &t->legs[i];
    }
    return NULL;
}

bool commit_revocable(const struct transaction *t)
{
    for (unsigned i = 0; i < t->leg_count; i++) {
        const struct leg *leg = &t->legs[i];
        if (leg->state == LEG_DOTTED || (leg->state == LEG_COMMITTED && !leg->skipped))
            return false;
    }
    return true;
}

static bool goes_first(const struct transaction *t, const struct leg *leg)
{
    return leg->side == (t->relay->settings->commit_local_first ? SIDE_LOCAL : SIDE_EXTERNAL);
}

/* Has it still to get its end? */
static bool is_under_way(const struct leg *leg)
{
    return leg->state != LEG_CANCELLED && leg->state < LEG_DOTTED;
}

static bool any_under_way(const struct transaction *t)
{
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (is_under_way(&t->legs[i]))
            return true;
    }
    return false;
}

/* All commits have one budget. A leg that only keeps the others waiting has less: it runs from its
 * last acknowledgment. One that has begun again has its own. */
static void arm(struct transaction *t, bool stalled)
{
    const struct relay *r = t->relay;
    nsec_t when = t->end_at + r->settings->commit, soon = r->now + r->settings->leg_stall;
    if (stalled && soon < when)
        when = soon;
    if (replay_behind(t) != NULL && replay_deadline(t) < when)
        when = replay_deadline(t);
    timer_arm(r->wheel, &t->timer, when);
}

/* Has a held leg acknowledged what it has, and waits for one that has not? */
static bool stalled(const struct transaction *t)
{
    unsigned ready = 0, late = 0;
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (t->legs[i].state != LEG_HELD)
            continue;
        if (leg_is_acknowledged(&t->legs[i]))
            ready++;
        else
            late++;
    }
    return ready > 0 && late > 0;
}

/* The held leg whose turn it is, NULL if not all are held and have acknowledged what they have. */
static struct leg *next(struct transaction *t)
{
    struct leg *chosen = NULL;
    for (unsigned i = 0; i < t->leg_count; i++) {
        struct leg *leg = &t->legs[i];
        if (!is_under_way(leg))
            continue;
        if (leg->state != LEG_HELD || !leg_is_acknowledged(leg))
            return NULL;
        if (chosen == NULL || (goes_first(t, leg) && !goes_first(t, chosen)))
            chosen = leg;
    }
    return chosen;
}

struct leg *commit_awaited(struct transaction *t)
{
    struct leg *late = NULL;
    for (unsigned i = 0; i < t->leg_count; i++) {
        struct leg *leg = &t->legs[i];
        if (leg->state == LEG_DOTTED)
            return leg;
        if (is_under_way(leg) &&
            (late == NULL || leg->state != LEG_HELD || !leg_is_acknowledged(leg)))
            late = leg;
    }
    return late;
}

/* The destination has the message already: the leg is called off. */
static void skip(struct transaction *t, struct leg *leg)
{
    relay_count(t->relay, RELAY_LEGS_SUPPRESSED);
    recall_pending(t, leg);
    leg_skip(leg);
}

static void skip_if_committed(struct transaction *t, struct leg *leg)
{
    switch (recall_leg(t, leg)) {
    case MEMO_COMMITTED:
        skip(t, leg);
        break;
    case MEMO_IN_DOUBT:
        relay_count(t->relay, RELAY_LEGS_REPEATED);
        break;
    case MEMO_NONE:
    case MEMO_PENDING:
        break;
    }
}

/*
 * Its end goes to the leg. A single leg's answer is the client's: only a retry of one of several is
 * remembered. Another try of the same message, whose client we had not yet lost when this one
 * began, may have come first since the memo was asked.
 */
static enum commit_progress end(struct transaction *t, struct leg *leg)
{
    if (leg_is_down(leg))
        return COMMIT_WAITS; /* it will be told that it is lost */
    switch (recall_leg(t, leg)) {
    case MEMO_COMMITTED:
        skip(t, leg);
        return commit_step(t);
    case MEMO_PENDING:
        relay_count(t->relay, RELAY_MESSAGES_OVERTAKEN);
        leg_timeout(leg, "An earlier try of this message is still under way; try again later");
        return COMMIT_WAITS;
    case MEMO_NONE:
    case MEMO_IN_DOUBT:
        break;
    }
    recall_pending(t, leg);
    leg_end(leg, smtp_content_empty(&t->content));
    return COMMIT_WAITS;
}

enum commit_progress commit_step(struct transaction *t)
{
    bool failed = commit_failure(t) != NULL;
    for (unsigned i = 0; failed && i < t->leg_count; i++) {
        if (is_under_way(&t->legs[i]))
            leg_abort(&t->legs[i]);
    }
    if (any(t, LEG_DOTTED))
        return COMMIT_WAITS;
    if (!any_under_way(t))
        return COMMIT_OVER;
    struct leg *leg = next(t);
    arm(t, leg == NULL && stalled(t));
    return leg != NULL ? end(t, leg) : COMMIT_WAITS;
}

enum commit_progress commit_begin(struct transaction *t)
{
    struct leg *open = NULL;
    unsigned count = 0;
    for (unsigned i = 0; t->recalled && i < t->leg_count; i++) {
        if (t->legs[i].state == LEG_OPEN && recall_leg(t, &t->legs[i]) == MEMO_PENDING)
            return COMMIT_OVERTAKEN;
    }
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (t->recalled && t->legs[i].state == LEG_OPEN)
            skip_if_committed(t, &t->legs[i]);
        if (t->legs[i].state == LEG_OPEN) {
            open = &t->legs[i];
            count++;
        }
    }
    /* Chunks are answered first: behind one that was refused the end must not come. */
    if (count == 1 && !open->chunked)
        return end(t, open);
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (t->legs[i].state == LEG_OPEN)
            leg_hold(&t->legs[i]);
    }
    return commit_step(t);
}

static bool takes_part(const struct transaction *t, const struct leg *leg)
{
    const struct recipient *rcpt;
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        if (rcpt->leg == leg && rcpt->record != NULL)
            return true;
    }
    return false;
}

void commit_hint(struct transaction *t, const struct leg *failure)
{
    struct relay *r = t->relay;
    const struct destination *row[HINT_DESTINATIONS];
    const struct recipient *rcpt;
    unsigned count = 0;
    if (t->parties < 2)
        return;
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (&t->legs[i] != failure && takes_part(t, &t->legs[i]))
            row[count++] = t->legs[i].destination;
    }
    row[count++] = failure->destination;
    relay_count(r, RELAY_HINTS);
    hint_id id = hint_begin(r->hints, row, count, r->now);
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        struct digest who;
        if (rcpt->record != NULL && rcpt->leg != NULL &&
            digest_of_parties(&r->digester, &rcpt->record->client.addr, t->envelope.sender,
                              rcpt->record->to, NULL, &who))
            hint_cover(r->hints, id, &who);
    }
}

void commit_answer(const struct transaction *t, const struct leg *failure,
                   struct client_reply *answer)
{
    if (t->parties > 1) {
        if (failure == NULL)
            client_reply_set(answer, "250 2.0.0 OK: %s", t->id);
        else if (failure->reply.changed && failure->reply.text[0] == '4')
            client_reply_copy(answer, &failure->reply);
        else
            client_reply_set(answer, "451 4.3.0 The recipients' servers disagree; try again, and "
                                     "each is asked by itself");
        return;
    }
    for (unsigned i = 0; failure == NULL && i < t->leg_count; i++) {
        if (t->legs[i].state == LEG_COMMITTED)
            failure = &t->legs[i];
    }
    client_reply_copy(answer, &failure->reply);
}
