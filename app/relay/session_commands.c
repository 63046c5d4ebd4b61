/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of a client, one after the other. */
#include "app/relay/session_commands.h"

#include "app/relay/quota.h"
#include "app/relay/session_core.h"
#include "app/relay/state.h"
#include "app/relay/transaction.h"
#include "app/smtp/command.h"
#include "app/smtp/format.h"

#define MAX_ERRORS 20 /* syntax and order errors until 421 */
#define MAX_AHEAD  64 /* recipients without a reply before we stop reading */

/* What became of a command line. */
enum outcome {
    TAKEN,  /* answered, or its answer will come in its turn */
    LATER,  /* not now: replies before it are still to be said */
    PAUSED, /* taken, and the session waits for its transaction */
    GONE,   /* the session is over */
};

static enum outcome answer(struct session *s, const char *line)
{
    return session_say(s, line) ? TAKEN : GONE;
}

/* A command that is wrong in its form or its place. */
static enum outcome object(struct session *s, const char *line)
{
    struct relay *r = s->relay;
    relay_count(r, RELAY_CLIENT_ERRORS);
    if (!quota_take(r->quotas, s->network, LIMIT_ERROR_RATE, r->now)) {
        relay_count(r, RELAY_LIMIT_ERRORS);
        session_dismiss(s, "421 4.7.0 Too many errors from your network; try again later");
        return GONE;
    }
    if (++s->errors < MAX_ERRORS)
        return answer(s, line);
    relay_count(s->relay, RELAY_CLIENT_TOO_MANY_ERRORS);
    session_dismiss(s, "421 4.7.0 Too many errors");
    return GONE;
}

/* A command whose place is wrong, unless it was sent behind one that we refused, without waiting
 * for the reply (RFC 2920). */
static enum outcome misplaced(struct session *s, const char *line)
{
    return s->behind_mail != NULL ? answer(s, s->behind_mail) : object(s, line);
}

/* MAIL is refused by us, for now or for good: so is what comes behind it. A client that looks at
 * the reply to its recipient alone must not take one for the other. */
static enum outcome refuse_mail(struct session *s, const char *line)
{
    s->behind_mail = line[0] == '4' ? "451 4.5.0 MAIL was deferred; try again later"
                                    : "503 5.5.1 Say MAIL first";
    return answer(s, line);
}

/* The extensions that the client may use. */
static smtp_extension_set offered(const struct session *s)
{
    return s->client.extended ? s->entrance->settings->offers : 0;
}

static enum outcome on_hello(struct session *s, const struct smtp_command *command)
{
    char buf[SMTP_REPLY_LINE_MAX * 2];
    const char *name = s->relay->settings->hostname;
    struct smtp_policy policy = {
        .hostname = {name, strlen(name)},
        .offers = s->entrance->settings->offers,
        .xclient = s->may_xclient,
        .size_limit = s->relay->settings->max_size,
        .recipient_max = s->relay->settings->recipients_per_message,
    };
    session_abandon(s);
    session_synchronize(s);
    s->behind_mail = NULL;
    s->greeted = true;
    client_greet(&s->client, command->argument, command->verb == SMTP_EHLO, name);
    size_t len = s->client.extended ? smtp_format_ehlo_reply(buf, sizeof(buf), &policy)
                                    : smtp_format_helo_reply(buf, sizeof(buf), policy.hostname);
    return session_say_bytes(s, buf, len) ? TAKEN : GONE;
}

static enum outcome on_mail(struct session *s, const struct smtp_command *command)
{
    struct relay *r = s->relay;
    if (!s->greeted)
        return object(s, "503 5.5.1 Say HELO or EHLO first");
    if (s->transaction != NULL)
        return object(s, "503 5.5.1 A transaction is open already");
    if (r->shutting_down) {
        session_dismiss(s, "421 4.3.2 Shutting down");
        return GONE;
    }
    if (command->mail.size > r->settings->max_size) {
        relay_count(r, RELAY_MESSAGES_TOO_BIG);
        return refuse_mail(s, "552 5.3.4 The message is too big");
    }
    if (!quota_take(r->quotas, s->network, LIMIT_MESSAGE_RATE, r->now)) {
        relay_count(r, RELAY_LIMIT_MESSAGES);
        return refuse_mail(s, "450 4.7.1 Too many messages from your network; try again later");
    }
    s->transaction = transaction_begin(r, &s->client, command);
    if (s->transaction == NULL)
        return refuse_mail(s, "451 4.3.2 Out of memory; try again later");
    s->behind_mail = NULL;
    s->mail_untold = true;
    return TAKEN;
}

/* Why a recipient may not be asked for now; no destination hears of it. NULL: it may. */
static const char *beyond_quota(const struct session *s, enum relay_counter *counter)
{
    const struct relay *r = s->relay;
    if (quota_exceeded(r->quotas, s->network, LIMIT_INVALID_RATE, r->now)) {
        *counter = RELAY_LIMIT_INVALID;
        return "450 4.7.1 Too many unknown recipients from your network; try again later";
    }
    *counter = RELAY_LIMIT_RECIPIENTS;
    return quota_exceeded(r->quotas, s->network, LIMIT_RECIPIENT_RATE, r->now)
               ? "450 4.7.1 Too many recipients from your network; try again later"
               : NULL;
}

static enum outcome on_rcpt(struct session *s, const struct smtp_command *command)
{
    struct transaction *t = s->transaction;
    enum relay_counter counter;
    const char *refusal;
    if (t == NULL)
        return misplaced(s, "503 5.5.1 Say MAIL first");
    if (t->chunks.on)
        return object(s, "503 5.5.1 BDAT has begun");
    if (smtp_command_is_utf8(command) && !t->envelope.mail.utf8)
        return session_awaits_reply(s) ? LATER
                                       : answer(s, smtp_command_error_reply(SMTP_UTF8_RECIPIENT));
    refusal = beyond_quota(s, &counter);
    if (refusal == NULL && transaction_recipient(t, command, &refusal)) {
        quota_take(s->relay->quotas, s->network, LIMIT_RECIPIENT_RATE, s->relay->now);
        return TAKEN;
    }
    if (session_awaits_reply(s))
        return LATER;
    if (beyond_quota(s, &counter) != NULL)
        relay_count(s->relay, counter);
    return answer(s, refusal);
}

static enum outcome on_data(struct session *s)
{
    struct transaction *t = s->transaction;
    session_synchronize(s);
    if (t == NULL)
        return misplaced(s, "503 5.5.1 Say MAIL first");
    if (t->chunks.on)
        return object(s, "503 5.5.1 BDAT has begun");
    if (t->envelope.mail.body == SMTP_BODY_BINARYMIME)
        return object(s, "503 5.5.1 Binary content goes by BDAT");
    if (t->recipient_count == 0)
        return object(s, "503 5.5.1 Say RCPT first");
    if (t->accepted == 0)
        return answer(s, "554 5.5.1 No valid recipients");
    s->state = SESSION_DATA;
    timer_disarm(s->relay->wheel, &s->timer);
    transaction_data(t);
    return PAUSED;
}

/* Why a chunk is not for anybody; NULL: it is. */
static const char *chunk_refusal(struct session *s)
{
    const struct transaction *t = s->transaction;
    s->is_error = true;
    if ((offered(s) & smtp_set(SMTP_CHUNKING)) == 0)
        return smtp_command_error_reply(SMTP_NOT_IMPLEMENTED);
    if (t == NULL) {
        s->is_error = s->behind_mail == NULL;
        return s->behind_mail != NULL ? s->behind_mail : "503 5.5.1 Say MAIL first";
    }
    if (t->recipient_count == 0)
        return "503 5.5.1 Say RCPT first";
    s->is_error = false;
    return t->accepted == 0 ? "554 5.5.1 No valid recipients" : NULL;
}

/* Its octets follow, whatever becomes of it (RFC 3030 §2): they are never taken for commands. */
static enum outcome on_bdat(struct session *s, const struct smtp_command *command)
{
    struct transaction *t = s->transaction;
    s->refusal = chunk_refusal(s);
    s->swallow = command->chunk;
    if (s->refusal != NULL) {
        s->state = SESSION_SWALLOW;
        return PAUSED;
    }
    if (!session_is_between_chunks(s))
        timer_disarm(s->relay->wheel, &s->timer);
    transaction_chunk(t, command->chunk, command->last);
    s->state = SESSION_DATA;
    return PAUSED;
}

bool session_refuse_chunk(struct session *s)
{
    return (s->is_error ? object(s, s->refusal) : answer(s, s->refusal)) == TAKEN;
}

static enum outcome on_quit(struct session *s)
{
    session_dismiss(s, "221 2.0.0 Bye");
    return GONE;
}

/* Whoever may say it begins anew, as somebody else. */
static enum outcome on_xclient(struct session *s, const struct smtp_command *command)
{
    if (!s->may_xclient) {
        relay_count(s->relay, RELAY_XCLIENT_REFUSED);
        session_dismiss(s, "421 4.7.0 XCLIENT is not accepted from you");
        return GONE;
    }
    if (s->transaction != NULL)
        return object(s, "503 5.5.1 A transaction is open");
    if (!client_take_xclient(&s->client, command->argument))
        return object(s, smtp_command_error_reply(SMTP_SYNTAX));
    relay_count(s->relay, RELAY_XCLIENT);
    s->greeted = false;
    s->behind_mail = NULL;
    s->client.extended = false;
    return session_enter_network(s) && session_welcome(s) ? TAKEN : GONE;
}

static enum outcome execute(struct session *s, const struct smtp_command *command)
{
    switch (command->verb) {
    case SMTP_HELO:
    case SMTP_EHLO:
        return on_hello(s, command);
    case SMTP_MAIL:
        return on_mail(s, command);
    case SMTP_RCPT:
        return on_rcpt(s, command);
    case SMTP_DATA:
        return on_data(s);
    case SMTP_BDAT:
        return on_bdat(s, command);
    case SMTP_RSET:
        session_abandon(s);
        return answer(s, "250 2.0.0 OK");
    case SMTP_NOOP:
        return answer(s, "250 2.0.0 OK");
    case SMTP_QUIT:
        return on_quit(s);
    case SMTP_VRFY:
        return answer(
            s, "252 2.1.5 Not verified here: send mail, and the recipient's server will say");
    case SMTP_HELP:
        return answer(s, "214 2.0.0 See RFC 5321");
    case SMTP_XCLIENT:
        return on_xclient(s, command);
    case SMTP_EXPN:
    case SMTP_UNKNOWN:
        break;
    }
    return object(s, smtp_command_error_reply(SMTP_NOT_IMPLEMENTED));
}

/* Drop what is left of a line that is too long. False while its end has not come. */
static bool skip_line(struct session *s)
{
    struct slice slice;
    while (stream_peek(s->client.stream, 0, &slice, 1) > 0) {
        const uint8_t *newline = memchr(slice.data, '\n', slice.len);
        if (newline != NULL) {
            stream_consume(s->client.stream, (size_t)(newline + 1 - slice.data));
            s->skip_line = false;
            return true;
        }
        stream_consume(s->client.stream, slice.len);
    }
    return false;
}

/* From where a PROXY header is not expected, it is refused without a word: whoever sends it would
 * have us believe that it is somebody else. */
static enum outcome refuse_proxy(struct session *s)
{
    relay_count(s->relay, RELAY_PROXY_REFUSED);
    session_abort(s);
    return GONE;
}

/* Octets follow, and nobody knows how many: they must not be taken for commands. */
static enum outcome lose_track(struct session *s)
{
    relay_count(s->relay, RELAY_CLIENT_ERRORS);
    session_dismiss(s, smtp_command_error_reply(SMTP_SYNTAX));
    return GONE;
}

/* A command line of n bytes with its LF. */
static enum outcome take_line(struct session *s, const char *line, size_t n, bool bare)
{
    struct smtp_command command;
    enum smtp_command_error error =
        bare ? SMTP_BARE_NEWLINE : smtp_command_parse(line, n - 2, offered(s), &command);
    if (session_awaits_reply(s) && (error != SMTP_COMMAND_OK || command.verb != SMTP_RCPT)) {
        if (error == SMTP_COMMAND_OK && command.verb == SMTP_DATA)
            transaction_data_early(s->transaction);
        return LATER;
    }
    if (error != SMTP_COMMAND_OK && client_says_proxy(&s->client))
        return refuse_proxy(s);
    if (error == SMTP_SYNTAX && command.verb == SMTP_BDAT)
        return lose_track(s);
    if (error != SMTP_COMMAND_OK)
        return object(s, smtp_command_error_reply(error));
    return execute(s, &command);
}

static unsigned recipients_ahead(const struct transaction *t)
{
    return t->recipient_count - t->told;
}

void session_refuse_early(struct session *s)
{
    if (client_says_proxy(&s->client)) {
        refuse_proxy(s);
        return;
    }
    relay_count(s->relay, RELAY_CLIENT_EARLY);
    session_dismiss(s, "554 5.5.0 You spoke before it was your turn");
}

bool session_take_command(struct session *s)
{
    char buf[SMTP_LINE_MAX];
    const char *line;
    bool bare = false;
    if (s->transaction != NULL && recipients_ahead(s->transaction) > MAX_AHEAD)
        return false;
    if (stream_unacked(s->client.stream) > SESSION_MAX_UNREAD)
        return false;
    if (s->skip_line && !skip_line(s))
        return false;
    if (session_is_early(s) && !session_awaits_reply(s)) {
        session_refuse_early(s);
        return false;
    }
    size_t n = client_line(&s->client, buf, &line, &bare);
    if (n == 0 && s->client.stream->readable < SMTP_LINE_MAX)
        return false;
    if (n == 0) {
        if (session_awaits_reply(s))
            return false;
        s->skip_line = true;
        return object(s, smtp_command_error_reply(SMTP_LINE_TOO_LONG)) == TAKEN;
    }
    enum outcome outcome = take_line(s, line, n, bare);
    if (outcome != TAKEN && outcome != PAUSED)
        return false;
    stream_consume(s->client.stream, n);
    if (outcome == TAKEN)
        session_watch(s); /* for a whole command, so that one is not dripped for ever */
    return true;
}
