/* SPDX-License-Identifier: BSD-3-Clause */
/* What every part of a session does: speak, watch the client's silence, end. */
#include "app/relay/session_core.h"

#include "app/relay/quota.h"
#include "app/relay/state.h"
#include "app/relay/transaction.h"
#include "app/smtp/format.h"

static const char mail_reply[] = "250 2.1.0 OK\r\n";

void session_abandon(struct session *s)
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
    session_abandon(s);
    if (s->unheard != NULL)
        transaction_heard(s->unheard);
    timer_disarm(r->wheel, &s->timer);
    quota_leave(r->quotas, s->network);
    if (s->woken)
        TAILQ_REMOVE(&r->woken, s, woken_entry);
    TAILQ_REMOVE(&r->sessions, s, entry);
    TAILQ_INSERT_TAIL(&r->sessions_gone, s, entry);
    r->usage.sessions--;
    s->state = SESSION_GONE;
}

void session_close(struct session *s)
{
    stream_close(s->client.stream);
    session_over(s);
}

void session_abort(struct session *s)
{
    stream_abort(s->client.stream);
    session_over(s);
}

static bool pipelines(const struct session *s)
{
    return s->client.extended && (s->entrance->settings->offers & smtp_set(SMTP_PIPELINING)) != 0;
}

void session_synchronize(struct session *s)
{
    s->turn_at = s->client.stream->written + 1;
}

bool session_is_early(const struct session *s)
{
    const struct stream *stream = s->client.stream;
    return stream->readable > 0 && !s->exempt &&
           (stream->acked < s->turn_at || (s->mail_untold && !pipelines(s)));
}

/* Without the answer, which there is no memory for: what was said before is still heard, and the
 * end is told again until the client has it, where a RST that is lost would leave it waiting. */
static void hang_up(struct session *s)
{
    stream_consume(s->client.stream, s->client.stream->readable);
    session_close(s);
}

bool session_say_bytes(struct session *s, const char *text, size_t len)
{
    struct stream *stream = s->client.stream;
    if ((!s->mail_untold || stream_write(stream, mail_reply, strlen(mail_reply))) &&
        stream_write(stream, text, len)) {
        s->mail_untold = false;
        if (!pipelines(s))
            s->turn_at = stream->written;
        return true;
    }
    hang_up(s);
    return false;
}

bool session_say(struct session *s, const char *line)
{
    char buf[SMTP_REPLY_LINE_MAX];
    size_t len = smtp_format_reply(buf, sizeof(buf), (struct span){line, strlen(line)});
    return session_say_bytes(s, buf, len);
}

void session_dismiss(struct session *s, const char *line)
{
    if (!session_say(s, line))
        return;
    stream_consume(s->client.stream,
                   s->client.stream->readable); /* nobody will read it: not a loss */
    session_close(s);
}

bool session_is_between_chunks(const struct session *s)
{
    const struct transaction *t = s->transaction;
    return s->state == SESSION_COMMAND && t != NULL && t->chunks.on;
}

void session_watch(struct session *s)
{
    struct relay *r = s->relay;
    if (r->settings->min_data_rate > 0 && session_is_between_chunks(s))
        return;
    timer_arm(r->wheel, &s->timer, r->now + r->settings->client_command);
}

bool session_enter_network(struct session *s)
{
    struct relay *r = s->relay;
    quota_leave(r->quotas, s->network);
    s->exempt = network_list_has(&r->settings->limits_exempt, &s->client.address.addr);
    if (quota_enter(r->quotas, &s->client.address.addr, r->now, &s->network))
        return true;
    relay_count(r, RELAY_LIMIT_CONNECTIONS);
    session_dismiss(s, "421 4.7.0 Too many connections from your network; try again later");
    return false;
}

bool session_welcome(struct session *s)
{
    char buf[SMTP_REPLY_LINE_MAX];
    const char *name = s->relay->settings->hostname;
    size_t len = smtp_format_greeting(buf, sizeof(buf), (struct span){name, strlen(name)});
    s->state = SESSION_COMMAND;
    session_watch(s);
    return session_say_bytes(s, buf, len);
}

bool session_awaits_reply(const struct session *s)
{
    return s->transaction != NULL && s->transaction->untold != NULL;
}

bool session_say_mail(struct session *s)
{
    s->mail_untold = false;
    return session_say_bytes(s, mail_reply, strlen(mail_reply));
}
