/* SPDX-License-Identifier: BSD-3-Clause */
/* One message on its way, from MAIL to the answer to the end of data. */
#include "app/relay/transaction.h"

#include <assert.h>

#include "app/relay/commit.h"
#include "app/relay/fanout.h"
#include "app/relay/loop.h"
#include "app/relay/outcome.h"
#include "app/relay/pending.h"
#include "app/relay/placement.h"
#include "app/relay/recall.h"
#include "app/relay/replay.h"
#include "app/relay/state.h"

static void on_timer(struct timer *timer, nsec_t now);
static void leg_changed(void *owner);

static char *put_hex(char *at, uint64_t value, unsigned digits)
{
    while (digits-- > 0)
        *at++ = "0123456789ABCDEF"[value >> 4 * digits & 15];
    return at;
}

/* Start time, process, worker, count. Processes that start within one second, or after the clock
 * was put back, differ in the second of them (a keyed digest). */
static void make_id(struct relay *r, char id[TRANSACTION_ID_SIZE])
{
    char *at = put_hex(id, r->started, 8);
    at = put_hex(at, r->instance, 6);
    at = put_hex(at, r->worker, 1);
    *put_hex(at, r->next_transaction++, 8) = '\0';
}

struct transaction *transaction_begin(struct relay *r, struct client *client,
                                      const struct smtp_command *mail)
{
    struct transaction *t =
        relay_object_get(r->transaction_pool, offsetof(struct transaction, envelope));
    if (t == NULL && !TAILQ_EMPTY(&r->untold)) {
        transaction_heard(TAILQ_FIRST(&r->untold));
        t = relay_object_get(r->transaction_pool, offsetof(struct transaction, envelope));
    }
    if (t == NULL)
        return NULL;
    t->spare = maillog_reserve(r->log);
    if (t->spare == NULL) {
        relay_object_put(r->transaction_pool, t);
        return NULL;
    }
    t->relay = r;
    t->client = client;
    t->envelope.mail = mail->mail;
    t->envelope.chunked = false;
    span_copy(t->envelope.envid, mail->mail.envid);
    span_copy(t->envelope.sender, mail->path.address);
    make_id(r, t->id);
    t->serial = r->next_transaction;
    TAILQ_INIT(&t->envelope.recipients);
    smtp_content_start(&t->content);
    kept_start(&t->kept);
    if (t->envelope.mail.size > r->settings->replay_bytes)
        kept_give_up(r, &t->kept, KEPT_TOO_BIG);
    timer_init(&t->timer, on_timer);
    r->usage.transactions++;
    relay_count(r, RELAY_TRANSACTIONS);
    return t;
}

/* ----------------------------------------------------------------------------- recipients -- */

static void count_verdict(struct relay *r, enum verdict verdict)
{
    static const enum relay_counter counters[] = {
        [VERDICT_LOCAL] = RELAY_VERDICT_LOCAL,         [VERDICT_EXTERNAL] = RELAY_VERDICT_EXTERNAL,
        [VERDICT_UNKNOWN] = RELAY_VERDICT_UNKNOWN,     [VERDICT_REFUSED] = RELAY_VERDICT_REFUSED,
        [VERDICT_SAME_SIDE] = RELAY_VERDICT_SAME_SIDE, [VERDICT_ROUTED] = RELAY_VERDICT_ROUTED,
        [VERDICT_BAD_ADDRESS] = RELAY_VERDICT_BAD,     [VERDICT_FAILED] = RELAY_VERDICT_FAILED,
    };
    static_assert(COUNT_OF(counters) == VERDICT_COUNT, "every verdict is counted");
    relay_count(r, counters[verdict]);
}

/* The first one says how old the oldest is. */
static void note_verdict(struct transaction *t)
{
    if (t->generation != 0)
        return;
    t->generation = snapshot_generation(t->relay->snapshot);
    TAILQ_INSERT_TAIL(&t->relay->verdicts, t, relay_entry);
}

void transactions_note_oldest(struct relay *r)
{
    const struct transaction *t = TAILQ_FIRST(&r->verdicts);
    uint64_t oldest = t != NULL ? t->generation : snapshot_generation(r->snapshot);
    __atomic_store_n(&r->oldest_generation, oldest, __ATOMIC_RELEASE);
}

static void forget_verdicts(struct transaction *t)
{
    if (t->generation == 0)
        return;
    TAILQ_REMOVE(&t->relay->verdicts, t, relay_entry);
    transactions_note_oldest(t->relay);
}

/* The oldest recipient without an answer bounds the phase: each has its budget from its RCPT. */
static void arm_envelope(struct transaction *t)
{
    struct relay *r = t->relay;
    const struct recipient *rcpt;
    for (rcpt = t->untold; rcpt != NULL; rcpt = TAILQ_NEXT(rcpt, entry)) {
        if (recipient_waits(rcpt)) {
            timer_arm(r->wheel, &t->timer, rcpt->asked + r->settings->rcpt);
            return;
        }
    }
    timer_disarm(r->wheel, &t->timer);
}

bool transaction_recipient(struct transaction *t, const struct smtp_command *command,
                           const char **reply)
{
    const struct smtp_path *path = &command->path;
    struct relay *r = t->relay;
    if (t->recipient_count == r->settings->recipients_per_message) {
        relay_count(r, RELAY_RCPT_TOO_MANY);
        *reply = "452 4.5.3 Too many recipients";
        return false;
    }
    struct mail_record *record = t->spare != NULL ? t->spare : maillog_reserve(r->log);
    struct recipient *rcpt =
        record != NULL ? relay_object_get(r->recipient_pool, offsetof(struct recipient, reply))
                       : NULL;
    if (rcpt == NULL) {
        if (record != NULL && record != t->spare)
            maillog_cancel(r->log, record);
        relay_count(r, RELAY_RCPT_NO_MEMORY);
        *reply = "451 4.3.2 Out of memory; try again later";
        return false;
    }
    t->spare = NULL;
    relay_count(r, RELAY_RECIPIENTS);
    r->usage.recipients++;
    span_copy(record->to, path->address);
    span_copy(record->helo, span_of(t->client->helo));
    record->client = t->client->address;
    route_recipient(r->snapshot, r->worker, path, &t->client->address.addr, &record->route);
    count_verdict(r, record->route.verdict);
    note_verdict(t);
    rcpt->generation = snapshot_generation(r->snapshot);
    rcpt->record = record;
    rcpt->asked = r->now;
    rcpt->notify = command->rcpt.notify;
    span_copy(rcpt->orcpt, command->rcpt.orcpt);
    t->recipient_count++;
    rcpt->leg = placement_find(t, rcpt, leg_changed);
    TAILQ_INSERT_TAIL(&t->envelope.recipients, rcpt, entry);
    if (t->untold == NULL)
        t->untold = rcpt;
    if (rcpt->leg != NULL) {
        leg_recipient(rcpt->leg, rcpt);
    } else {
        rcpt->state = RECIPIENT_REFUSED;
        client_wake(t->client);
    }
    arm_envelope(t);
    return true;
}

void transaction_recipient_told(struct transaction *t, struct recipient *rcpt)
{
    rcpt->told = true;
    t->told++;
    t->untold = TAILQ_NEXT(rcpt, entry);
    if (rcpt->state == RECIPIENT_ACCEPTED)
        t->accepted++;
    outcome_of_recipient(t, rcpt);
    arm_envelope(t);
}

/* ------------------------------------------------------------------------------------ end -- */

static void dispose(struct transaction *t)
{
    struct relay *r = t->relay;
    if (t->kept.count > 0)
        kept_drop(r, &t->kept);
    relay_object_put(r->transaction_pool, t);
}

/* Nothing of it is under way any more. */
static void wind_up(struct transaction *t)
{
    struct relay *r = t->relay;
    struct recipient *rcpt;
    timer_disarm(r->wheel, &t->timer);
    while ((rcpt = TAILQ_FIRST(&t->envelope.recipients)) != NULL) {
        TAILQ_REMOVE(&t->envelope.recipients, rcpt, entry);
        pending_leave(r->pending, &rcpt->ticket);
        relay_object_put(r->recipient_pool, rcpt);
        r->usage.recipients--;
    }
    if (t->spare != NULL)
        maillog_cancel(r->log, t->spare);
    forget_verdicts(t);
    recall_drop(t);
    chunks_drop(&t->chunks);
    if (t->hint != 0)
        hint_next(r->hints, t->hint);
    r->usage.transactions--;
}

static void transaction_free(struct transaction *t)
{
    wind_up(t);
    dispose(t);
}

/* May the memo have to know of it, if the client does not acknowledge the answer? A message to
 * several is in the memo already. Of a message to one, that with one recipient is worth it. */
static bool may_be_repeated(const struct transaction *t)
{
    return t->parties == 1 && t->accepted == 1 && !t->recalled && t->kept.state == KEPT_ALL &&
           t->content.message_id_len > 0 && outcome_status(&t->answer) == MAIL_DELIVERED;
}

void transaction_end(struct transaction *t, struct transaction **holder)
{
    const struct recipient *rcpt;
    if (!may_be_repeated(t)) {
        outcome_settle(t);
        transaction_free(t);
        return;
    }
    t->holder = holder;
    *holder = t;
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        if (rcpt->record != NULL) {
            span_copy(t->to, span_of(rcpt->record->to));
            t->from = rcpt->record->client.addr;
        }
    }
    outcome_settle(t);
    wind_up(t);
    TAILQ_INSERT_TAIL(&t->relay->untold, t, relay_entry);
}

void transaction_heard(struct transaction *t)
{
    *t->holder = NULL;
    TAILQ_REMOVE(&t->relay->untold, t, relay_entry);
    dispose(t);
}

void transaction_unheard(struct transaction *t)
{
    relay_count(t->relay, RELAY_UNHEARD);
    if (!recall_committed(t, &t->from, t->to))
        relay_count(t->relay, RELAY_UNHEARD_UNKNOWN);
    transaction_heard(t);
}

/* Its client has gone without the answer: the memo knows already what it can. */
static void end_unheard(struct transaction *t)
{
    outcome_settle(t);
    transaction_free(t);
}

/* Destinations have the end of it, and the client will not hear what comes, or came, of that. */
static void note_unheard(struct transaction *t)
{
    relay_count(t->relay, RELAY_UNHEARD);
    if (!recall_unheard(t))
        relay_count(t->relay, RELAY_UNHEARD_UNKNOWN);
}

uint64_t transaction_remembered(const struct transaction *t)
{
    return t->recalled && outcome_status(&t->answer) == MAIL_DELIVERED ? t->serial : 0;
}

void transaction_abandon(struct transaction *t)
{
    struct relay *r = t->relay;
    static const struct client_reply none;
    t->client = NULL;
    if (t->state == TRANSACTION_COMMIT && !commit_revocable(t)) {
        note_unheard(t);
        if (replay_call_off(t))
            leg_changed(t);
        return; /* leg_changed() ends it */
    }
    if (t->state == TRANSACTION_ENDED) {
        if (legs_any(t->legs, t->leg_count, LEG_COMMITTED) ||
            legs_any(t->legs, t->leg_count, LEG_IN_DOUBT)) {
            note_unheard(t);
            recall_settle(t);
        }
        end_unheard(t);
        return;
    }
    recall_settle(t);
    for (unsigned i = 0; i < t->leg_count; i++)
        leg_cancel(&t->legs[i]);
    if (t->accepted > 0)
        relay_count(r, RELAY_MESSAGES_ABANDONED);
    outcome_log(t, MAIL_ABANDONED, &none);
    transaction_free(t);
}

/* Nothing more will happen to it: `answer` is set. */
static void ended(struct transaction *t)
{
    timer_disarm(t->relay->wheel, &t->timer);
    t->state = TRANSACTION_ENDED;
    if (t->client != NULL)
        client_wake(t->client);
    else
        end_unheard(t);
}

/* The message has failed before its end, for a reason of ours or a leg's: nobody may take it for
 * complete. */
static void fail(struct transaction *t, enum relay_counter counter,
                 const struct client_reply *reply)
{
    relay_count(t->relay, counter);
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (t->legs[i].state != LEG_CANCELLED && t->legs[i].state < LEG_COMMITTED)
            leg_abort(&t->legs[i]);
    }
    client_reply_copy(&t->answer, reply);
    ended(t);
}

static void fail_with(struct transaction *t, enum relay_counter counter, const char *text)
{
    struct client_reply reply;
    client_reply_set(&reply, "%s", text);
    fail(t, counter, &reply);
}

/* A leg has ended before all were open, or while content was passed on. */
static void fail_for(struct transaction *t, const struct leg *leg)
{
    struct client_reply reply;
    commit_hint(t, leg);
    commit_answer(t, leg, &reply);
    fail(t, RELAY_MESSAGES_FAILED, &reply);
}

/* Every leg that got its end has answered it. */
static void conclude(struct transaction *t)
{
    const struct leg *failure = commit_failure(t);
    recall_settle(t);
    if (failure != NULL)
        commit_hint(t, failure);
    commit_answer(t, failure, &t->answer);
    ended(t);
}

/* ------------------------------------------------------------------------------- content -- */

void transaction_data_early(struct transaction *t)
{
    if (t->envelope.mail.body == SMTP_BODY_BINARYMIME)
        return; /* the client will hear that it may not say DATA */
    for (unsigned i = 0; i < t->leg_count && t->state == TRANSACTION_ENVELOPE; i++)
        leg_data_early(&t->legs[i]);
}

static bool has_accepted(const struct transaction *t, const struct leg *leg)
{
    const struct recipient *rcpt;
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        if (rcpt->leg == leg && rcpt->told && rcpt->record != NULL)
            return true;
    }
    return false;
}

void transaction_data(struct transaction *t)
{
    struct relay *r = t->relay;
    t->state = TRANSACTION_DATA;
    t->data_at = r->now;
    timer_arm(r->wheel, &t->timer, r->now + r->settings->data);
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (has_accepted(t, &t->legs[i]))
            t->parties++;
        else
            leg_cancel(&t->legs[i]);
    }
    for (unsigned i = 0; i < t->leg_count && t->state == TRANSACTION_DATA; i++) {
        if (t->legs[i].state != LEG_CANCELLED)
            leg_data(&t->legs[i]);
    }
}

void transaction_chunk(struct transaction *t, uint64_t size, bool last)
{
    chunks_begin(&t->chunks, size, last);
    t->chunks.binary = t->envelope.mail.body == SMTP_BODY_BINARYMIME;
    t->envelope.chunked = true;
    if (t->state != TRANSACTION_ENVELOPE)
        return;
    relay_count(t->relay, RELAY_CHUNKED);
    transaction_data(t);
}

bool transaction_chunk_is_done(const struct transaction *t)
{
    return t->chunks.on && !t->chunks.last && t->chunks.left == 0;
}

/* All legs said 354: the client may send. */
static void open_content(struct transaction *t)
{
    struct relay *r = t->relay;
    timer_disarm(r->wheel, &t->timer);
    t->state = TRANSACTION_CONTENT;
    t->content_at = r->now;
    if (t->chunks.on) /* the first chunk came with its command, and has waited since */
        t->blocked = r->now - t->data_at;
    else
        t->content.mended = t->client->mended; /* octets that were counted are not mended */
    recall_start(t);
    client_wake(t->client);
}

/* What a client hands to its TCP ahead of our window, as a rule. */
#define CLIENT_BUFFER (256 * 1024)

/* Content that the legs have no room for keeps our window shut: so long the client's last buffer
 * of it may have waited. */
static void note_blocked(struct transaction *t)
{
    nsec_t now = t->relay->now;
    uint64_t stretch = t->forwarded / CLIENT_BUFFER;
    if (stretch != t->stretch) {
        t->blocked_before = stretch == t->stretch + 1 ? t->blocked : 0;
        t->blocked = 0;
        t->stretch = stretch;
    }
    if (t->blocked_at != 0)
        t->blocked += now - t->blocked_at;
    t->blocked_at = t->forwarded < t->content.safe ? now : 0;
}

/*
 * The client waits for its answer from the moment that it has sent the end of data, and that may
 * be long before all content is passed on: what a slow leg has no room for waits in our receive
 * window or behind it in the client's own buffer, and the end with it. So the budget of the commits
 * begins when the end arrives, which the scanner sees at once, for it runs ahead of what is passed
 * on; or earlier, by as long as it may have waited at the client's. What is still to be passed on
 * then must leave a quarter of the budget for the answers: better deferred now than in doubt later.
 */
static void note_end(struct transaction *t)
{
    nsec_t budget = t->relay->settings->commit;
    if (!t->content.ended || t->end_at != 0)
        return;
    t->end_at = t->relay->now - t->blocked - t->blocked_before;
    t->content_until = t->end_at + budget - budget / 4;
}

/* Content waits for legs that are full: their budget to make room runs from the last progress. One
 * that keeps another from going on has less. */
static void watch_legs(struct transaction *t, bool moved)
{
    struct relay *r = t->relay;
    const struct settings *s = r->settings;
    if (moved || !timer_armed(&t->timer))
        t->moved_at = r->now;
    nsec_t patience = fanout_is_uneven(t) ? s->leg_stall : s->body_stall;
    nsec_t when = t->moved_at + patience;
    if (t->end_at != 0 && t->content_until < when)
        when = t->content_until;
    timer_arm(r->wheel, &t->timer, when);
}

bool transaction_wants_content(const struct transaction *t)
{
    return t->forwarded == t->content.safe && !t->content.ended && replay_behind(t) == NULL;
}

/* Legs that have begun again catch up first. True: they have. */
static bool caught_up(struct transaction *t)
{
    if (replay_behind(t) == NULL)
        return true;
    replay_step(t);
    if (t->state != TRANSACTION_CONTENT)
        return false;
    if (replay_behind(t) == NULL) {
        t->moved_at = t->relay->now;
        return true;
    }
    timer_arm(t->relay->wheel, &t->timer, replay_deadline(t));
    return false;
}

void transaction_pump(struct transaction *t)
{
    struct relay *r = t->relay;
    struct client_reply reply;
    enum relay_counter why;
    fanout_scan(t);
    note_blocked(t);
    note_end(t);
    if (t->content.bare && !t->content.mended) {
        fail_with(t, RELAY_MESSAGES_BARE_NEWLINE,
                  "550 5.6.11 Bare CR or LF in the message (RFC 5321 section 2.3.8)");
        return;
    }
    /* OpenSMTPD takes a line for ended at its NUL: CRLF, dot, NUL is the end of data there. */
    if (t->content.nul) {
        fail_with(t, RELAY_MESSAGES_NUL, "550 5.6.0 NUL in the message (RFC 2045 section 2.7)");
        return;
    }
    if (t->content.scanned > r->settings->max_size) {
        fail_with(t, RELAY_MESSAGES_TOO_BIG, "552 5.3.4 The message is too big");
        return;
    }
    if (loop_found(t, &reply, &why)) {
        fail(t, why, &reply);
        return;
    }
    if (!caught_up(t))
        return;
    if (!fanout_announce(t)) {
        if (t->state == TRANSACTION_CONTENT)
            watch_legs(t, false);
        return;
    }
    bool moved = fanout_pass(t);
    if (t->state != TRANSACTION_CONTENT)
        return; /* a leg ran out of memory */
    note_blocked(t);
    if (t->forwarded < t->content.safe) {
        watch_legs(t, moved);
        return;
    }
    timer_disarm(r->wheel, &t->timer);
    if (!t->content.ended) {
        if (t->chunks.on && chunks_is_complete(&t->chunks) && !fanout_skip(t))
            return; /* a leg ran out of memory */
        return;
    }
    if (r->now >= t->content_until) {
        fail_with(t, RELAY_TIMEOUT_CONTENT,
                  "451 4.4.2 The destination took the message too slowly; try again later");
        return;
    }
    if (!fanout_skip(t))
        return; /* a leg ran out of memory */
    t->forwarded = t->content.scanned;
    t->state = TRANSACTION_COMMIT;
    timer_arm(r->wheel, &t->timer, t->end_at + r->settings->commit);
    recall_finish(t);
    switch (commit_begin(t)) {
    case COMMIT_WAITS:
        break;
    case COMMIT_OVER:
        conclude(t);
        break;
    case COMMIT_OVERTAKEN:
        fail_with(t, RELAY_MESSAGES_OVERTAKEN,
                  "451 4.3.0 An earlier try of this message is still under way; try again later");
        break;
    }
}

/* ---------------------------------------------------------------------------------- legs -- */

/* Has every leg that takes part come to this state? */
static bool all_legs(const struct transaction *t, enum leg_state state)
{
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (t->legs[i].state != LEG_CANCELLED && t->legs[i].state != state)
            return false;
    }
    return true;
}

static void leg_changed(void *owner)
{
    struct transaction *t = owner;
    if (legs_any(t->legs, t->leg_count, LEG_LOST))
        replay_begin(t);
    switch (t->state) {
    case TRANSACTION_ENVELOPE: /* a recipient has its answer, or there will be none */
        client_wake(t->client);
        break;
    case TRANSACTION_DATA:
        replay_step(t);
        if (commit_failure(t) != NULL)
            fail_for(t, commit_failure(t));
        else if (all_legs(t, LEG_OPEN))
            open_content(t);
        break;
    case TRANSACTION_CONTENT:
        if (commit_failure(t) != NULL)
            fail_for(t, commit_failure(t));
        else
            client_wake(t->client); /* there is room */
        break;
    case TRANSACTION_COMMIT:
        replay_step(t);
        if (t->state == TRANSACTION_COMMIT && commit_step(t) == COMMIT_OVER)
            conclude(t);
        break;
    case TRANSACTION_ENDED:
        break;
    }
}

/* ---------------------------------------------------------------------------------- time -- */

/* The legs whose oldest recipient without an answer is overdue. */
static void time_out_recipients(struct transaction *t)
{
    struct relay *r = t->relay;
    struct recipient *rcpt;
    relay_count(r, RELAY_TIMEOUT_RCPT);
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        if (recipient_waits(rcpt) && rcpt->asked + r->settings->rcpt <= r->now)
            leg_timeout(rcpt->leg, "The destination did not answer in time");
    }
    arm_envelope(t);
}

/* DATA was sent to all: the first that has not said 354. */
static void time_out_data(struct transaction *t)
{
    relay_count(t->relay, RELAY_TIMEOUT_DATA);
    for (unsigned i = 0; i < t->leg_count && t->state == TRANSACTION_DATA; i++) {
        if (t->legs[i].state != LEG_CANCELLED && t->legs[i].state != LEG_OPEN)
            leg_timeout(&t->legs[i], "The destination did not answer DATA in time");
    }
}

/* The one that has its end, or has not acknowledged what comes before it. */
static void time_out_commit(struct transaction *t)
{
    struct leg *late = commit_awaited(t);
    if (late->state == LEG_DOTTED) {
        relay_count(t->relay, RELAY_TIMEOUT_COMMIT);
        leg_timeout(late, "The destination did not confirm in time");
    } else {
        relay_count(t->relay, RELAY_TIMEOUT_CONTENT);
        leg_timeout(late, "The destination stopped taking the message");
    }
}

static void on_timer(struct timer *timer, nsec_t now)
{
    struct transaction *t = CONTAINER_OF(timer, struct transaction, timer);
    (void)now;
    switch (t->state) {
    case TRANSACTION_ENVELOPE:
        time_out_recipients(t);
        break;
    case TRANSACTION_DATA:
        time_out_data(t);
        break;
    case TRANSACTION_CONTENT:
        relay_count(t->relay, RELAY_TIMEOUT_CONTENT);
        leg_timeout(replay_behind(t) != NULL ? replay_behind(t) : fanout_awaited(t),
                    "The destination stopped taking the message");
        break;
    case TRANSACTION_COMMIT:
        time_out_commit(t);
        break;
    case TRANSACTION_ENDED:
        break;
    }
}

void transactions_abort(struct relay *r)
{
    struct transaction *t;
    while ((t = TAILQ_FIRST(&r->verdicts)) != NULL) {
        /* Only those are left that an end of data has gone out from. */
        struct leg *late = t->state == TRANSACTION_COMMIT ? commit_awaited(t) : NULL;
        if (IMPOSSIBLE(late == NULL, &r->counters[RELAY_IMPOSSIBLE]))
            return;
        leg_timeout(late, "The destination did not confirm before the router was stopped");
    }
}

void transactions_give_back(struct relay *r)
{
    struct transaction *t;
    TAILQ_FOREACH (t, &r->verdicts, relay_entry) {
        kept_drop(r, &t->kept);
        chunks_drop(&t->chunks);
    }
    TAILQ_FOREACH (t, &r->untold, relay_entry) {
        kept_drop(r, &t->kept);
        chunks_drop(&t->chunks);
    }
}
