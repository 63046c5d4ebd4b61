/* SPDX-License-Identifier: BSD-3-Clause */
/* The client side of generated traffic. */
#include "bench/smtpgen/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/smtp/format.h"
#include "app/smtp/reply.h"
#include "bench/smtpgen/line.h"
#include "bench/smtpgen/message.h"

#define OPENED_PER_STEP 32
#define PATIENCE        (5 * NSEC_PER_SEC)    /* for what is under way when the source is stopped */
#define RETRY           (100 * NSEC_PER_MSEC) /* after a connection that could not be established */
#define BATCH_MAX       65536                 /* bytes of commands in one write */

enum session_state {
    SESSION_CLOSED,   /* has no connection: opened at the next step, if there is anything to send */
    SESSION_OPENING,  /* the connection, then the banner, are awaited */
    SESSION_GREETING, /* EHLO was sent */
    SESSION_ENVELOPE, /* MAIL was sent; replies up to that of DATA are awaited */
    SESSION_CONTENT,  /* the content was sent, its answer is awaited */
    SESSION_CLEANING, /* RSET was sent after a refusal */
    SESSION_LEAVING,  /* QUIT was sent */
};

struct session {
    struct source *source;
    struct stream *stream;
    struct session *next; /* in source->closed */
    enum session_state state;
    bool pipelining;
    bool claim;        /* opened for one of the messages that are left */
    uint32_t answered; /* of the envelope's commands: MAIL, each RCPT, DATA */
    uint32_t sent;     /* likewise */
    uint32_t accepted; /* recipients */
    unsigned refusal;  /* the first refusal's code; 0: none */
    uint64_t id;       /* of the message under way */
    uint64_t first_to; /* index of its first recipient */
    nsec_t opened, begun, phase;
};

struct source {
    const struct source_config *config;
    struct engine *engine;
    struct report *report;
    struct session *sessions, *closed;
    uint32_t open;
    uint64_t begun;  /* messages */
    uint64_t claims; /* messages that connections are being opened for */
    uint64_t next_to;
    unsigned next_address;
    nsec_t started, not_before; /* connections are opened */
    nsec_t stop_at;             /* 0: not stopping */
    bool counting;              /* the warm-up is over */
    char mail[SMTP_LINE_MAX], ehlo[SMTP_COMMAND_LINE_MAX];
    size_t mail_len, ehlo_len;
    struct message message;
};

static void on_stream(struct stream *stream, unsigned events, void *user);

static nsec_t now_of(const struct session *s)
{
    return s->source->engine->now;
}

/* ------------------------------------------------------------------------------------- life -- */

static bool may_begin(const struct source *s)
{
    return s->stop_at == 0 &&
           (s->config->messages == 0 || s->begun + s->claims < s->config->messages);
}

static void give_up_claim(struct session *s)
{
    s->source->claims -= s->claim;
    s->claim = false;
}

static void put_back(struct session *s)
{
    struct source *source = s->source;
    give_up_claim(s);
    s->stream = NULL;
    s->state = SESSION_CLOSED;
    s->next = source->closed;
    source->closed = s;
    source->open--;
}

/* The connection has ended, or must: what was under way has failed. */
static void lose(struct session *s)
{
    struct report *r = s->source->report;
    if (s->state == SESSION_OPENING) {
        r->counts.connections_failed++;
        s->source->not_before = now_of(s) + RETRY;
    } else if (s->state != SESSION_LEAVING) {
        r->counts.connections_lost++;
    }
    if (s->state == SESSION_ENVELOPE)
        r->counts.messages_failed++;
    if (s->state == SESSION_CONTENT)
        r->counts.messages_in_doubt++;
    if (s->state != SESSION_LEAVING)
        r->stream_errors[s->stream->error]++;
    stream_abort(s->stream);
    put_back(s);
}

static bool say(struct session *s, const char *text, size_t len)
{
    if (stream_write(s->stream, text, len))
        return true;
    lose(s);
    return false;
}

static void leave(struct session *s)
{
    s->state = SESSION_LEAVING;
    (void)say(s, "QUIT\r\n", 6);
}

static bool open_session(struct source *source, struct session *s)
{
    const struct source_config *c = source->config;
    enum stream_error why;
    const struct ip_addr *from = NULL;
    if (c->address_count > 0)
        from = &c->addresses[source->next_address++ % c->address_count];
    s->stream = tcp_connect(source->engine->tcp, from, &c->server, on_stream, s, &why);
    if (s->stream == NULL) {
        source->report->counts.connections_failed++;
        source->report->stream_errors[why]++;
        return false;
    }
    s->state = SESSION_OPENING;
    s->opened = source->engine->now;
    s->claim = true;
    source->claims++;
    source->open++;
    return true;
}

/* --------------------------------------------------------------------------------- messages -- */

static uint32_t commands(const struct session *s)
{
    return s->source->config->recipients + 2;
}

/* The text of the envelope's command number i. */
static size_t put_command(const struct session *s, uint32_t i, char *at)
{
    const struct source *source = s->source;
    const struct recipients *to = source->config->to;
    if (i == 0) {
        memcpy(at, source->mail, source->mail_len);
        return source->mail_len;
    }
    if (i == commands(s) - 1) {
        memcpy(at, "DATA\r\n", 6);
        return 6;
    }
    uint64_t k = (s->first_to + i - 1) % to->count;
    size_t len = (size_t)(to->offset[k + 1] - to->offset[k]);
    memcpy(at, to->text + to->offset[k], len);
    return len;
}

/* Send the envelope's next command, or, with pipelining, all that are left. */
static void send_commands(struct session *s)
{
    char batch[BATCH_MAX];
    size_t len = 0;
    do {
        if (len > sizeof(batch) - SMTP_LINE_MAX) {
            if (!say(s, batch, len))
                return;
            len = 0;
        }
        len += put_command(s, s->sent++, batch + len);
    } while (s->pipelining && s->sent < commands(s));
    (void)say(s, batch, len);
}

static void begin_message(struct session *s)
{
    struct source *source = s->source;
    s->state = SESSION_ENVELOPE;
    s->answered = s->sent = s->accepted = 0;
    s->refusal = 0;
    s->id = source->begun++;
    s->first_to = source->next_to;
    source->next_to = (source->next_to + source->config->recipients) % source->config->to->count;
    s->begun = s->phase = now_of(s);
    send_commands(s);
}

/* A session is free: the next message, or the end. */
static void go_on(struct session *s)
{
    give_up_claim(s);
    if (may_begin(s->source))
        begin_message(s);
    else
        leave(s);
}

static void send_content(struct session *s)
{
    const struct source *source = s->source;
    char line[MESSAGE_ID_LINE];
    message_id_line(source->config->run, s->id, line);
    s->state = SESSION_CONTENT;
    s->phase = now_of(s);
    if (!say(s, line, sizeof(line)))
        return;
    for (unsigned i = 0; i < source->message.count; i++) {
        if (!stream_forward(s->stream, &source->message.slices[i])) {
            lose(s);
            return;
        }
    }
}

static void count_phase(struct session *s, enum report_phase phase, nsec_t since)
{
    histogram_record(&s->source->report->latency[phase], now_of(s) - since);
}

/* The message was refused: its connection is clean again after RSET. */
static void refused(struct session *s)
{
    struct report *r = s->source->report;
    r->counts.messages_refused++;
    r->replies[s->refusal]++;
    if (!s->source->config->keep) {
        leave(s);
        return;
    }
    s->state = SESSION_CLEANING;
    (void)say(s, "RSET\r\n", 6);
}

/* ---------------------------------------------------------------------------------- replies -- */

static void on_envelope_reply(struct session *s, unsigned code)
{
    struct report *r = s->source->report;
    uint32_t which = s->answered++, last = commands(s) - 1;
    bool good = which == last ? code == 354 : code / 100 == 2;
    if (!good && s->refusal == 0)
        s->refusal = code;
    if (which > 0 && which < last) {
        s->accepted += good;
        r->counts.recipients_accepted += good;
        r->counts.recipients_refused += !good;
    }
    if (which == last - 1 && s->accepted > 0) {
        count_phase(s, REPORT_ENVELOPE, s->phase);
        s->phase = now_of(s);
    }
    if (which == last) {
        if (good && s->accepted > 0) {
            count_phase(s, REPORT_DATA, s->phase);
            send_content(s);
        } else if (good) {
            /* 354 without a recipient: an empty message ends it (RFC 2920 §3.1). */
            s->state = SESSION_CONTENT;
            (void)say(s, ".\r\n", 3);
        } else {
            refused(s);
        }
        return;
    }
    if (s->sent == last && s->accepted == 0)
        refused(s);
    else if (s->sent == s->answered)
        send_commands(s);
}

static void on_content_reply(struct session *s, unsigned code)
{
    struct source *source = s->source;
    struct report *r = source->report;
    if (code / 100 == 2 && s->accepted > 0) {
        count_phase(s, REPORT_CONTENT, s->phase);
        count_phase(s, REPORT_MESSAGE, source->config->keep ? s->begun : s->opened);
        r->counts.messages_accepted++;
        r->counts.content_bytes += source->message.size;
    } else {
        r->counts.messages_refused++;
        r->replies[s->refusal != 0 ? s->refusal : code]++;
    }
    if (source->config->keep)
        go_on(s);
    else
        leave(s);
}

static void on_greeting(struct session *s, unsigned code)
{
    struct report *r = s->source->report;
    if (code / 100 != 2) {
        r->replies[code]++;
        lose(s);
        return;
    }
    if (s->state == SESSION_OPENING) {
        r->counts.connections++;
        count_phase(s, REPORT_CONNECT, s->opened);
        s->state = SESSION_GREETING;
        (void)say(s, s->source->ehlo, s->source->ehlo_len);
        return;
    }
    go_on(s);
}

static void on_reply(struct session *s, unsigned code)
{
    switch (s->state) {
    case SESSION_OPENING:
    case SESSION_GREETING:
        on_greeting(s, code);
        break;
    case SESSION_ENVELOPE:
        on_envelope_reply(s, code);
        break;
    case SESSION_CONTENT:
        on_content_reply(s, code);
        break;
    case SESSION_CLEANING:
        go_on(s);
        break;
    case SESSION_LEAVING:
        stream_close(s->stream);
        put_back(s);
        break;
    case SESSION_CLOSED:
        break;
    }
}

/* Does the EHLO reply of `len` bytes that has arrived offer pipelining? */
static bool offers_pipelining(struct stream *stream, size_t len)
{
    struct smtp_reply reply = {0};
    size_t done = 0, used = 0;
    struct slice slice;
    while (done < len && stream_peek(stream, done, &slice, 1) > 0) {
        if (smtp_reply_feed(&reply, slice.data, slice.len, &used) == SMTP_REPLY_COMPLETE)
            return smtp_extensions_parse(&reply).pipelining;
        done += slice.len;
    }
    return false;
}

static void on_stream(struct stream *stream, unsigned events, void *user)
{
    struct session *s = user;
    unsigned code;
    size_t len;
    (void)events;
    while (s->stream == stream && (len = line_peek_reply(stream, &code)) > 0) {
        if (s->state == SESSION_GREETING)
            s->pipelining = s->source->config->pipelining && offers_pipelining(stream, len);
        stream_consume(stream, len);
        if (code == 0)
            lose(s);
        else
            on_reply(s, code);
    }
    if (s->stream == stream && (stream->eof || stream_is_down(stream)))
        lose(s);
}

/* ----------------------------------------------------------------------------------- source -- */

struct source *source_create(const struct source_config *config, struct engine *e,
                             struct report *report)
{
    struct source *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->config = config;
    s->engine = e;
    s->report = report;
    s->counting = config->warm_up == 0;
    s->mail_len = smtp_format_mail(s->mail, sizeof(s->mail),
                                   (struct span){config->from, strlen(config->from)}, 0,
                                   SMTP_BODY_UNSPECIFIED);
    s->ehlo_len = smtp_format_ehlo(s->ehlo, sizeof(s->ehlo),
                                   (struct span){config->hostname, strlen(config->hostname)});
    s->sessions = calloc(config->sessions, sizeof(*s->sessions));
    if (s->sessions == NULL ||
        !message_prepare(&s->message, &e->pools, config->size, config->from, config->subject)) {
        source_destroy(s);
        return NULL;
    }
    for (uint32_t i = config->sessions; i-- > 0;) {
        s->sessions[i].source = s;
        s->sessions[i].next = s->closed;
        s->closed = &s->sessions[i];
    }
    return s;
}

void source_destroy(struct source *s)
{
    message_release(&s->message);
    free(s->sessions);
    free(s);
}

static void open_sessions(struct source *s, nsec_t now, unsigned *work)
{
    for (unsigned i = 0; i < OPENED_PER_STEP && s->closed != NULL && now >= s->not_before; i++) {
        struct session *session = s->closed;
        if (!may_begin(s))
            return;
        s->closed = session->next;
        if (!open_session(s, session)) {
            session->next = s->closed;
            s->closed = session;
            s->not_before = now + RETRY;
            return;
        }
        (*work)++;
    }
}

bool source_step(struct source *s, nsec_t now, unsigned *work)
{
    const struct source_config *c = s->config;
    if (s->started == 0)
        s->started = now;
    if (!s->counting && now - s->started >= c->warm_up) {
        s->counting = true;
        report_restart(s->report);
    }
    if (c->duration > 0 && s->stop_at == 0 && now - s->started >= c->warm_up + c->duration)
        source_stop(s, now);
    open_sessions(s, now, work);
    if (s->stop_at > 0 && now >= s->stop_at)
        return false;
    return s->open > 0 || may_begin(s);
}

void source_stop(struct source *s, nsec_t now)
{
    if (s->stop_at == 0)
        s->stop_at = now + PATIENCE;
}
