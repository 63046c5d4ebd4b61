/* SPDX-License-Identifier: BSD-3-Clause */
/* What came of a transaction: counted, and a line in the log for each recipient. */
#include "app/relay/outcome.h"

#include "app/relay/state.h"
#include "app/relay/transaction.h"

static uint32_t microseconds(nsec_t from, nsec_t to)
{
    uint64_t us = from == 0 || to < from ? 0 : (to - from) / NSEC_PER_USEC;
    return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

enum mail_status outcome_status(const struct client_reply *reply)
{
    switch (reply->text[0]) {
    case '2':
        return MAIL_DELIVERED;
    case '5':
        return MAIL_REFUSED;
    default:
        return MAIL_DEFERRED;
    }
}

/* Hand the recipient's record to the log: once, with all that is known. */
static void log_recipient(struct transaction *t, struct recipient *rcpt, enum mail_status status,
                          const struct client_reply *told)
{
    struct mail_record *record = rcpt->record;
    size_t len = told->len >= 2 ? told->len - 2 : 0;
    if (len >= sizeof(record->reply))
        len = sizeof(record->reply) - 1;
    memcpy(record->reply, told->text, len);
    record->reply[len] = '\0';
    record->status = status;
    record->wall = t->relay->wall;
    memcpy(record->transaction, t->id, sizeof(record->transaction));
    span_copy(record->from, span_of(t->envelope.sender));
    span_copy(record->message_id, (struct span){t->content.message_id, t->content.message_id_len});
    record->bytes = t->content.scanned;
    record->data_us = microseconds(t->data_at, t->content_at);
    record->content_us = microseconds(t->content_at, t->end_at);
    record->commit_us = microseconds(t->end_at, t->end_at != 0 ? t->relay->now : 0);
    rcpt->record = NULL;
    maillog_submit(t->relay->log, record);
}

void outcome_of_recipient(struct transaction *t, struct recipient *rcpt)
{
    rcpt->record->rcpt_us = microseconds(rcpt->asked, t->relay->now);
    if (rcpt->state != RECIPIENT_ACCEPTED)
        log_recipient(t, rcpt, outcome_status(&rcpt->reply), &rcpt->reply);
}

void outcome_log(struct transaction *t, enum mail_status status, const struct client_reply *told)
{
    struct recipient *rcpt;
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        if (rcpt->record != NULL)
            log_recipient(t, rcpt, status, told);
    }
}

/* What became of one recipient of a message to several destinations. */
static enum mail_status status_of_leg(const struct transaction *t, const struct leg *leg)
{
    enum mail_status status = outcome_status(&t->answer);
    if (leg == NULL)
        return status;
    if (leg->state == LEG_IN_DOUBT)
        return MAIL_IN_DOUBT;
    if (leg->skipped)
        return MAIL_SUPPRESSED;
    if (leg->state == LEG_COMMITTED && status != MAIL_DELIVERED)
        return MAIL_REMEMBERED;
    return status;
}

/* The destination's own words go into the log where the client hears others. */
static void keep_reply(struct mail_record *record, const struct client_reply *reply)
{
    size_t len = reply->len >= 2 ? reply->len - 2 : 0;
    if (record->word[0] != '\0')
        return;
    len = len < sizeof(record->word) ? len : sizeof(record->word) - 1;
    memcpy(record->word, reply->text, len);
    record->word[len] = '\0';
}

static void log_legs(struct transaction *t)
{
    struct recipient *rcpt;
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        if (rcpt->record == NULL)
            continue;
        if (t->parties > 1 && rcpt->leg != NULL && rcpt->leg->state >= LEG_COMMITTED)
            keep_reply(rcpt->record, &rcpt->leg->reply);
        rcpt->record->unheard = t->client == NULL;
        log_recipient(t, rcpt, status_of_leg(t, rcpt->leg), &t->answer);
    }
}

static void count_outcome(struct transaction *t)
{
    struct relay *r = t->relay;
    bool delivered = outcome_status(&t->answer) == MAIL_DELIVERED;
    if (legs_any(t->legs, t->leg_count, LEG_IN_DOUBT))
        relay_count(r, RELAY_MESSAGES_IN_DOUBT);
    if (delivered) {
        relay_count(r, RELAY_MESSAGES);
        r->counters[RELAY_DELIVERED] += t->accepted;
    } else if (legs_any(t->legs, t->leg_count, LEG_COMMITTED)) {
        relay_count(r, RELAY_MESSAGES_PARTIAL);
        if (!t->recalled)
            relay_count(r, RELAY_MESSAGES_PARTIAL_UNKNOWN);
    } else if (!legs_any(t->legs, t->leg_count, LEG_IN_DOUBT)) {
        relay_count(r, RELAY_MESSAGES_REFUSED);
    }
    if (delivered && t->parties > 1)
        relay_count(r, RELAY_MESSAGES_FANNED_OUT);
}

/* What a hint's turn has come to. Any other end than an answer for good leaves it to the end of the
 * transaction. */
static void settle_hint(struct transaction *t)
{
    const struct recipient *rcpt;
    if (t->hint == 0 || t->parties != 1 || outcome_status(&t->answer) == MAIL_DEFERRED)
        return;
    TAILQ_FOREACH (rcpt, &t->envelope.recipients, entry) {
        if (rcpt->record != NULL && rcpt->leg != NULL) {
            hint_settle(t->relay->hints, t->hint, rcpt->leg->destination);
            t->hint = 0;
            return;
        }
    }
}

void outcome_settle(struct transaction *t)
{
    settle_hint(t);
    count_outcome(t);
    log_legs(t);
}
