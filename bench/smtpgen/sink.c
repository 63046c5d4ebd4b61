/* SPDX-License-Identifier: BSD-3-Clause */
/* The server side of generated traffic. */
#include "bench/smtpgen/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/smtp/content.h"
#include "bench/smtpgen/inspection.h"
#include "bench/smtpgen/line.h"

#define SLICES       16
#define REPLIES_ROOM 4096 /* bytes of replies in one write */

enum session_state {
    SESSION_COMMAND,
    SESSION_CONTENT,
};

struct session {
    struct sink *sink;
    struct stream *stream;
    struct session *next; /* in sink->free */
    enum session_state state;
    bool mail;           /* MAIL was said */
    uint32_t recipients; /* of the transaction */
    struct smtp_content content;
    uint64_t consumed; /* of the content */
    struct inspection inspection;
};

struct sink {
    const struct sink_config *config;
    struct engine *engine;
    struct report *report;
    struct session *sessions, *free;
    struct tcp_listener *listeners[SINK_LISTENERS];
    uint32_t open;
    char banner[300], ehlo[400];
};

/* What is to be said in one write. */
struct replies {
    char text[REPLIES_ROOM];
    size_t len;
};

/* ------------------------------------------------------------------------------------- life -- */

static void put_back(struct session *s)
{
    struct sink *sink = s->sink;
    s->stream = NULL;
    s->next = sink->free;
    sink->free = s;
    sink->open--;
}

static void lose(struct session *s)
{
    struct report *r = s->sink->report;
    r->counts.connections_lost++;
    r->counts.messages_failed += s->state == SESSION_CONTENT;
    r->stream_errors[s->stream->error]++;
    stream_abort(s->stream);
    put_back(s);
}

/* False: the session is gone. */
static bool flush(struct session *s, struct replies *out)
{
    size_t len = out->len;
    out->len = 0;
    if (len == 0 || stream_write(s->stream, out->text, len))
        return true;
    lose(s);
    return false;
}

static bool say(struct session *s, struct replies *out, const char *text)
{
    size_t len = strlen(text);
    if (out->len + len > sizeof(out->text) && !flush(s, out))
        return false;
    memcpy(out->text + out->len, text, len);
    out->len += len;
    return true;
}

/* --------------------------------------------------------------------------------- commands -- */

static bool is_verb(const char *line, size_t len, const char *verb)
{
    size_t n = strlen(verb);
    return len > n && strncasecmp(line, verb, n) == 0;
}

static void reset(struct session *s)
{
    s->mail = false;
    s->recipients = 0;
    if (s->sink->config->records != NULL)
        inspection_reset(&s->inspection);
}

static const char *on_rcpt(struct session *s, const char *line, size_t len)
{
    if (!s->mail)
        return "503 5.5.1 Say MAIL first\r\n";
    if (s->sink->config->records != NULL && !inspection_recipient(&s->inspection, line, len))
        return "451 4.3.0 Out of memory\r\n";
    s->recipients++;
    s->sink->report->counts.recipients_accepted++;
    return "250 2.1.5 Ok\r\n";
}

static const char *on_data(struct session *s)
{
    if (s->recipients == 0)
        return "503 5.5.1 Say RCPT first\r\n";
    s->state = SESSION_CONTENT;
    s->consumed = 0;
    smtp_content_start(&s->content);
    return "354 End data with <CR><LF>.<CR><LF>\r\n";
}

/* The reply to a command; NULL: the client leaves. */
static const char *answer(struct session *s, const char *line, size_t len)
{
    if (is_verb(line, len, "RCPT TO:"))
        return on_rcpt(s, line, len);
    if (is_verb(line, len, "MAIL FROM:")) {
        if (s->mail)
            return "503 5.5.1 A transaction is open already\r\n";
        s->mail = true;
        return "250 2.1.0 Ok\r\n";
    }
    if (is_verb(line, len, "DATA"))
        return on_data(s);
    if (is_verb(line, len, "EHLO") || is_verb(line, len, "HELO")) {
        reset(s);
        return line[0] == 'E' || line[0] == 'e' ? s->sink->ehlo : "250 Ok\r\n";
    }
    if (is_verb(line, len, "RSET")) {
        reset(s);
        return "250 2.0.0 Ok\r\n";
    }
    if (is_verb(line, len, "NOOP"))
        return "250 2.0.0 Ok\r\n";
    if (is_verb(line, len, "QUIT"))
        return NULL;
    return "502 5.5.1 Command not implemented\r\n";
}

/* Takes one command. False: there is none, or the session is gone. */
static bool command_step(struct session *s, struct replies *out)
{
    char buf[LINE_MAX_BYTES];
    const char *line;
    size_t len = line_peek(s->stream, 0, buf, &line);
    if (len == 0) {
        if (s->stream->readable >= LINE_MAX_BYTES)
            lose(s);
        return false;
    }
    const char *reply = answer(s, line, len);
    stream_consume(s->stream, len);
    if (reply != NULL)
        return say(s, out, reply);
    if (say(s, out, "221 2.0.0 Bye\r\n") && flush(s, out)) {
        stream_close(s->stream);
        put_back(s);
    }
    return false;
}

/* Look at what of the content is certain, and not consumed. */
static void inspect(struct session *s)
{
    size_t offset = 0, left = (size_t)(s->content.safe - s->consumed);
    struct slice slice;
    while (left > 0 && stream_peek(s->stream, offset, &slice, 1) > 0) {
        size_t part = slice.len < left ? slice.len : left;
        inspection_content(&s->inspection, slice.data, part);
        offset += part;
        left -= part;
    }
}

static void keep_record(struct session *s)
{
    char listener[ADDR_TEXT_SIZE];
    inspection_content(&s->inspection, (const uint8_t *)"\r\n", 2); /* of the end of data */
    endpoint_format(&s->stream->local, listener);
    inspection_record(&s->inspection, s->sink->config->records, listener);
}

/* Takes what has arrived of the content. False: there is no more. */
static bool content_step(struct session *s, struct replies *out)
{
    struct slice slices[SLICES];
    unsigned n = stream_peek(s->stream, (size_t)(s->content.scanned - s->consumed), slices, SLICES);
    for (unsigned i = 0; i < n && !s->content.ended; i++)
        smtp_content_scan(&s->content, slices[i].data, slices[i].len);
    if (s->sink->config->records != NULL)
        inspect(s);
    uint64_t done = s->content.ended ? s->content.scanned : s->content.safe;
    stream_consume(s->stream, (size_t)(done - s->consumed));
    s->consumed = done;
    if (!s->content.ended)
        return n == SLICES;
    if (s->sink->config->records != NULL)
        keep_record(s);
    struct report_counts *counts = &s->sink->report->counts;
    counts->messages_accepted++;
    counts->content_bytes += s->content.safe;
    s->state = SESSION_COMMAND;
    reset(s);
    return say(s, out, "250 2.0.0 Ok: taken\r\n");
}

static void on_stream(struct stream *stream, unsigned events, void *user)
{
    struct session *s = user;
    struct replies out;
    out.len = 0;
    (void)events;
    bool more = stream->readable > 0;
    while (more)
        more = s->state == SESSION_COMMAND ? command_step(s, &out) : content_step(s, &out);
    if (s->stream != stream || !flush(s, &out))
        return;
    if (stream->eof || stream_is_down(stream))
        lose(s);
}

/* ------------------------------------------------------------------------------------- sink -- */

static void on_accept(struct stream *stream, void *user)
{
    struct sink *sink = user;
    struct session *s = sink->free;
    if (s == NULL) {
        stream_abort(stream);
        return;
    }
    sink->free = s->next;
    sink->open++;
    sink->report->counts.connections++;
    s->stream = stream;
    s->state = SESSION_COMMAND;
    reset(s);
    stream_set_handler(stream, on_stream, s);
    if (!stream_write(stream, sink->banner, strlen(sink->banner)))
        lose(s);
}

struct sink *sink_create(const struct sink_config *config, struct engine *e, struct report *report)
{
    struct sink *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->config = config;
    s->engine = e;
    s->report = report;
    snprintf(s->banner, sizeof(s->banner), "220 %.255s ESMTP smtpgen\r\n", config->hostname);
    snprintf(s->ehlo, sizeof(s->ehlo),
             "250-%.255s\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n"
             "250 ENHANCEDSTATUSCODES\r\n",
             config->hostname);
    s->sessions = calloc(config->sessions, sizeof(*s->sessions));
    bool good = s->sessions != NULL;
    for (uint32_t i = config->sessions; good && i-- > 0;) {
        s->sessions[i].sink = s;
        s->sessions[i].next = s->free;
        s->free = &s->sessions[i];
    }
    for (unsigned i = 0; good && i < config->listen_count; i++) {
        s->listeners[i] = tcp_listen(e->tcp, &config->listen[i], on_accept, s);
        good = s->listeners[i] != NULL;
    }
    if (good)
        return s;
    sink_destroy(s);
    return NULL;
}

void sink_destroy(struct sink *s)
{
    for (uint32_t i = 0; s->sessions != NULL && i < s->config->sessions; i++)
        inspection_free(&s->sessions[i].inspection);
    free(s->sessions);
    free(s);
}

uint32_t sink_open(const struct sink *s)
{
    return s->open;
}
