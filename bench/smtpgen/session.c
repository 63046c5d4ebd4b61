/* SPDX-License-Identifier: BSD-3-Clause */
/* What a session of the source does when something arrives. */
#include "bench/smtpgen/session.h"

#include <stdio.h>
#include <string.h>

#include "app/smtp/reply.h"
#include "bench/smtpgen/line.h"

#define BATCH_MAX 65536                 /* bytes of commands in one write */
#define PIECE     (100 * NSEC_PER_MSEC) /* between two pieces of content that is sent slowly */

static void on_stream(struct stream *stream, unsigned events, void *user);

static nsec_t now_of(const struct session *s)
{
    return s->source->engine->now;
}

/* ------------------------------------------------------------------------------------- life -- */

static void give_up_claim(struct session *s)
{
    s->source->claims -= s->claim;
    s->claim = false;
}

static void set_timer(struct session *s, nsec_t after)
{
    timer_arm(&s->source->engine->wheel, &s->timer, now_of(s) + after);
}

static uint64_t random_next(struct source *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random;
}

/* The timer ends a pause. */
static void pause_session(struct session *s)
{
    nsec_t pause = s->source->config->pause;
    if (s->source->config->random)
        pause = random_next(s->source) % (pause + 1);
    set_timer(s, pause);
}

static void put_back(struct session *s)
{
    struct source *source = s->source;
    source->opening -= s->state == SESSION_OPENING;
    give_up_claim(s);
    if (s->state == SESSION_IDLE && s->crowd)
        source->crowd++;
    else if (s->state == SESSION_IDLE)
        TAILQ_REMOVE(&source->idle, s, entry);
    timer_disarm(&source->engine->wheel, &s->timer);
    s->stream = NULL;
    source->open -= !s->crowd;
    if (source->config->pause > 0 && !s->crowd) {
        s->state = SESSION_RESTING;
        pause_session(s);
    } else if (s->crowd) { /* the others begin when all of the crowd stand there */
        s->state = SESSION_CLOSED;
        TAILQ_INSERT_HEAD(&source->closed, s, entry);
    } else {
        s->state = SESSION_CLOSED;
        TAILQ_INSERT_TAIL(&source->closed, s, entry);
    }
}

/* `line` with the recipient's number in front of its local part. */
static size_t put_number(struct span line, size_t local, uint64_t number, char *at)
{
    char digits[20], *end = digits + sizeof(digits), *first = end;
    local += line.at[local] == '"';
    do
        *--first = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    size_t n = (size_t)(end - first);
    memcpy(at, line.at, local);
    memcpy(at + local, first, n);
    memcpy(at + local + n, line.at + local, line.len - local);
    return line.len + n;
}

static uint64_t number_of(const struct session *s, uint32_t i)
{
    return s->id * s->source->config->recipients + i;
}

/* The address of recipient number i; borrowed, for one record. */
static struct span address_of(const struct session *s, uint32_t i)
{
    const struct source *source = s->source;
    struct span address = targets_address(source->config->to, &s->to[i]);
    if (!source->config->number)
        return address;
    char *name = source->names + (size_t)i * SMTP_LINE_MAX;
    return (struct span){name, put_number(address, 0, number_of(s, i), name)};
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
            .address = address_of(s, i),
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

void session_lose(struct session *s)
{
    struct report *r = s->source->report;
    if (s->state == SESSION_OPENING) {
        r->counts.connections_failed++;
        s->source->not_before = now_of(s) + SESSION_RETRY;
    } else if (s->state != SESSION_LEAVING) {
        r->counts.connections_lost++;
    }
    if (s->state == SESSION_ENVELOPE || s->state == SESSION_SENDING)
        r->counts.messages_failed++;
    if (s->state == SESSION_CONTENT) {
        r->counts.messages_in_doubt++;
        keep_record(s, 0);
    }
    enum stream_error why = s->stream->error;
    if (why == STREAM_OK && s->stream->eof)
        why = STREAM_CLOSED;
    if (s->state != SESSION_LEAVING && why != STREAM_OK)
        r->stream_errors[why]++;
    stream_abort(s->stream);
    put_back(s);
}

/* An answer is awaited from now on. */
static void watch(struct session *s)
{
    if (s->source->config->patience > 0)
        set_timer(s, s->source->config->patience);
}

static bool say(struct session *s, const char *text, size_t len)
{
    watch(s);
    if (stream_write(s->stream, text, len))
        return true;
    session_lose(s);
    return false;
}

void session_leave(struct session *s)
{
    timer_disarm(&s->source->engine->wheel, &s->timer);
    s->state = SESSION_LEAVING;
    (void)say(s, "QUIT\r\n", 6);
}

bool session_open(struct session *s, nsec_t due)
{
    struct source *source = s->source;
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
    source->opening++;
    s->opened = source->engine->now;
    s->begun = due;
    s->claim = !s->crowd && c->rate == 0;
    source->claims += s->claim;
    source->open += !s->crowd;
    watch(s);
    return true;
}

/* --------------------------------------------------------------------------------- messages -- */

/* The number of DATA among the envelope's commands. */
static uint32_t data_command(const struct session *s)
{
    return s->source->config->recipients + 1;
}

static uint32_t commands(const struct session *s)
{
    return data_command(s) + !s->source->config->bdat;
}

/* The text of the envelope's command number i. */
static size_t put_command(const struct session *s, uint32_t i, char *at)
{
    const struct source *source = s->source;
    if (i == 0) {
        memcpy(at, source->mail, source->mail_len);
        return source->mail_len;
    }
    if (i == data_command(s)) {
        memcpy(at, "DATA\r\n", 6);
        return 6;
    }
    struct span line = targets_line(source->config->to, &s->to[i - 1]);
    if (source->config->number)
        return put_number(line, sizeof("RCPT TO:<") - 1, number_of(s, i - 1), at);
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

void session_begin_message(struct session *s, nsec_t due)
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
    timer_disarm(&s->source->engine->wheel, &s->timer);
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
    } else if (!source_may_begin(source)) {
        session_leave(s);
    } else if (!c->keep) {
        session_begin_message(s, s->begun);
    } else if (c->rate == 0) {
        session_begin_message(s, now);
    } else if (schedule_take(&source->schedule, now, &due)) {
        source->report->counts.late++;
        session_begin_message(s, due);
    } else {
        stand_idle(s);
    }
}

/* The message has been answered. */
static void finish_message(struct session *s)
{
    const struct source_config *c = s->source->config;
    if (!c->keep) {
        session_leave(s);
    } else if (c->pause > 0) {
        stand_idle(s);
        pause_session(s);
    } else {
        go_on(s);
    }
}

/* Bytes of the shared part that are to be sent. */
static size_t shared_size(const struct session *s)
{
    size_t content = s->message->size - MESSAGE_ID_LINE;
    return s->source->config->bdat ? content : content + MESSAGE_END_OF_DATA;
}

/* Sends the shared part's next bytes, at most so many. False: the session is gone. */
static bool send_part(struct session *s, size_t room)
{
    size_t at = 0, left = shared_size(s) - s->done;
    room = left < room ? left : room;
    for (unsigned i = 0; i < s->message->count && room > 0; i++) {
        const struct slice *slice = &s->message->slices[i];
        size_t end = at + slice->len;
        if (s->done < end) {
            size_t part = end - s->done < room ? end - s->done : room;
            if (!say(s, (const char *)slice->data + (s->done - at), part))
                return false;
            s->done += part;
            room -= part;
        }
        at = end;
    }
    return true;
}

static void send_piece(struct session *s)
{
    size_t piece = (size_t)(s->source->config->pace * PIECE / NSEC_PER_SEC);
    if (!send_part(s, piece > 0 ? piece : 1))
        return;
    if (s->done < shared_size(s)) {
        set_timer(s, PIECE);
        return;
    }
    timer_disarm(&s->source->engine->wheel, &s->timer);
    s->state = SESSION_CONTENT;
    s->phase = now_of(s);
    watch(s);
}

/* The shared part by reference. */
static bool forward_content(struct session *s)
{
    unsigned whole = s->message->count;
    size_t done = 0;
    if (s->source->config->bdat)
        whole--; /* its end is copied: the end of data is not to be sent */
    for (unsigned i = 0; i < whole; i++) {
        if (!stream_forward(s->stream, &s->message->slices[i]))
            return false;
        done += s->message->slices[i].len;
    }
    s->done = done;
    return true;
}

static bool say_bdat(struct session *s)
{
    char line[40];
    int len = snprintf(line, sizeof(line), "BDAT %zu LAST\r\n", s->message->size);
    return say(s, line, (size_t)len);
}

static void send_content(struct session *s)
{
    const struct source_config *c = s->source->config;
    char line[MESSAGE_ID_LINE];
    message_id_line(c->run, s->id, line);
    s->state = SESSION_CONTENT;
    s->phase = now_of(s);
    s->done = 0;
    if ((c->bdat && !say_bdat(s)) || !say(s, line, sizeof(line)))
        return;
    if (c->pace > 0) {
        s->state = SESSION_SENDING;
        send_piece(s);
    } else if (!forward_content(s)) {
        session_lose(s);
    } else if (c->bdat) {
        (void)send_part(s, SIZE_MAX);
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
        session_leave(s);
        return;
    }
    s->state = SESSION_CLEANING;
    (void)say(s, "RSET\r\n", 6);
}

/* ---------------------------------------------------------------------------------- replies -- */

static void on_data_reply(struct session *s, unsigned code)
{
    if (code == 354 && s->accepted > 0) {
        count_phase(s, REPORT_DATA, s->phase);
        send_content(s);
    } else if (code == 354) {
        /* 354 without a recipient: an empty message ends it (RFC 2920 §3.1). */
        s->state = SESSION_CONTENT;
        (void)say(s, ".\r\n", 3);
    } else {
        refused(s);
    }
}

static void on_rcpt_reply(struct session *s, uint32_t which, bool good)
{
    struct report *r = s->source->report;
    s->accepted += good;
    if (s->took != NULL)
        s->took[which] = good;
    r->counts.recipients_accepted += good;
    r->counts.recipients_refused += !good;
    if (which == s->source->config->recipients - 1 && s->accepted > 0) {
        count_phase(s, REPORT_ENVELOPE, s->phase);
        s->phase = now_of(s);
    }
}

static void on_envelope_reply(struct session *s, unsigned code)
{
    uint32_t which = s->answered++, data = data_command(s);
    bool good = which == data ? code == 354 : code / 100 == 2;
    if (!good && s->refusal == 0)
        s->refusal = code;
    if (which == data) {
        on_data_reply(s, code);
        return;
    }
    if (which > 0)
        on_rcpt_reply(s, which - 1, good);
    if (s->sent == data && s->answered == data && s->accepted == 0)
        refused(s);
    else if (s->answered == commands(s))
        send_content(s);
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
        finish_message(s);
        return;
    }
    if (s->refusal == 0)
        s->refusal = code;
    if (source->config->bdat) { /* RFC 3030 §2: RSET ends what has failed */
        refused(s);
        return;
    }
    r->counts.messages_refused++;
    r->replies[s->refusal]++;
    finish_message(s);
}

/* An answer before the content has ended: the connection is of no more use. */
static void on_early_reply(struct session *s, unsigned code)
{
    struct report *r = s->source->report;
    r->counts.messages_refused++;
    r->replies[code]++;
    stream_abort(s->stream);
    put_back(s);
}

static void on_greeting(struct session *s, unsigned code)
{
    struct report *r = s->source->report;
    if (code / 100 != 2) {
        r->replies[code]++;
        session_lose(s);
        return;
    }
    if (s->state == SESSION_OPENING) {
        r->counts.connections++;
        count_phase(s, REPORT_CONNECT, s->opened);
        s->state = SESSION_GREETING;
        s->source->opening--;
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
    case SESSION_SENDING:
        on_early_reply(s, code);
        break;
    case SESSION_CONTENT:
        on_content_reply(s, code);
        break;
    case SESSION_CLEANING:
        finish_message(s);
        break;
    case SESSION_LEAVING:
        stream_close(s->stream);
        put_back(s);
        break;
    case SESSION_IDLE: /* 421, as a rule; the end of the connection follows */
    case SESSION_RESTING:
    case SESSION_CLOSED:
        break;
    }
}

/* The EHLO reply of `len` bytes has arrived. */
static void look_at_extensions(struct session *s, size_t len)
{
    const struct source_config *c = s->source->config;
    struct smtp_reply reply = {0};
    struct smtp_extensions offered = {0};
    size_t done = 0, used = 0;
    struct slice slice;
    while (done < len && stream_peek(s->stream, done, &slice, 1) > 0) {
        if (smtp_reply_feed(&reply, slice.data, slice.len, &used) == SMTP_REPLY_COMPLETE) {
            offered = smtp_extensions_parse(&reply);
            break;
        }
        done += slice.len;
    }
    s->pipelining = c->pipelining && offered.pipelining;
    if (c->bdat && !offered.chunking)
        s->source->complaint = "the server does not offer CHUNKING";
}

static void on_stream(struct stream *stream, unsigned events, void *user)
{
    struct session *s = user;
    unsigned code;
    size_t len;
    (void)events;
    while (s->stream == stream && stream->readable > 0 &&
           (len = line_peek_reply(stream, &code)) > 0) {
        if (s->state == SESSION_GREETING)
            look_at_extensions(s, len);
        stream_consume(stream, len);
        if (code == 0)
            session_lose(s);
        else
            on_reply(s, code);
    }
    if (s->stream == stream && (stream->eof || stream_is_down(stream)))
        session_lose(s);
}

static void on_timer(struct timer *t, nsec_t now)
{
    struct session *s = CONTAINER_OF(t, struct session, timer);
    struct source *source = s->source;
    (void)now;
    switch (s->state) {
    case SESSION_RESTING:
        s->state = SESSION_CLOSED;
        TAILQ_INSERT_TAIL(&source->closed, s, entry);
        break;
    case SESSION_IDLE:
        TAILQ_REMOVE(&source->idle, s, entry);
        go_on(s);
        break;
    case SESSION_SENDING:
        send_piece(s);
        break;
    default: /* an answer was awaited for too long */
        source->report->counts.gave_up++;
        session_lose(s);
        break;
    }
}

void session_init(struct session *s, struct source *source, bool crowd)
{
    s->source = source;
    s->crowd = crowd;
    timer_init(&s->timer, on_timer);
    TAILQ_INSERT_TAIL(&source->closed, s, entry);
}
