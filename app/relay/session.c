/* SPDX-License-Identifier: BSD-3-Clause */
/* The client side: an SMTP server session. */
#include "app/relay/session.h"

#include "app/relay/quota.h"
#include "app/relay/state.h"
#include "app/relay/transaction.h"
#include "app/smtp/command.h"
#include "app/smtp/format.h"

#define MAX_ERRORS 20    /* syntax and order errors until 421 */
#define MAX_AHEAD  64    /* recipients without a reply before we stop reading */
#define MAX_UNREAD 16384 /* bytes of replies that a client may leave unread */

/* A load balancer sends its header with its first segment. */
#define PROXY_TIMEOUT (30 * NSEC_PER_SEC)

/* min_data_rate is that of so much time. */
#define RATE_SECONDS 60

struct session {
    enum session_state state;
    struct relay *relay;
    const struct entrance *entrance;
    struct transaction *transaction; /* NULL: none */
    TAILQ_ENTRY(session) entry;      /* in relay->sessions */
    TAILQ_ENTRY(session) woken_entry;
    struct timer timer; /* the client's silence */
    bool woken;
    bool may_xclient;  /* it came from a network that may say for whom it speaks */
    bool greeted;      /* HELO or EHLO was said */
    bool mail_refused; /* by us: what was sent behind it is no error of the client's */
    bool mail_untold;  /* MAIL was good, and its reply waits for that of the next command */
    bool skip_line;    /* the line is too long: its rest is dropped up to LF */
    bool held; /* in this window of min_data_rate we did not read: the destination was slower */
    unsigned errors;
    uint64_t remembered; /* what the memo may forget when the client has acknowledged... */
    uint64_t told_at;    /* ... so many bytes of ours; remembered 0: nothing */
    uint64_t window;     /* bytes of content when that window began */
    struct quota_network *network;
    struct client client;      /* long texts at its end */
    struct smtp_content drain; /* in SESSION_DRAIN: goes on from the transaction's scanner */
};

static void wake(struct client *client)
{
    struct session *s = CONTAINER_OF(client, struct session, client);
    if (s->woken)
        return;
    s->woken = true;
    TAILQ_INSERT_TAIL(&s->relay->woken, s, woken_entry);
}

/* -------------------------------------------------------------------------------- life -- */

static void abandon(struct session *s)
{
    struct transaction *t = s->transaction;
    s->transaction = NULL;
    if (t != NULL)
        transaction_abandon(t);
}

/* The stream has been closed or aborted. */
static void session_over(struct session *s)
{
    struct relay *r = s->relay;
    abandon(s);
    timer_disarm(r->wheel, &s->timer);
    quota_leave(r->quotas, s->network);
    if (s->woken)
        TAILQ_REMOVE(&r->woken, s, woken_entry);
    TAILQ_REMOVE(&r->sessions, s, entry);
    TAILQ_INSERT_TAIL(&r->sessions_gone, s, entry);
    r->usage.sessions--;
    s->state = SESSION_GONE;
}

static void session_close(struct session *s)
{
    stream_close(s->client.stream);
    session_over(s);
}

static void session_abort(struct session *s)
{
    stream_abort(s->client.stream);
    session_over(s);
}

static const char mail_reply[] = "250 2.1.0 OK\r\n";

/* Whole lines with CRLF. False: the session is gone. */
static bool say_bytes(struct session *s, const char *text, size_t len)
{
    struct stream *stream = s->client.stream;
    if ((!s->mail_untold || stream_write(stream, mail_reply, strlen(mail_reply))) &&
        stream_write(stream, text, len)) {
        s->mail_untold = false;
        return true;
    }
    session_abort(s);
    return false;
}

/* A client that has sent more than MAIL waits for no reply to it: that goes with the next one, in
 * one segment (RFC 2920 §3.2). False: the session is gone. */
static bool say_mail(struct session *s)
{
    s->mail_untold = false;
    return say_bytes(s, mail_reply, strlen(mail_reply));
}

static bool say(struct session *s, const char *line)
{
    char buf[SMTP_REPLY_LINE_MAX];
    size_t len = smtp_format_reply(buf, sizeof(buf), (struct span){line, strlen(line)});
    return say_bytes(s, buf, len);
}

/* A last word, and the end of the session. */
static void dismiss(struct session *s, const char *line)
{
    if (!say(s, line))
        return;
    stream_consume(s->client.stream,
                   s->client.stream->readable); /* nobody will read it: not a loss */
    session_close(s);
}

static void watch_client(struct session *s)
{
    struct relay *r = s->relay;
    timer_arm(r->wheel, &s->timer, r->now + r->settings->client_command);
}

/* Bytes of content that have come. */
static uint64_t received(const struct session *s)
{
    return s->state == SESSION_DRAIN ? s->drain.scanned : s->transaction->content.scanned;
}

/* Content has begun, or a window of min_data_rate is over. */
static void watch_content(struct session *s)
{
    struct relay *r = s->relay;
    if (r->settings->min_data_rate == 0) {
        watch_client(s);
        return;
    }
    s->window = received(s);
    s->held = false;
    timer_arm(r->wheel, &s->timer, r->now + RATE_SECONDS * NSEC_PER_SEC);
}

/* From here on the client counts in its network. False: it is one too many, and the session is
 * gone. */
static bool enter_network(struct session *s)
{
    struct relay *r = s->relay;
    quota_leave(r->quotas, s->network);
    if (quota_enter(r->quotas, &s->client.address.addr, r->now, &s->network))
        return true;
    relay_count(r, RELAY_LIMIT_CONNECTIONS);
    dismiss(s, "421 4.7.0 Too many connections from your network; try again later");
    return false;
}

/* False: the session is gone. */
static bool welcome(struct session *s)
{
    char buf[SMTP_REPLY_LINE_MAX];
    const char *name = s->relay->settings->hostname;
    size_t len = smtp_format_greeting(buf, sizeof(buf), (struct span){name, strlen(name)});
    s->state = SESSION_COMMAND;
    watch_client(s);
    return say_bytes(s, buf, len);
}

/* ---------------------------------------------------------------------------- commands -- */

/* What became of a command line. */
enum outcome {
    TAKEN,  /* answered, or its answer will come in its turn */
    LATER,  /* not now: replies before it are still to be said */
    PAUSED, /* taken, and the session waits for its transaction */
    GONE,   /* the session is over */
};

static enum outcome answer(struct session *s, const char *line)
{
    return say(s, line) ? TAKEN : GONE;
}

/* A command that is wrong in its form or its place. */
static enum outcome object(struct session *s, const char *line)
{
    struct relay *r = s->relay;
    relay_count(r, RELAY_CLIENT_ERRORS);
    if (!quota_take(r->quotas, s->network, LIMIT_ERROR_RATE, r->now)) {
        relay_count(r, RELAY_LIMIT_ERRORS);
        dismiss(s, "421 4.7.0 Too many errors from your network; try again later");
        return GONE;
    }
    if (++s->errors < MAX_ERRORS)
        return answer(s, line);
    relay_count(s->relay, RELAY_CLIENT_TOO_MANY_ERRORS);
    dismiss(s, "421 4.7.0 Too many errors");
    return GONE;
}

/* A command whose place is wrong, unless it was sent behind one that we refused, without waiting
 * for the reply (RFC 2920). */
static enum outcome misplaced(struct session *s, const char *line)
{
    return s->mail_refused ? answer(s, line) : object(s, line);
}

static enum outcome on_hello(struct session *s, const struct smtp_command *command)
{
    char buf[SMTP_REPLY_LINE_MAX * 2];
    const char *name = s->relay->settings->hostname;
    struct smtp_policy policy = {
        .hostname = {name, strlen(name)},
        .pipelining = true,
        .eightbitmime = true,
        .enhanced_codes = true,
        .size = true,
        .xclient = s->may_xclient,
        .size_limit = s->relay->settings->max_size,
    };
    abandon(s);
    s->mail_refused = false;
    s->greeted = true;
    client_greet(&s->client, command->argument, command->verb == SMTP_EHLO, name);
    size_t len = s->client.extended ? smtp_format_ehlo_reply(buf, sizeof(buf), &policy)
                                    : smtp_format_helo_reply(buf, sizeof(buf), policy.hostname);
    return say_bytes(s, buf, len) ? TAKEN : GONE;
}

static enum outcome on_mail(struct session *s, const struct smtp_command *command)
{
    struct relay *r = s->relay;
    if (!s->greeted)
        return object(s, "503 5.5.1 Say HELO or EHLO first");
    if (s->transaction != NULL)
        return object(s, "503 5.5.1 A transaction is open already");
    if (r->shutting_down) {
        dismiss(s, "421 4.3.2 Shutting down");
        return GONE;
    }
    s->mail_refused = true;
    if (command->size > r->settings->max_size) {
        relay_count(r, RELAY_MESSAGES_TOO_BIG);
        return answer(s, "552 5.3.4 The message is too big");
    }
    if (!quota_take(r->quotas, s->network, LIMIT_MESSAGE_RATE, r->now)) {
        relay_count(r, RELAY_LIMIT_MESSAGES);
        return answer(s, "450 4.7.1 Too many messages from your network; try again later");
    }
    s->transaction = transaction_begin(r, &s->client, command);
    if (s->transaction == NULL)
        return answer(s, "451 4.3.2 Out of memory; try again later");
    s->mail_refused = false;
    s->mail_untold = true;
    return TAKEN;
}

/* Is there a recipient whose reply is to come? Then nothing else may be said before it. */
static bool awaits_reply(const struct session *s)
{
    return s->transaction != NULL && s->transaction->untold != NULL;
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
    refusal = beyond_quota(s, &counter);
    if (refusal == NULL && transaction_recipient(t, &command->path, &refusal)) {
        quota_take(s->relay->quotas, s->network, LIMIT_RECIPIENT_RATE, s->relay->now);
        return TAKEN;
    }
    if (awaits_reply(s))
        return LATER;
    if (beyond_quota(s, &counter) != NULL)
        relay_count(s->relay, counter);
    return answer(s, refusal);
}

static enum outcome on_data(struct session *s)
{
    struct transaction *t = s->transaction;
    if (t == NULL)
        return misplaced(s, "503 5.5.1 Say MAIL first");
    if (t->recipient_count == 0)
        return object(s, "503 5.5.1 Say RCPT first");
    if (t->accepted == 0)
        return answer(s, "554 5.5.1 No valid recipients");
    s->state = SESSION_DATA;
    timer_disarm(s->relay->wheel, &s->timer);
    transaction_data(t);
    return PAUSED;
}

static enum outcome on_quit(struct session *s)
{
    dismiss(s, "221 2.0.0 Bye");
    return GONE;
}

/* Whoever may say it begins anew, as somebody else. */
static enum outcome on_xclient(struct session *s, const struct smtp_command *command)
{
    if (!s->may_xclient) {
        relay_count(s->relay, RELAY_XCLIENT_REFUSED);
        dismiss(s, "421 4.7.0 XCLIENT is not accepted from you");
        return GONE;
    }
    if (s->transaction != NULL)
        return object(s, "503 5.5.1 A transaction is open");
    if (!client_take_xclient(&s->client, command->argument))
        return object(s, smtp_command_error_reply(SMTP_SYNTAX));
    relay_count(s->relay, RELAY_XCLIENT);
    s->greeted = s->mail_refused = false;
    s->client.extended = false;
    return enter_network(s) && welcome(s) ? TAKEN : GONE;
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
    case SMTP_RSET:
        abandon(s);
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

/* A command line of n bytes with its LF. */
static enum outcome take_line(struct session *s, const char *line, size_t n, bool bare)
{
    struct smtp_command command;
    enum smtp_command_error error =
        bare ? SMTP_BARE_NEWLINE : smtp_command_parse(line, n - 2, s->client.extended, &command);
    if (awaits_reply(s) && (error != SMTP_COMMAND_OK || command.verb != SMTP_RCPT)) {
        if (error == SMTP_COMMAND_OK && command.verb == SMTP_DATA)
            transaction_data_early(s->transaction);
        return LATER;
    }
    if (error != SMTP_COMMAND_OK && client_says_proxy(&s->client))
        return refuse_proxy(s);
    if (error != SMTP_COMMAND_OK)
        return object(s, smtp_command_error_reply(error));
    return execute(s, &command);
}

static unsigned recipients_ahead(const struct transaction *t)
{
    return t->recipient_count - t->told;
}

/* Take one command. False: there is nothing to do until something happens, or the session is gone.
 */
static bool command_step(struct session *s)
{
    char buf[SMTP_LINE_MAX];
    const char *line;
    bool bare = false;
    if (s->transaction != NULL && recipients_ahead(s->transaction) > MAX_AHEAD)
        return false;
    if (stream_unacked(s->client.stream) > MAX_UNREAD)
        return false;
    if (s->skip_line && !skip_line(s))
        return false;
    size_t n = client_line(&s->client, buf, &line, &bare);
    if (n == 0 && s->client.stream->readable < SMTP_LINE_MAX)
        return false;
    if (n == 0) {
        if (awaits_reply(s))
            return false;
        s->skip_line = true;
        return object(s, smtp_command_error_reply(SMTP_LINE_TOO_LONG)) == TAKEN;
    }
    enum outcome outcome = take_line(s, line, n, bare);
    if (outcome != TAKEN && outcome != PAUSED)
        return false;
    stream_consume(s->client.stream, n);
    if (outcome == TAKEN)
        watch_client(s); /* for a whole command, so that one is not dripped for ever */
    return true;
}

/* ------------------------------------------------------------------------- transactions -- */

/* Say the replies of recipients that have one, in the client's order. False: the session is gone.
 */
static bool tell_recipients(struct session *s)
{
    struct transaction *t = s->transaction;
    struct recipient *rcpt;
    while ((rcpt = t->untold) != NULL &&
           (rcpt->state == RECIPIENT_ACCEPTED || rcpt->state == RECIPIENT_REFUSED)) {
        if (!say_bytes(s, rcpt->reply.text, rcpt->reply.len))
            return false;
        if (rcpt->state == RECIPIENT_REFUSED && rcpt->reply.text[0] == '5')
            quota_take(s->relay->quotas, s->network, LIMIT_INVALID_RATE, s->relay->now);
        transaction_recipient_told(t, rcpt);
    }
    return true;
}

/* The transaction is over: say its answer and go on with commands. False: the session is gone. */
static bool conclude(struct session *s)
{
    struct transaction *t = s->transaction;
    struct client_reply reply;
    client_reply_copy(&reply, &t->answer);
    s->transaction = NULL;
    s->state = SESSION_COMMAND;
    s->remembered = transaction_remembered(t);
    transaction_end(t);
    if (!say_bytes(s, reply.text, reply.len))
        return false;
    s->told_at = s->client.stream->written;
    if (s->relay->shutting_down) {
        dismiss(s, "421 4.3.2 Shutting down");
        return false;
    }
    watch_client(s);
    return true;
}

/* Swallow content up to its end. True when that is reached. */
static bool drain_step(struct session *s)
{
    struct slice slice;
    while (!s->drain.ended && stream_peek(s->client.stream, 0, &slice, 1) > 0)
        stream_consume(s->client.stream, smtp_content_scan(&s->drain, slice.data, slice.len));
    return s->drain.ended;
}

/* The message has failed while its content streams. What was scanned of it has not all been
 * consumed. */
static void start_drain(struct session *s)
{
    struct transaction *t = s->transaction;
    s->state = SESSION_DRAIN;
    s->drain = t->content;
    stream_consume(s->client.stream, (size_t)(t->content.scanned - t->forwarded));
}

/* The client is known. False: the session is gone. */
static bool arrive(struct session *s)
{
    s->may_xclient =
        network_list_has(&s->entrance->settings->xclient_from, &s->client.address.addr);
    return enter_network(s) && welcome(s);
}

static bool proxy_step(struct session *s)
{
    switch (client_take_proxy(&s->client)) {
    case PROXY_MORE:
        break;
    case PROXY_COMPLETE:
        relay_count(s->relay, RELAY_PROXY_HEADERS);
        return arrive(s);
    case PROXY_BAD:
        relay_count(s->relay, RELAY_PROXY_BAD);
        session_abort(s);
        break;
    }
    return false;
}

/* One step of the state machine. True: call again. False: wait, or the session is gone. */
static bool step(struct session *s)
{
    struct transaction *t = s->transaction;
    switch (s->state) {
    case SESSION_PROXY:
        return proxy_step(s);
    case SESSION_COMMAND:
        if (t != NULL && !tell_recipients(s))
            return false;
        return command_step(s);
    case SESSION_DATA:
        if (t->state == TRANSACTION_ENDED)
            return conclude(s);
        if (t->state != TRANSACTION_CONTENT)
            return false;
        s->state = SESSION_CONTENT;
        watch_content(s);
        return answer(s, "354 End data with <CR><LF>.<CR><LF>") == TAKEN;
    case SESSION_CONTENT:
        if (t->state == TRANSACTION_CONTENT)
            transaction_pump(t);
        if (t->state == TRANSACTION_CONTENT) {
            s->held |= t->forwarded < t->content.safe;
            return false;
        }
        if (t->state == TRANSACTION_ENDED) {
            start_drain(s);
        } else {
            timer_disarm(s->relay->wheel, &s->timer);
            s->state = SESSION_COMMIT;
        }
        return true;
    case SESSION_DRAIN:
        return drain_step(s) && conclude(s);
    case SESSION_COMMIT:
        return t->state == TRANSACTION_ENDED && conclude(s);
    case SESSION_GONE:
        break;
    }
    return false;
}

/* ------------------------------------------------------------------------------- events -- */

/* The client has closed its half, and all that can be done now is done: is there nothing more to
 * come? */
static bool exhausted(const struct session *s)
{
    const struct transaction *t = s->transaction;
    switch (s->state) {
    case SESSION_COMMAND:
        return !awaits_reply(s) && stream_unacked(s->client.stream) <= MAX_UNREAD;
    case SESSION_CONTENT:
        return t->forwarded == t->content.safe;
    case SESSION_PROXY:
    case SESSION_DRAIN:
        return true;
    case SESSION_DATA:
    case SESSION_COMMIT:
    case SESSION_GONE:
        break;
    }
    return false;
}

static void run(struct session *s)
{
    while (step(s))
        ;
    if (s->state != SESSION_GONE && s->mail_untold && !awaits_reply(s) && !say_mail(s))
        return;
    if (s->state == SESSION_GONE || !s->client.stream->eof || !exhausted(s))
        return;
    if (s->transaction == NULL) {
        session_close(s);
        return;
    }
    relay_count(s->relay, RELAY_CLIENT_LOST);
    session_abort(s);
}

static bool in_content(const struct session *s)
{
    return s->state == SESSION_CONTENT || s->state == SESSION_DRAIN;
}

/* The client knows that its message was accepted: it will not come again. */
static void forget(struct session *s)
{
    if (s->client.stream->acked < s->told_at)
        return;
    memo_end(s->relay->memo, s->remembered);
    s->remembered = 0;
}

static void on_stream(struct stream *stream, unsigned events, void *user)
{
    struct session *s = user;
    if (s->remembered != 0)
        forget(s);
    (void)stream;
    if (events & STREAM_DOWN) {
        relay_count(s->relay, RELAY_CLIENT_LOST);
        session_abort(s);
        return;
    }
    if ((events & STREAM_DATA) && in_content(s) && s->relay->settings->min_data_rate == 0)
        watch_client(s);
    run(s);
}

/* Is it the client that we wait for? */
static bool client_is_due(const struct session *s)
{
    const struct transaction *t = s->transaction;
    switch (s->state) {
    case SESSION_COMMAND:
        return !awaits_reply(s);
    case SESSION_CONTENT:
        return t->forwarded == t->content.safe;
    default:
        return true;
    }
}

/* Has a client that was read all the time sent less than it must in its window? */
static bool is_too_slow(const struct session *s)
{
    uint64_t least = (uint64_t)s->relay->settings->min_data_rate * RATE_SECONDS;
    return !s->held && client_is_due(s) && received(s) - s->window < least;
}

static void on_timer(struct timer *timer, nsec_t now)
{
    struct session *s = CONTAINER_OF(timer, struct session, timer);
    (void)now;
    if (s->state == SESSION_PROXY) {
        relay_count(s->relay, RELAY_PROXY_BAD);
        session_abort(s);
        return;
    }
    if (s->relay->settings->min_data_rate > 0 && in_content(s)) {
        if (!is_too_slow(s)) {
            watch_content(s);
            return;
        }
        relay_count(s->relay, RELAY_CLIENT_TOO_SLOW);
        dismiss(s, "421 4.4.2 You send too slowly");
        return;
    }
    if (!client_is_due(s)) {
        watch_client(s);
        return;
    }
    relay_count(s->relay, RELAY_CLIENT_TIMEOUTS);
    dismiss(s, "421 4.4.2 You were silent for too long");
}

static void refuse(struct relay *r, struct stream *stream, const char *line)
{
    char buf[SMTP_REPLY_LINE_MAX];
    size_t len = smtp_format_reply(buf, sizeof(buf), (struct span){line, strlen(line)});
    relay_count(r, RELAY_SESSIONS_SHED);
    if (stream_write(stream, buf, len))
        stream_close(stream);
    else
        stream_abort(stream);
}

void session_accept(struct stream *stream, void *user)
{
    const struct entrance *e = user;
    struct relay *r = e->relay;
    struct session *s = NULL;
    if (!r->shutting_down)
        s = relay_object_get(r->session_pool, sizeof(*s));
    if (s == NULL) {
        refuse(r, stream, "421 4.3.2 Too busy; try again later");
        return;
    }
    relay_count(r, RELAY_SESSIONS);
    r->usage.sessions++;
    s->relay = r;
    s->entrance = e;
    s->client.stream = stream;
    s->client.address = stream->peer;
    s->client.server = stream->local;
    s->client.wake = wake;
    timer_init(&s->timer, on_timer);
    TAILQ_INSERT_TAIL(&r->sessions, s, entry);
    stream_set_handler(stream, on_stream, s);
    if (network_list_has(&e->settings->proxy_from, &stream->peer.addr)) {
        s->state = SESSION_PROXY;
        timer_arm(r->wheel, &s->timer, r->now + PROXY_TIMEOUT);
    } else if (!arrive(s)) {
        return;
    }
    wake(&s->client);
}

void sessions_run(struct relay *r)
{
    struct session *s;
    while ((s = TAILQ_FIRST(&r->woken)) != NULL) {
        TAILQ_REMOVE(&r->woken, s, woken_entry);
        s->woken = false;
        run(s);
    }
}

void sessions_reap(struct relay *r)
{
    struct session *s;
    while ((s = TAILQ_FIRST(&r->sessions_gone)) != NULL) {
        TAILQ_REMOVE(&r->sessions_gone, s, entry);
        relay_object_put(r->session_pool, s);
    }
}

void sessions_shutdown(struct relay *r)
{
    struct session *s, *next;
    for (s = TAILQ_FIRST(&r->sessions); s != NULL; s = next) {
        next = TAILQ_NEXT(s, entry);
        if ((s->state == SESSION_COMMAND || s->state == SESSION_PROXY) && s->transaction == NULL)
            dismiss(s, "421 4.3.2 Shutting down");
    }
}

unsigned sessions_abort(struct relay *r)
{
    struct session *s;
    unsigned count = 0;
    while ((s = TAILQ_FIRST(&r->sessions)) != NULL) {
        session_abort(s);
        count++;
    }
    return count;
}

size_t session_size(void)
{
    return sizeof(struct session);
}
