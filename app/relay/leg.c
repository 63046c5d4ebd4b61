/* SPDX-License-Identifier: BSD-3-Clause */
/* One destination's part of a transaction. */
#include "app/relay/leg.h"

#include "app/relay/envelope.h"
#include "app/relay/health.h"
#include "app/relay/pending.h"
#include "app/relay/shortfall.h"
#include "app/relay/state.h"
#include "app/smtp/format.h"
#include "drivers/base/pools.h"

static const struct connection_user_ops leg_ops;

#define CHUNKS_AHEAD 16 /* without a reply; a connection can expect more */

/* Shorter parts of content are copied: clients send it octet by octet, destinations stop reading,
 * and each reference pins a whole buffer. */
#define COPIED (POOL_DATA_ROOM / 8)

static void changed(struct leg *leg)
{
    leg->changed(leg->owner);
}

static void recipient_answer(struct leg *leg, struct recipient *rcpt, bool accepted,
                             const struct client_reply *reply)
{
    leg->outstanding--;
    pending_leave(leg->relay->pending, &rcpt->ticket);
    rcpt->state = accepted ? RECIPIENT_ACCEPTED : RECIPIENT_REFUSED;
    client_reply_copy(&rcpt->reply, reply);
    changed(leg);
}

static bool waits(const struct leg *leg, const struct recipient *rcpt)
{
    return rcpt->leg == leg && recipient_waits(rcpt);
}

/* Nobody will answer the recipients that still wait: they get the leg's own reply. */
static void answer_waiting(struct leg *leg)
{
    struct recipient *rcpt;
    TAILQ_FOREACH (rcpt, &leg->envelope->recipients, entry) {
        if (waits(leg, rcpt))
            recipient_answer(leg, rcpt, false, &leg->reply);
    }
}

/* The leg is over; its connection has been given back or is gone. leg->reply says why. */
static void leg_finish(struct leg *leg, enum leg_state state)
{
    if (leg->behind)
        relay_count(leg->relay, RELAY_REPLAY_FAILED);
    leg->behind = false;
    leg->state = state;
    leg->connection = NULL;
    leg->claim.connection = NULL;
    answer_waiting(leg);
    changed(leg);
}

/* Begin again on a fresh connection: everything that the old one had been told is told anew. */
static void begin_again(struct leg *leg)
{
    struct recipient *rcpt;
    leg->retried = true;
    leg->connection = NULL;
    leg->mail_sent = false;
    leg->mail_refused = false;
    leg->ahead = AHEAD_NO;
    leg->data_wanted |= leg->state == LEG_DATA;
    leg->state = LEG_CLAIMING;
    TAILQ_FOREACH (rcpt, &leg->envelope->recipients, entry) {
        if (rcpt->leg != leg || rcpt->state == RECIPIENT_REFUSED)
            continue;
        if (rcpt->state == RECIPIENT_ACCEPTED)
            leg->outstanding++;
        rcpt->state = RECIPIENT_WAITING;
        rcpt->known_there = rcpt->first_of_domain = false;
    }
    claim_connection(leg->destination, &leg->claim, true);
}

static void leg_retry(struct leg *leg)
{
    relay_count(leg->relay, RELAY_CONNECTIONS_RETRIED);
    begin_again(leg);
}

void leg_replay(struct leg *leg)
{
    leg->replayed = leg->behind = leg->data_wanted = true;
    leg->traced = leg->chunked = false;
    leg->at = (struct kept_cursor){0};
    begin_again(leg);
}

static bool may_retry(const struct leg *leg)
{
    return !leg->retried && (leg->state == LEG_ENVELOPE || leg->state == LEG_DATA);
}

/* Content goes out, and not all of it has. */
static bool in_content(const struct leg *leg)
{
    return leg->state == LEG_OPEN || leg->state == LEG_HELD;
}

/* A server that could not be used, and not for our own reasons, is no matter while the destination
 * has another: within the client's wait, and each of them once. */
static bool may_fail_over(struct leg *leg, enum connection_loss why)
{
    return leg->state == LEG_CLAIMING && why != CONNECTION_NO_MEMORY &&
           why != CONNECTION_NOT_IDENTIFIED && destination_has_usable(leg->destination) &&
           ++leg->failovers < destination_target_count(leg->destination);
}

static void leg_lost(void *user, enum connection_loss why)
{
    struct leg *leg = user;
    bool silent = why == CONNECTION_CLOSED &&
                  (leg->connection == NULL || !smtp_reply_begun(&leg->connection->reply));
    leg->claim.connection = NULL;
    leg->connection = NULL;
    if (may_fail_over(leg, why)) {
        relay_count(leg->relay, RELAY_FAILED_OVER);
        claim_connection(leg->destination, &leg->claim, false);
        return;
    }
    if (why == CONNECTION_CLOSED && may_retry(leg)) {
        leg_retry(leg);
        return;
    }
    client_reply_set(&leg->reply, "451 %s The destination %s; try again later",
                     connection_loss_code(why), connection_loss_text(why));
    if (silent && in_content(leg))
        leg_finish(leg, LEG_LOST);
    else
        leg_finish(leg, leg->state == LEG_DOTTED ? LEG_IN_DOUBT : LEG_REFUSED);
}

/* Give up the connection from our side, with leg->reply set. */
static void leg_drop(struct leg *leg, enum leg_state state)
{
    if (leg->connection != NULL)
        connection_abort(leg->connection);
    else
        claim_cancel(&leg->claim);
    leg_finish(leg, state);
}

/* Its last words count then, and not that nothing could be written any more. */
bool leg_is_down(const struct leg *leg)
{
    return leg->connection != NULL && stream_is_down(leg->connection->stream);
}

/* Something could not be written. */
static void leg_no_memory(struct leg *leg)
{
    if (leg_is_down(leg))
        return;
    client_reply_set(&leg->reply, "451 4.3.2 Out of memory; try again later");
    leg_drop(leg, LEG_REFUSED);
}

/* ------------------------------------------------------------------------------- envelope -- */

static bool send_mail(struct leg *leg)
{
    const struct envelope *e = leg->envelope;
    struct smtp_mail_parameters parameters = shortfall_mail(e, &leg->connection->extensions);
    char line[SMTP_LINE_MAX];
    struct span sender = {e->sender, strlen(e->sender)};
    size_t len = smtp_format_mail(line, sizeof(line), sender, &parameters);
    leg->mail_sent = connection_command(leg->connection, EXCHANGE_MAIL, NULL, line, len);
    return leg->mail_sent;
}

static bool send_rcpt(struct leg *leg, struct recipient *rcpt)
{
    char line[SMTP_LINE_MAX];
    struct span to = {rcpt->record->to, strlen(rcpt->record->to)};
    struct smtp_rcpt_parameters parameters = shortfall_rcpt(rcpt, &leg->connection->extensions);
    size_t len = smtp_format_rcpt(line, sizeof(line), to, leg->envelope->mail.utf8, &parameters);
    rcpt->state = RECIPIENT_SENT;
    rcpt->record->route.hops[0].server = leg->connection->stream->peer;
    shortfall_note(leg->envelope, rcpt, &leg->connection->extensions);
    return connection_command(leg->connection, EXCHANGE_RCPT, rcpt, line, len);
}

/* May another command go out now, or must the last one be answered first (RFC 2920)? */
static bool may_send(const struct leg *leg)
{
    const struct connection *c = leg->connection;
    return c->extensions.pipelining ? connection_command_room(c) > 1 : c->expect_count == 0;
}

static bool send_data(struct leg *leg)
{
    char line[SMTP_COMMAND_LINE_MAX];
    return connection_command(leg->connection, EXCHANGE_DATA, NULL, line,
                              smtp_format_verb(line, sizeof(line), SMTP_DATA));
}

/* Behind the last RCPT, if the client has sent it so and the destination takes it so. */
static void send_data_ahead(struct leg *leg)
{
    if (!leg->data_early || leg->ahead != AHEAD_NO || leg->outstanding == 0 ||
        !leg->connection->extensions.pipelining || !may_send(leg))
        return;
    leg->ahead = AHEAD_SENT;
    if (!send_data(leg))
        leg_no_memory(leg);
}

/* Has the client been told that a recipient was accepted, which is asked for anew? */
static bool any_told(const struct leg *leg)
{
    const struct recipient *rcpt;
    TAILQ_FOREACH (rcpt, &leg->envelope->recipients, entry) {
        if (waits(leg, rcpt) && rcpt->told)
            return true;
    }
    return false;
}

/* Accepted on the first connection, refused on the second: the client counts on it. */
static void take_back(struct leg *leg, const char *what)
{
    client_reply_set(&leg->reply, "451 4.3.2 The destination took back %s; try again later", what);
    leg_drop(leg, LEG_REFUSED);
}

/* Ask for a recipient, after MAIL. False: no more can be asked for now. */
static bool ask(struct leg *leg, struct recipient *rcpt)
{
    struct client_reply told;
    const char *lacks =
        shortfall(leg->relay, leg->envelope, leg, rcpt, &leg->connection->extensions);
    if (lacks != NULL && rcpt->told) {
        take_back(leg, "a recipient");
        return false;
    }
    if (lacks != NULL) {
        client_reply_set(&told, "%s", lacks);
        recipient_answer(leg, rcpt, false, &told);
        return true;
    }
    if ((leg->mail_sent || send_mail(leg)) && (!may_send(leg) || send_rcpt(leg, rcpt)))
        return rcpt->state == RECIPIENT_SENT;
    leg_no_memory(leg);
    return false;
}

/* Send whatever may be sent: MAIL, the waiting recipients, DATA. */
static void envelope_go_on(struct leg *leg)
{
    struct recipient *rcpt;
    if (leg->mail_refused && any_told(leg)) {
        take_back(leg, "the sender");
        return;
    }
    if (leg->mail_refused) {
        client_reply_copy(&leg->reply, &leg->mail);
        answer_waiting(leg);
        return;
    }
    TAILQ_FOREACH (rcpt, &leg->envelope->recipients, entry) {
        if (rcpt->leg == leg && rcpt->state == RECIPIENT_WAITING && !ask(leg, rcpt))
            return;
    }
    send_data_ahead(leg);
    if (leg->state == LEG_ENVELOPE && leg->data_wanted && leg->outstanding == 0)
        leg_data(leg);
}

static void leg_ready(void *user, struct connection *c)
{
    struct leg *leg = user;
    leg->connection = c;
    leg->state = LEG_ENVELOPE;
    envelope_go_on(leg);
}

void leg_start(struct leg *leg, struct relay *r, struct envelope *envelope, struct destination *d,
               enum side side, const struct parties *parties, leg_changed_fn *on_change,
               void *owner)
{
    memset(leg, 0, offsetof(struct leg, reply));
    leg->relay = r;
    leg->envelope = envelope;
    leg->changed = on_change;
    leg->owner = owner;
    leg->destination = d;
    leg->side = side;
    leg->state = LEG_CLAIMING;
    leg->reply.len = leg->mail.len = 0;
    leg->claim.ops = &leg_ops;
    leg->claim.user = leg;
    leg->claim.turn.parties = *parties;
    leg->claim.identity = destination_identity(d) != IDENTITY_NONE ? &envelope->identity : NULL;
    claim_connection(d, &leg->claim, false);
}

/* DATA went out ahead, and the client was told that it has nobody to go to: it is as if it had not
 * been said. What the destination may wait for as content must be no command, so that one is left.
 * False: it begins again elsewhere. */
static bool take_data_back(struct leg *leg)
{
    bool refused = leg->ahead == AHEAD_NO || leg->ahead == AHEAD_REFUSED;
    leg->data_early = false;
    leg->ahead = AHEAD_NO;
    if (refused || leg->state != LEG_ENVELOPE)
        return true;
    connection_abort(leg->connection);
    begin_again(leg);
    return false;
}

void leg_recipient(struct leg *leg, struct recipient *rcpt)
{
    leg->outstanding++;
    if (leg->data_early && !take_data_back(leg))
        return;
    if (leg->state == LEG_ENVELOPE) {
        envelope_go_on(leg);
    } else if (leg->state != LEG_CLAIMING) {
        recipient_answer(leg, rcpt, false, &leg->reply);
    }
}

/* One that begins again gets what was kept, which has DATA's form. */
static bool may_chunk(const struct leg *leg)
{
    return leg->envelope->chunked && !leg->replayed && leg->connection->extensions.chunking;
}

void leg_data(struct leg *leg)
{
    leg->data_wanted = true;
    if (leg->state == LEG_CLAIMING || leg->outstanding > 0)
        return;
    if (leg->state != LEG_ENVELOPE) {
        changed(leg);
        return;
    }
    leg->data_wanted = false;
    switch (leg->ahead) {
    case AHEAD_NO:
        if (may_chunk(leg)) {
            relay_count(leg->relay, RELAY_LEGS_CHUNKED);
            leg->chunked = true;
            leg->state = LEG_OPEN;
            changed(leg);
            break;
        }
        leg->state = LEG_DATA;
        if (!send_data(leg))
            leg_no_memory(leg);
        break;
    case AHEAD_SENT:
        leg->state = LEG_DATA;
        break;
    case AHEAD_OPEN:
        leg->state = LEG_OPEN;
        changed(leg);
        break;
    case AHEAD_REFUSED:
        connection_release(leg->connection, false);
        leg_finish(leg, LEG_REFUSED);
        break;
    }
}

void leg_data_early(struct leg *leg)
{
    leg->data_early = true;
    if (leg->state == LEG_ENVELOPE)
        envelope_go_on(leg);
}

/* -------------------------------------------------------------------------------- replies -- */

/* Count and announce what is not a plain answer. */
static void note(struct leg *leg, enum reply_meaning meaning, const struct smtp_reply *reply,
                 const struct client_reply *told)
{
    struct relay *r = leg->relay;
    struct span message = smtp_reply_message(reply);
    if (told->changed)
        relay_count(r, RELAY_REPLY_CHANGED);
    if (meaning == REPLY_OUT_OF_PLACE) {
        relay_count(r, RELAY_REPLY_OUT_OF_PLACE);
        relay_alarm(r, "%s answered out of place: %u %.*s", destination_name(leg->destination),
                    reply->code, (int)message.len, message.at);
    } else if (meaning == REPLY_INFRASTRUCTURE) {
        destination_note_refusal(leg->destination);
        relay_alarm(r, "%s refuses this relay: %u %.*s", destination_name(leg->destination),
                    reply->code, (int)message.len, message.at);
    }
}

/* The destination's own words go into the log where the client hears others. */
static void keep_word(struct mail_record *record, const struct smtp_reply *reply,
                      const struct client_reply *told)
{
    if (!told->changed)
        return;
    size_t len = reply->len < sizeof(record->word) ? reply->len : sizeof(record->word) - 1;
    memcpy(record->word, reply->text, len);
    while (len > 0 && (record->word[len - 1] == '\n' || record->word[len - 1] == '\r'))
        len--;
    record->word[len] = '\0';
}

static void keep_word_all(struct leg *leg, const struct smtp_reply *reply,
                          const struct client_reply *told)
{
    struct recipient *rcpt;
    TAILQ_FOREACH (rcpt, &leg->envelope->recipients, entry) {
        if (rcpt->leg == leg && rcpt->state != RECIPIENT_REFUSED && rcpt->record != NULL)
            keep_word(rcpt->record, reply, told);
    }
}

static void mail_reply(struct leg *leg, enum reply_meaning meaning, const struct smtp_reply *reply,
                       const struct client_reply *told)
{
    if (meaning != REPLY_GOOD) {
        keep_word_all(leg, reply, told);
        leg->mail_refused = true;
        client_reply_copy(&leg->mail, told);
    }
    envelope_go_on(leg);
}

static void rcpt_reply(struct leg *leg, struct recipient *rcpt, enum reply_meaning meaning,
                       const struct smtp_reply *reply, const struct client_reply *told)
{
    struct relay *r = leg->relay;
    if (rcpt->told && meaning != REPLY_GOOD) {
        take_back(leg, "a recipient");
        return;
    }
    if (meaning == REPLY_GOOD) {
        relay_count(r, RELAY_RCPT_ACCEPTED);
        destination_note_accept(leg->destination);
        health_note_accept(r, rcpt->record->route.hops[0].probe);
    } else {
        relay_count(r, RELAY_RCPT_REFUSED);
        keep_word(rcpt->record, reply, told);
    }
    recipient_answer(leg, rcpt, meaning == REPLY_GOOD, told);
    if (leg->state == LEG_ENVELOPE)
        envelope_go_on(leg);
}

static bool any_accepted(const struct leg *leg)
{
    const struct recipient *rcpt;
    TAILQ_FOREACH (rcpt, &leg->envelope->recipients, entry) {
        if (rcpt->leg == leg && rcpt->state == RECIPIENT_ACCEPTED)
            return true;
    }
    return false;
}

/* The answer to DATA came before the client's turn. */
static void ahead_reply(struct leg *leg, enum reply_meaning meaning, const struct smtp_reply *reply,
                        const struct client_reply *told)
{
    leg->ahead = meaning == REPLY_GOOD ? AHEAD_OPEN : AHEAD_REFUSED;
    if (meaning != REPLY_GOOD) {
        keep_word_all(leg, reply, told);
        client_reply_copy(&leg->reply, told);
    }
}

static void data_reply(struct leg *leg, enum reply_meaning meaning, const struct smtp_reply *reply,
                       const struct client_reply *told)
{
    if (leg->state == LEG_ENVELOPE) {
        ahead_reply(leg, meaning, reply, told);
        return;
    }
    if (meaning == REPLY_GOOD) {
        leg->state = LEG_OPEN;
        changed(leg);
        return;
    }
    keep_word_all(leg, reply, told);
    client_reply_copy(&leg->reply, told);
    connection_release(leg->connection, false);
    leg_finish(leg, LEG_REFUSED);
}

static void end_reply(struct leg *leg, enum reply_meaning meaning, const struct smtp_reply *reply,
                      const struct client_reply *told)
{
    if (meaning != REPLY_GOOD)
        keep_word_all(leg, reply, told);
    client_reply_copy(&leg->reply, told);
    connection_release(leg->connection, true);
    if (meaning == REPLY_GOOD)
        leg_finish(leg, LEG_COMMITTED);
    else /* what is neither yes nor no may have meant yes */
        leg_finish(leg, reply->code < 400 ? LEG_IN_DOUBT : LEG_REFUSED);
}

/* A chunk was answered. Behind one that was refused nothing counts (RFC 3030 §2). */
static void chunk_reply(struct leg *leg, enum reply_meaning meaning, const struct smtp_reply *reply,
                        const struct client_reply *told)
{
    if (meaning == REPLY_GOOD) {
        changed(leg);
        return;
    }
    keep_word_all(leg, reply, told);
    client_reply_copy(&leg->reply, told);
    if (leg->chunk > 0)
        connection_abort(leg->connection); /* RSET would be content */
    else
        connection_release(leg->connection, false);
    leg_finish(leg, LEG_REFUSED);
}

static enum reply_phase phase_of(enum exchange what)
{
    switch (what) {
    case EXCHANGE_MAIL:
        return REPLY_TO_MAIL;
    case EXCHANGE_RCPT:
        return REPLY_TO_RCPT;
    case EXCHANGE_DATA:
        return REPLY_TO_DATA;
    default:
        return REPLY_TO_END;
    }
}

/* The mailbox has moved: its new system may not have heard of it, its old one has forgotten it. Or
 * it may have, for the verdict is of an earlier snapshot: better asked again than bounced. */
static bool may_lag(const struct recipient *rcpt)
{
    bool earlier = rcpt->generation != snapshot_generation(rcpt->leg->relay->snapshot);
    return rcpt->record->route.lagging || earlier;
}

/* Some look a recipient up behind the content only (Exchange), and mean all of them then. A code
 * alone says nothing about mailboxes there. */
static bool denies_one_that_may_lag(const struct leg *leg, const struct smtp_reply *reply)
{
    const struct recipient *rcpt;
    if (reply->enhanced.klass == 0 || !reply_denies_mailbox(reply))
        return false;
    TAILQ_FOREACH (rcpt, &leg->envelope->recipients, entry) {
        if (rcpt->leg == leg && rcpt->record != NULL && may_lag(rcpt))
            return true;
    }
    return false;
}

static bool is_of_a_move(const struct leg *leg, enum exchange what, const struct recipient *rcpt,
                         const struct smtp_reply *reply)
{
    if (what == EXCHANGE_RCPT)
        return reply_denies_mailbox(reply) && may_lag(rcpt);
    return what != EXCHANGE_MAIL && denies_one_that_may_lag(leg, reply);
}

static void leg_reply(void *user, struct connection *c, enum exchange what, struct recipient *rcpt,
                      const struct smtp_reply *reply)
{
    struct leg *leg = user;
    struct client_reply told;
    if (rcpt != NULL && rcpt->state != RECIPIENT_SENT)
        return; /* MAIL was refused, and that was its answer */
    if (what == EXCHANGE_DATA && leg->state == LEG_ENVELOPE && reply->code != 421 &&
        !any_accepted(leg)) {
        /* DATA without a recipient: that it is refused is no alarm. */
        leg->ahead = reply->code == 354 ? AHEAD_OPEN : AHEAD_REFUSED;
        return;
    }
    enum reply_meaning meaning =
        reply_judge(leg->relay->reply_rules, phase_of(what), reply, &c->stream->local.addr, &told);
    if (meaning == REPLY_REFUSAL && is_of_a_move(leg, what, rcpt, reply)) {
        relay_count(leg->relay, RELAY_RCPT_LAGGING);
        client_reply_set(&told, "450 4.1.1 The mailbox is being moved; try again later");
    }
    if (meaning == REPLY_UNAVAILABLE && may_retry(leg)) {
        connection_release(c, false);
        leg_retry(leg);
        return;
    }
    if (meaning == REPLY_UNAVAILABLE && what == EXCHANGE_CHUNK && in_content(leg)) {
        client_reply_copy(&leg->reply, &told);
        leg_drop(leg, LEG_LOST);
        return;
    }
    note(leg, meaning, reply, &told);
    if (meaning == REPLY_OUT_OF_PLACE)
        c->retired = true;
    switch (what) {
    case EXCHANGE_MAIL:
        mail_reply(leg, meaning, reply, &told);
        break;
    case EXCHANGE_RCPT:
        rcpt_reply(leg, rcpt, meaning, reply, &told);
        break;
    case EXCHANGE_DATA:
        data_reply(leg, meaning, reply, &told);
        break;
    case EXCHANGE_CHUNK:
        chunk_reply(leg, meaning, reply, &told);
        break;
    default:
        end_reply(leg, meaning, reply, &told);
        break;
    }
}

/* What nobody asked for is no answer, and refuses no recipient. */
static void out_of_place(struct leg *leg, const struct smtp_reply *reply)
{
    client_reply_set(&leg->reply,
                     "451 4.3.5 The destination answered out of place; try again later");
    note(leg, REPLY_OUT_OF_PLACE, reply, &leg->reply);
    keep_word_all(leg, reply, &leg->reply);
    leg_drop(leg, leg->state == LEG_DOTTED ? LEG_IN_DOUBT : LEG_REFUSED);
}

/* A destination that speaks during the content has refused it; before, it is out of order, unless
 * it says farewell to a connection that was idle and is in use again. */
static void leg_spoke(void *user, struct connection *c, const struct smtp_reply *reply)
{
    struct leg *leg = user;
    struct client_reply told;
    enum reply_meaning meaning =
        reply_judge(leg->relay->reply_rules, REPLY_TO_END, reply, &c->stream->local.addr, &told);
    if ((meaning == REPLY_UNAVAILABLE || c->reused) && may_retry(leg)) {
        connection_abort(c);
        leg_retry(leg);
        return;
    }
    if (meaning == REPLY_UNAVAILABLE && in_content(leg)) {
        client_reply_copy(&leg->reply, &told);
        leg_drop(leg, LEG_LOST);
        return;
    }
    bool early = leg->state < LEG_OPEN && meaning != REPLY_UNAVAILABLE;
    if (meaning == REPLY_GOOD || meaning == REPLY_OUT_OF_PLACE || early) {
        out_of_place(leg, reply);
        return;
    }
    note(leg, meaning, reply, &told);
    keep_word_all(leg, reply, &told);
    client_reply_copy(&leg->reply, &told);
    leg_drop(leg, LEG_REFUSED);
}

/* -------------------------------------------------------------------------------- content -- */

static void leg_acked(void *user, struct connection *c)
{
    struct leg *leg = user;
    (void)c;
    if (leg->state == LEG_OPEN || leg->state == LEG_HELD)
        changed(leg);
}

size_t leg_room(const struct leg *leg)
{
    return stream_room(leg->connection->stream);
}

bool leg_write(struct leg *leg, const char *text, size_t len)
{
    if (stream_write(leg->connection->stream, text, len) || leg_is_down(leg))
        return true;
    leg_no_memory(leg);
    return false;
}

bool leg_forward(struct leg *leg, const struct slice *slice)
{
    if (slice->len < COPIED)
        return leg_write(leg, (const char *)slice->data, slice->len);
    if (stream_forward(leg->connection->stream, slice) || leg_is_down(leg))
        return true;
    leg_no_memory(leg);
    return false;
}

bool leg_may_chunk(const struct leg *leg)
{
    const struct connection *c = leg->connection;
    return c->extensions.pipelining ? c->expect_count < CHUNKS_AHEAD : c->expect_count == 0;
}

bool leg_chunk(struct leg *leg, uint64_t size)
{
    char line[SMTP_COMMAND_LINE_MAX];
    size_t len = smtp_format_bdat(line, sizeof(line), size);
    leg->chunk = size;
    if (connection_command(leg->connection, EXCHANGE_CHUNK, NULL, line, len) || leg_is_down(leg))
        return true;
    leg_no_memory(leg);
    return false;
}

void leg_hold(struct leg *leg)
{
    leg->state = LEG_HELD;
}

bool leg_is_acknowledged(const struct leg *leg)
{
    return stream_unacked(leg->connection->stream) == 0 && leg->connection->expect_count == 0;
}

void leg_end(struct leg *leg, bool empty)
{
    /* The last CRLF of the content is the first of CRLF.CRLF; our own Received line ends in one. */
    static const char end[] = "\r\n.\r\n";
    const char *text = leg->chunked ? "BDAT 0 LAST\r\n" : empty ? end + 2 : end;
    if (leg_is_down(leg) || !leg_write(leg, text, strlen(text)))
        return;
    connection_expect_end(leg->connection);
    leg->state = LEG_DOTTED;
}

/* The connection, or the claim to one, has been given up. */
static void leave(struct leg *leg)
{
    leg->connection = NULL;
    leg->claim.connection = NULL;
    leg->behind = false;
    leg->state = LEG_CANCELLED;
}

void leg_abort(struct leg *leg)
{
    if (leg->connection != NULL && leg->chunked && in_content(leg) && leg->chunk == 0)
        connection_release(leg->connection, false);
    else if (leg->connection != NULL)
        connection_abort(leg->connection);
    else
        claim_cancel(&leg->claim);
    leave(leg);
}

void leg_skip(struct leg *leg)
{
    leg_abort(leg);
    leg->state = LEG_COMMITTED;
    leg->skipped = true;
    client_reply_set(&leg->reply,
                     "250 2.0.0 OK: the recipient's server had it from an earlier try");
}

void leg_cancel(struct leg *leg)
{
    /* Behind a DATA that was not refused, RSET would be content. */
    bool content = leg->ahead == AHEAD_SENT || leg->ahead == AHEAD_OPEN;
    if (leg->connection == NULL || leg->state != LEG_ENVELOPE || content) {
        leg_abort(leg);
        return;
    }
    connection_release(leg->connection, !leg->mail_sent);
    leave(leg);
}

void leg_timeout(struct leg *leg, const char *reply)
{
    client_reply_set(&leg->reply, "451 4.4.2 %s", reply);
    leg_drop(leg, leg->state == LEG_DOTTED ? LEG_IN_DOUBT : LEG_REFUSED);
}

static const struct connection_user_ops leg_ops = {
    .ready = leg_ready,
    .reply = leg_reply,
    .spoke = leg_spoke,
    .acked = leg_acked,
    .lost = leg_lost,
};
