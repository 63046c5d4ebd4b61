/* SPDX-License-Identifier: BSD-3-Clause */
/* The client side of generated traffic. */
#include "bench/smtpgen/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "app/smtp/format.h"
#include "app/smtp/reply.h"
#include "bench/smtpgen/line.h"
#include "bench/smtpgen/schedule.h"

#define OPENED_PER_STEP 32
#define PATIENCE        (5 * NSEC_PER_SEC)    /* for what is under way when the source is stopped */
#define RETRY           (100 * NSEC_PER_MSEC) /* after a connection that could not be established */
#define BATCH_MAX       65536                 /* bytes of commands in one write */

enum session_state {
    SESSION_CLOSED,   /* has no connection: opened at the next step, if there is anything to send */
    SESSION_OPENING,  /* the connection, then the banner, are awaited */
    SESSION_GREETING, /* EHLO was sent */
    SESSION_IDLE,     /* an open loop has nothing for it, or it is of the idle crowd */
    SESSION_ENVELOPE, /* MAIL was sent; replies up to that of DATA are awaited */
    SESSION_CONTENT,  /* the content was sent, its answer is awaited */
    SESSION_CLEANING, /* RSET was sent after a refusal */
    SESSION_LEAVING,  /* QUIT was sent */
};

struct session {
    struct source *source;
    struct stream *stream;
    TAILQ_ENTRY(session) entry; /* in source->closed, or ->idle */
    enum session_state state;
    bool crowd; /* one that never sends */
    bool pipelining;
    bool claim;        /* opened for one of the messages that are left */
    uint32_t answered; /* of the envelope's commands: MAIL, each RCPT, DATA */
    uint32_t sent;     /* likewise */
    uint32_t accepted; /* recipients */
    unsigned refusal;  /* the first refusal's code; 0: none */
    uint64_t id;       /* of the message under way */
    struct target *to; /* its recipients */
    bool *took;        /* which of them were accepted; only where records are kept */
    const struct message *message;
    nsec_t opened, phase;
    nsec_t begun; /* the message; in an open loop, when it was due */
};

TAILQ_HEAD(session_list, session);

struct source {
    const struct source_config *config;
    struct engine *engine;
    struct report *report;
    struct session *sessions;
    struct session_list closed, idle;
    uint32_t open;
    uint32_t crowd; /* sessions of the idle crowd that are not standing there */
    struct schedule schedule;
    uint64_t begun;  /* messages */
    uint64_t claims; /* messages that connections are being opened for */
    unsigned next_address;
    nsec_t started, not_before; /* connections are opened */
    nsec_t stop_at;             /* 0: not stopping */
    bool counting;              /* the warm-up is over */
    char mail[SMTP_LINE_MAX], ehlo[SMTP_COMMAND_LINE_MAX];
    size_t mail_len, ehlo_len;
    struct target *to; /* of all sessions */
    bool *took;
    struct record_recipient *recorded; /* of the record that is being written */
    uint64_t random;
    unsigned weights; /* of all sizes */
    struct message messages[MESSAGE_SIZES_MAX];
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
    if (s->state == SESSION_IDLE && s->crowd)
        source->crowd++;
    else if (s->state == SESSION_IDLE)
        TAILQ_REMOVE(&source->idle, s, entry);
    s->stream = NULL;
    s->state = SESSION_CLOSED;
    TAILQ_INSERT_TAIL(&source->closed, s, entry);
    source->open -= !s->crowd;
}

/* What became of the message whose content was sent. */
static void keep_record(struct session *s, unsigned code)
{
    struct source *source = s->source;
    const struct source_config *c = source->config;
    char line[MESSAGE_ID_LINE];
    unsigned n = 0;
    if (c->records == NULL || s->accepted == 0)
        return;
    message_id_line(c->run, s->id, line);
    uint32_t crc = digest_bytes(DIGEST_START, line, sizeof(line));
    for (uint32_t i = 0; i < c->recipients; i++) {
        if (!s->took[i])
            continue;
        const char *name = target_class_name(s->to[i].kind);
        source->recorded[n++] = (struct record_recipient){
            .label = {name, strlen(name)},
            .address = targets_address(c->to, &s->to[i]),
        };
    }
    struct record record = {
        .run = c->run,
        .number = (uint32_t)s->id,
        .crc = digest_end(digest_tail_add(&s->message->tail, crc)),
        .size = (uint32_t)s->message->size,
        .code = (uint16_t)code,
        .time_us = (now_of(s) - source->started) / NSEC_PER_USEC,
    };
    record_write(c->records, &record, source->recorded, n);
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
    if (s->state == SESSION_CONTENT) {
        r->counts.messages_in_doubt++;
        keep_record(s, 0);
    }
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

/* `due`: when its first message was. */
static bool open_session(struct source *source, struct session *s, nsec_t due)
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
    s->begun = due;
    s->claim = !s->crowd && c->rate == 0;
    source->claims += s->claim;
    source->open += !s->crowd;
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
    if (i == 0) {
        memcpy(at, source->mail, source->mail_len);
        return source->mail_len;
    }
    if (i == commands(s) - 1) {
        memcpy(at, "DATA\r\n", 6);
        return 6;
    }
    struct span line = targets_line(source->config->to, &s->to[i - 1]);
    memcpy(at, line.at, line.len);
    return line.len;
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

static uint64_t random_next(struct source *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random;
}

static const struct message *choose_message(struct source *s)
{
    const struct message_sizes *sizes = &s->config->sizes;
    unsigned i = 0;
    if (sizes->count > 1) {
        unsigned at = (unsigned)(random_next(s) % s->weights);
        while (at >= sizes->weight[i])
            at -= sizes->weight[i++];
    }
    return &s->messages[i];
}

static void begin_message(struct session *s, nsec_t due)
{
    struct source *source = s->source;
    s->state = SESSION_ENVELOPE;
    s->answered = s->sent = s->accepted = 0;
    s->refusal = 0;
    s->id = source->begun++;
    targets_choose(source->config->to, s->to, source->config->recipients);
    s->message = choose_message(source);
    s->begun = due;
    s->phase = now_of(s);
    send_commands(s);
}

static void stand_idle(struct session *s)
{
    s->state = SESSION_IDLE;
    if (s->crowd)
        s->source->crowd--;
    else
        TAILQ_INSERT_TAIL(&s->source->idle, s, entry);
}

/* A session is free: the next message, if it is due, or the end. */
static void go_on(struct session *s)
{
    struct source *source = s->source;
    const struct source_config *c = source->config;
    nsec_t now = now_of(s), due = now;
    give_up_claim(s);
    if (s->crowd) {
        stand_idle(s);
    } else if (!may_begin(source)) {
        leave(s);
    } else if (!c->keep) {
        begin_message(s, s->begun);
    } else if (c->rate == 0) {
        begin_message(s, now);
    } else if (schedule_take(&source->schedule, now, &due)) {
        source->report->counts.late++;
        begin_message(s, due);
    } else {
        stand_idle(s);
    }
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
    for (unsigned i = 0; i < s->message->count; i++) {
        if (!stream_forward(s->stream, &s->message->slices[i])) {
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
        if (s->took != NULL)
            s->took[which - 1] = good;
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
    keep_record(s, code);
    if (code / 100 == 2 && s->accepted > 0) {
        count_phase(s, REPORT_CONTENT, s->phase);
        count_phase(s, REPORT_MESSAGE, s->begun);
        r->counts.messages_accepted++;
        r->counts.content_bytes += s->message->size;
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
    case SESSION_IDLE: /* 421, as a rule; the end of the connection follows */
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

static bool prepare_messages(struct source *s)
{
    const struct source_config *c = s->config;
    for (unsigned i = 0; i < c->sizes.count; i++) {
        s->weights += c->sizes.weight[i];
        if (!message_prepare(&s->messages[i], &s->engine->pools, c->sizes.size[i], c->from,
                             c->subject))
            return false;
    }
    return true;
}

/* Room for the recipients of session number i of those that send. */
static void give_room(struct session *s, uint64_t i)
{
    const struct source *source = s->source;
    uint32_t each = source->config->recipients;
    s->to = source->to + i * each;
    s->took = source->took != NULL ? source->took + i * each : NULL;
}

struct source *source_create(const struct source_config *config, struct engine *e,
                             struct report *report)
{
    struct source *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->config = config;
    s->engine = e;
    s->report = report;
    s->mail_len = smtp_format_mail(s->mail, sizeof(s->mail),
                                   (struct span){config->from, strlen(config->from)}, 0,
                                   SMTP_BODY_UNSPECIFIED);
    s->ehlo_len = smtp_format_ehlo(s->ehlo, sizeof(s->ehlo),
                                   (struct span){config->hostname, strlen(config->hostname)});
    s->random = config->seed | 1;
    TAILQ_INIT(&s->closed);
    TAILQ_INIT(&s->idle);
    report->open_loop = config->rate > 0;
    s->crowd = config->idle_sessions;
    uint64_t sessions = (uint64_t)config->sessions + config->idle_sessions;
    s->sessions = calloc(sessions, sizeof(*s->sessions));
    s->to = calloc((size_t)config->sessions * config->recipients, sizeof(*s->to));
    if (config->records != NULL) {
        s->took = calloc((size_t)config->sessions * config->recipients, sizeof(*s->took));
        s->recorded = calloc(config->recipients, sizeof(*s->recorded));
    }
    bool kept = config->records == NULL || (s->took != NULL && s->recorded != NULL);
    if (s->sessions == NULL || s->to == NULL || !kept || !prepare_messages(s)) {
        source_destroy(s);
        return NULL;
    }
    for (uint64_t i = 0; i < sessions; i++) {
        s->sessions[i].source = s;
        s->sessions[i].crowd = i < config->idle_sessions;
        if (!s->sessions[i].crowd)
            give_room(&s->sessions[i], i - config->idle_sessions);
        TAILQ_INSERT_TAIL(&s->closed, &s->sessions[i], entry);
    }
    return s;
}

void source_destroy(struct source *s)
{
    for (unsigned i = 0; i < s->config->sizes.count; i++)
        message_release(&s->messages[i]);
    free(s->sessions);
    free(s->to);
    free(s->took);
    free(s->recorded);
    free(s);
}

/* Is there something to open a connection for? In an open loop without kept connections that is
 * a message that is due. */
static bool wanted(struct source *s, const struct session *session, nsec_t now, nsec_t *due)
{
    const struct source_config *c = s->config;
    *due = now;
    if (session->crowd)
        return true;
    if (s->started == 0 || !may_begin(s))
        return false;
    return c->rate == 0 || c->keep || schedule_take(&s->schedule, now, due);
}

static void open_sessions(struct source *s, nsec_t now, unsigned *work)
{
    for (unsigned i = 0; i < OPENED_PER_STEP && now >= s->not_before; i++) {
        struct session *session = TAILQ_FIRST(&s->closed);
        nsec_t due;
        if (session == NULL || !wanted(s, session, now, &due))
            return;
        TAILQ_REMOVE(&s->closed, session, entry);
        if (!open_session(s, session, due)) {
            TAILQ_INSERT_HEAD(&s->closed, session, entry);
            s->not_before = now + RETRY;
            return;
        }
        (*work)++;
    }
}

/* What is due, to the sessions that have nothing to do. */
static void send_due(struct source *s, nsec_t now, unsigned *work)
{
    struct session *session;
    nsec_t due;
    while ((session = TAILQ_FIRST(&s->idle)) != NULL && may_begin(s) &&
           schedule_take(&s->schedule, now, &due)) {
        TAILQ_REMOVE(&s->idle, session, entry);
        begin_message(session, due);
        (*work)++;
    }
    uint64_t waiting = schedule_waiting(&s->schedule, now);
    s->report->waiting_now = waiting;
    if (waiting > s->report->waiting_max)
        s->report->waiting_max = waiting;
}

/* Those that wait for messages will get none. */
static void dismiss_idle(struct source *s)
{
    struct session *session;
    while ((session = TAILQ_FIRST(&s->idle)) != NULL) {
        TAILQ_REMOVE(&s->idle, session, entry);
        leave(session);
    }
}

/* The clock starts when the idle crowd stands. */
static void start(struct source *s, nsec_t now)
{
    const struct source_config *c = s->config;
    s->started = now;
    s->counting = c->warm_up == 0;
    if (c->rate > 0)
        schedule_start(&s->schedule, c->rate, c->ramp, c->even, c->seed, now);
}

static void look_at_clock(struct source *s, nsec_t now)
{
    const struct source_config *c = s->config;
    if (!s->counting && now - s->started >= c->warm_up) {
        s->counting = true;
        report_restart(s->report);
    }
    if (c->duration > 0 && s->stop_at == 0 && now - s->started >= c->warm_up + c->duration)
        source_stop(s, now);
}

bool source_step(struct source *s, nsec_t now, unsigned *work)
{
    if (s->started == 0 && s->crowd == 0)
        start(s, now);
    open_sessions(s, now, work);
    if (s->started == 0)
        return s->stop_at == 0;
    look_at_clock(s, now);
    if (s->config->rate > 0)
        send_due(s, now, work);
    if (!may_begin(s))
        dismiss_idle(s);
    if (s->stop_at > 0 && now >= s->stop_at)
        return false;
    return s->open > 0 || may_begin(s);
}

bool source_is_counting(const struct source *s)
{
    return s->counting;
}

void source_stop(struct source *s, nsec_t now)
{
    if (s->stop_at == 0)
        s->stop_at = now + PATIENCE;
}
