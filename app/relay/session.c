/* SPDX-License-Identifier: BSD-3-Clause */
/* The client side: an SMTP server session. */
#include "app/relay/session.h"

#include <inttypes.h>
#include <stdio.h>

#include "app/relay/quota.h"
#include "app/relay/session_commands.h"
#include "app/relay/session_core.h"
#include "app/relay/state.h"
#include "app/relay/transaction.h"
#include "app/smtp/format.h"

/* A load balancer sends its header with its first segment. */
#define PROXY_TIMEOUT (30 * NSEC_PER_SEC)

/* min_data_rate is that of so much time. */
#define RATE_SECONDS 60

static void wake(struct client *client)
{
    struct session *s = CONTAINER_OF(client, struct session, client);
    if (s->woken)
        return;
    s->woken = true;
    TAILQ_INSERT_TAIL(&s->relay->woken, s, woken_entry);
}

/* Bytes of content that have come. */
static uint64_t received(const struct session *s)
{
    switch (s->state) {
    case SESSION_SWALLOW:
        return s->swallowed;
    case SESSION_DRAIN:
        return s->drain.scanned;
    default:
        return s->transaction->content.scanned;
    }
}

/* Content has begun, or a window of min_data_rate is over. */
static void watch_content(struct session *s)
{
    struct relay *r = s->relay;
    if (r->settings->min_data_rate == 0) {
        session_watch(s);
        return;
    }
    s->window = received(s);
    s->held = false;
    timer_arm(r->wheel, &s->timer, r->now + RATE_SECONDS * NSEC_PER_SEC);
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
        if (!session_say_bytes(s, rcpt->reply.text, rcpt->reply.len))
            return false;
        if (rcpt->state == RECIPIENT_REFUSED && rcpt->reply.text[0] == '5')
            quota_take(s->relay->quotas, s->network, LIMIT_INVALID_RATE, s->relay->now);
        transaction_recipient_told(t, rcpt);
    }
    return true;
}

/* The client is lost. */
static void lose_answer(struct session *s)
{
    if (s->unheard != NULL)
        transaction_unheard(s->unheard);
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
    bool said = session_say_bytes(s, reply.text, reply.len);
    if (!said)
        t->client = NULL;
    if (s->unheard != NULL)
        transaction_heard(s->unheard);
    transaction_end(t, &s->unheard);
    if (!said) {
        lose_answer(s);
        return false;
    }
    s->told_at = s->client.stream->written;
    if (s->relay->shutting_down) {
        session_dismiss(s, "421 4.3.2 Shutting down");
        return false;
    }
    session_watch(s);
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

/* What comes behind a chunk that was refused hears no more than that: a client that looks at the
 * last reply alone must not take a deferral for a refusal. */
static void note_refusal(struct session *s)
{
    const struct transaction *t = s->transaction;
    if (t->chunks.on && !t->chunks.last)
        s->behind_mail = t->answer.text[0] == '4'
                             ? "451 4.5.0 The message was deferred; try again later"
                             : "503 5.5.1 The message was refused; say MAIL";
}

/* Swallow a chunk. True when it is over, and answered. */
static bool swallow_step(struct session *s)
{
    struct stream *client = s->client.stream;
    size_t some = client->readable < s->swallow ? client->readable : (size_t)s->swallow;
    stream_consume(client, some);
    s->swallow -= some;
    s->swallowed += some;
    if (s->swallow > 0)
        return false;
    if (s->refusal == NULL) {
        note_refusal(s);
        return conclude(s);
    }
    s->state = SESSION_COMMAND;
    session_watch(s);
    return session_refuse_chunk(s);
}

/* The message has failed while its content streams. What was scanned of it has not all been
 * consumed. */
static void start_drain(struct session *s)
{
    struct transaction *t = s->transaction;
    if (t->chunks.on) {
        s->state = SESSION_SWALLOW;
        s->swallow = t->chunks.left;
        s->refusal = NULL;
        return;
    }
    s->state = SESSION_DRAIN;
    s->drain = t->content;
    stream_consume(s->client.stream, (size_t)(t->content.scanned - t->forwarded));
}

/* The client is known. False: the session is gone. */
static bool arrive(struct session *s)
{
    s->may_xclient =
        network_list_has(&s->entrance->settings->xclient_from, &s->client.address.addr);
    return session_enter_network(s) && session_welcome(s);
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

/* A chunk has been passed on: another one may come, or another command. False: the session is gone.
 */
static bool next_chunk(struct session *s)
{
    char line[SMTP_REPLY_LINE_MAX];
    snprintf(line, sizeof(line), "250 2.0.0 %" PRIu64 " octets received",
             s->transaction->chunks.size);
    s->state = SESSION_COMMAND;
    session_watch(s);
    return session_say(s, line);
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
        if (t != NULL && t->state == TRANSACTION_CONTENT)
            transaction_pump(t); /* between two chunks: a leg may have begun again */
        return session_take_command(s);
    case SESSION_DATA:
        if (t->state == TRANSACTION_ENDED && t->chunks.on) {
            start_drain(s);
            watch_content(s); /* the rest of the chunk may never come */
            return true;
        }
        if (t->state == TRANSACTION_ENDED)
            return conclude(s);
        if (t->state != TRANSACTION_CONTENT)
            return false;
        s->state = SESSION_CONTENT;
        if (!timer_armed(&s->timer) || s->relay->settings->min_data_rate == 0)
            watch_content(s); /* else the window that began with an earlier chunk goes on */
        return t->chunks.on || session_say(s, "354 End data with <CR><LF>.<CR><LF>");
    case SESSION_CONTENT:
        if (!t->chunks.on && session_is_early(s)) {
            session_refuse_early(s);
            return false;
        }
        if (t->state == TRANSACTION_CONTENT)
            transaction_pump(t);
        if (t->state == TRANSACTION_CONTENT && transaction_chunk_is_done(t))
            return next_chunk(s);
        if (t->state == TRANSACTION_CONTENT) {
            s->held |= !transaction_wants_content(t);
            return false;
        }
        if (t->state == TRANSACTION_ENDED) {
            start_drain(s);
        } else {
            timer_disarm(s->relay->wheel, &s->timer);
            s->state = SESSION_COMMIT;
        }
        return true;
    case SESSION_SWALLOW:
        return swallow_step(s);
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
        return !session_awaits_reply(s) && stream_unacked(s->client.stream) <= SESSION_MAX_UNREAD;
    case SESSION_CONTENT:
        return transaction_wants_content(t);
    case SESSION_PROXY:
    case SESSION_SWALLOW:
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
    if (s->state != SESSION_GONE && s->mail_untold && !session_awaits_reply(s) &&
        !session_say_mail(s))
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
    return s->state == SESSION_CONTENT || s->state == SESSION_SWALLOW || s->state == SESSION_DRAIN;
}

/* The client knows that its message was accepted: it will not come again. */
static void forget(struct session *s)
{
    if (s->client.stream->acked < s->told_at)
        return;
    if (s->remembered != 0)
        memo_end(s->relay->memo, s->remembered);
    if (s->unheard != NULL)
        transaction_heard(s->unheard);
    s->remembered = 0;
}

static void on_stream(struct stream *stream, unsigned events, void *user)
{
    struct session *s = user;
    if (s->remembered != 0 || s->unheard != NULL)
        forget(s);
    (void)stream;
    if (events & STREAM_DOWN) {
        relay_count(s->relay, RELAY_CLIENT_LOST);
        lose_answer(s);
        session_abort(s);
        return;
    }
    if ((events & STREAM_DATA) && in_content(s) && s->relay->settings->min_data_rate == 0)
        session_watch(s);
    run(s);
}

/* Is it the client that we wait for? */
static bool client_is_due(const struct session *s)
{
    const struct transaction *t = s->transaction;
    switch (s->state) {
    case SESSION_COMMAND:
        return !session_awaits_reply(s);
    case SESSION_CONTENT:
        return transaction_wants_content(t);
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
    if (s->relay->settings->min_data_rate > 0 && (in_content(s) || session_is_between_chunks(s))) {
        if (!is_too_slow(s)) {
            watch_content(s);
            return;
        }
        relay_count(s->relay, RELAY_CLIENT_TOO_SLOW);
        session_dismiss(s, "421 4.4.2 You send too slowly");
        return;
    }
    if (!client_is_due(s)) {
        session_watch(s);
        return;
    }
    relay_count(s->relay, RELAY_CLIENT_TIMEOUTS);
    lose_answer(s);
    session_dismiss(s, "421 4.4.2 You were silent for too long");
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
    s->client.mended = e->settings->mend_newlines;
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
            session_dismiss(s, "421 4.3.2 Shutting down");
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
