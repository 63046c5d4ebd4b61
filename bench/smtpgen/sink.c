/* SPDX-License-Identifier: BSD-3-Clause */
/* The server side of generated traffic. */
#include "bench/smtpgen/sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/smtp/content.h"
#include "bench/smtpgen/inspection.h"
#include "bench/smtpgen/line.h"

#define SLICES       16
#define REPLIES_ROOM 4096 /* bytes of replies in one write */
#define REFUSAL_MAX  512

enum session_state {
    SESSION_CONNECTED, /* the banner is due */
    SESSION_COMMAND,   /* commands are awaited */
    SESSION_CONTENT,   /* 354 was said, the content is awaited */
    SESSION_CHUNK,     /* BDAT was said, its bytes are awaited */
    SESSION_DOTTED,    /* the content has ended, its answer is due */
    SESSION_DEAF,      /* the content was refused before its end; what comes is thrown away */
};

struct session {
    struct sink *sink;
    struct stream *stream;
    struct session *next; /* in sink->free */
    enum session_state state;
    bool waiting;        /* for the timer: nothing is read nor said until then */
    bool waited;         /* the delay of what is next is over */
    bool mail;           /* MAIL was said */
    uint32_t recipients; /* of the transaction */
    struct timer timer;
    struct smtp_content content;
    uint64_t consumed;   /* of the content */
    uint64_t chunk;      /* bytes that the chunk still has */
    bool bdat;           /* the content comes in chunks */
    bool last;           /* this is the last of them */
    const char *refusal; /* what this one is answered; NULL: it is taken */
    struct inspection inspection;
};

struct refusal {
    unsigned code;
    char text[REFUSAL_MAX];
};

struct sink {
    const struct sink_config *config;
    struct engine *engine;
    struct report *report;
    struct session *sessions, *free;
    struct tcp_listener *listeners[SINK_LISTENERS];
    uint32_t open;
    uint64_t random;
    struct refusal hard, soft;
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
    timer_disarm(&sink->engine->wheel, &s->timer);
    s->stream = NULL;
    s->next = sink->free;
    sink->free = s;
    sink->open--;
}

static bool has_message(const struct session *s)
{
    return s->state == SESSION_CONTENT || s->state == SESSION_DOTTED || s->bdat;
}

static void lose(struct session *s)
{
    struct report *r = s->sink->report;
    r->counts.connections_lost++;
    r->counts.messages_failed += has_message(s);
    enum stream_error why = s->stream->error;
    if (why == STREAM_OK && s->stream->eof)
        why = STREAM_CLOSED;
    if (why != STREAM_OK)
        r->stream_errors[why]++;
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

/* ----------------------------------------------------------------------------------- faults -- */

/* The sink ends the connection. */
static void end(struct session *s, bool reset)
{
    s->sink->report->counts.messages_failed += has_message(s);
    if (reset)
        stream_abort(s->stream);
    else
        stream_close(s->stream);
    put_back(s);
}

/* False: the session waits. */
static bool may_answer(struct session *s, enum fault_point point)
{
    struct sink *sink = s->sink;
    nsec_t delay = s->waited ? 0 : faults_draw_delay(&sink->config->faults, point, &sink->random);
    s->waited = s->waiting = delay > 0;
    if (!s->waiting)
        return true;
    sink->report->counts.faults++;
    timer_arm(&sink->engine->wheel, &s->timer, sink->engine->now + delay);
    return false;
}

static void count_refusal(struct session *s, enum fault_point point, unsigned code)
{
    struct report *r = s->sink->report;
    r->replies[code]++;
    r->counts.recipients_refused += point == FAULT_AT_RCPT;
    r->counts.messages_refused += point == FAULT_AT_MAIL || point == FAULT_AT_DATA ||
                                  point == FAULT_AT_BDAT || point == FAULT_AT_CONTENT ||
                                  point == FAULT_AT_DOT;
}

/* True with the reply of a refusal in *refusal, or with NULL there: all is well. False: the session
 * waits, or is gone. */
static bool play(struct session *s, enum fault_point point, struct replies *out,
                 const char **refusal)
{
    struct sink *sink = s->sink;
    if (!may_answer(s, point))
        return false;
    enum fault fault = faults_draw(&sink->config->faults, point, &sink->random);
    sink->report->counts.faults += fault != FAULT_NONE;
    switch (fault) {
    case FAULT_NONE:
        return true;
    case FAULT_HARD:
    case FAULT_SOFT: {
        const struct refusal *r = fault == FAULT_HARD ? &sink->hard : &sink->soft;
        count_refusal(s, point, r->code);
        *refusal = r->text;
        return true;
    }
    case FAULT_LEAVE:
        sink->report->replies[421]++;
        if (say(s, out, "421 4.3.2 Closing the connection\r\n") && flush(s, out))
            end(s, false);
        return false;
    case FAULT_CLOSE:
    case FAULT_RESET:
        if (flush(s, out))
            end(s, fault == FAULT_RESET);
        return false;
    }
    return true;
}

static inline bool pass(struct session *s, enum fault_point point, struct replies *out,
                        const char **refusal)
{
    *refusal = NULL;
    return !faults_any(&s->sink->config->faults, point) || play(s, point, out, refusal);
}

/* --------------------------------------------------------------------------------- commands -- */

/* Four letters in lower case, in the order of memory. */
static inline uint32_t letters(const char *text)
{
    uint32_t word;
    memcpy(&word, text, sizeof(word));
    return word | 0x20202020;
}

/* FAULT_POINT_COUNT: none of ours. */
static enum fault_point verb_of(const char *line, size_t len)
{
    static const struct {
        char verb[5], rest[8];
        enum fault_point point;
    } verbs[] = {
        {"rcpt", " TO:", FAULT_AT_RCPT}, {"mail", " FROM:", FAULT_AT_MAIL},
        {"data", "", FAULT_AT_DATA},     {"bdat", " ", FAULT_AT_BDAT},
        {"quit", "", FAULT_AT_QUIT},     {"rset", "", FAULT_AT_RSET},
        {"ehlo", "", FAULT_AT_EHLO},     {"noop", "", FAULT_AT_NOOP},
        {"helo", "", FAULT_AT_HELO},
    };
    if (len <= 4)
        return FAULT_POINT_COUNT;
    uint32_t word = letters(line);
    unsigned i = 0;
    while (i < COUNT_OF(verbs) && letters(verbs[i].verb) != word)
        i++;
    if (i == COUNT_OF(verbs))
        return FAULT_POINT_COUNT;
    size_t rest = strlen(verbs[i].rest);
    bool same = rest == 0 || (len - 4 > rest && strncasecmp(line + 4, verbs[i].rest, rest) == 0);
    return same ? verbs[i].point : FAULT_POINT_COUNT;
}

static void reset(struct session *s)
{
    s->mail = s->bdat = false;
    s->recipients = 0;
    if (s->sink->config->records != NULL)
        inspection_reset(&s->inspection);
}

static const char *on_mail(struct session *s)
{
    if (s->mail)
        return "503 5.5.1 A transaction is open already\r\n";
    s->mail = true;
    return "250 2.1.0 Ok\r\n";
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

/* NULL: its bytes come first. */
static const char *on_bdat(struct session *s, const char *line, size_t len)
{
    char text[64], word[8] = "", more[2];
    snprintf(text, sizeof(text), "%.*s", (int)len, line);
    int n = sscanf(text + 5, "%20" SCNu64 "%7s%1s", &s->chunk, word, more);
    s->last = n == 2 && strcasecmp(word, "LAST") == 0;
    if (n != 1 && !s->last)
        return "501 5.5.4 BDAT takes a size, and LAST\r\n";
    if (!s->bdat) {
        s->consumed = 0;
        smtp_content_start(&s->content);
    }
    s->bdat = true;
    s->refusal = s->recipients > 0 ? NULL : "503 5.5.1 Say RCPT first\r\n";
    s->state = SESSION_CHUNK;
    return NULL;
}

/* The reply to a command; NULL: none yet. */
static const char *answer(struct session *s, enum fault_point verb, const char *line, size_t len)
{
    switch (verb) {
    case FAULT_AT_RCPT:
        return on_rcpt(s, line, len);
    case FAULT_AT_MAIL:
        return on_mail(s);
    case FAULT_AT_DATA:
        return on_data(s);
    case FAULT_AT_BDAT:
        return on_bdat(s, line, len);
    case FAULT_AT_EHLO:
        reset(s);
        return s->sink->ehlo;
    case FAULT_AT_HELO:
        reset(s);
        return "250 Ok\r\n";
    case FAULT_AT_RSET:
        reset(s);
        return "250 2.0.0 Ok\r\n";
    case FAULT_AT_NOOP:
        return "250 2.0.0 Ok\r\n";
    case FAULT_AT_QUIT:
        return "221 2.0.0 Bye\r\n";
    default:
        return "502 5.5.1 Command not implemented\r\n";
    }
}

static bool greet(struct session *s, struct replies *out)
{
    const char *refusal;
    if (!pass(s, FAULT_AT_CONNECT, out, &refusal))
        return false;
    s->state = SESSION_COMMAND;
    return say(s, out, refusal != NULL ? refusal : s->sink->banner);
}

/* Takes one command. False: there is none, or the session waits or is gone. */
static bool command_step(struct session *s, struct replies *out)
{
    char buf[LINE_MAX_BYTES];
    const char *line, *refusal;
    size_t len = line_peek(s->stream, 0, buf, &line);
    if (len == 0) {
        if (s->stream->readable >= LINE_MAX_BYTES)
            lose(s);
        return false;
    }
    enum fault_point verb = verb_of(line, len);
    if (!pass(s, verb, out, &refusal))
        return false;
    const char *reply = refusal;
    if (refusal == NULL || verb == FAULT_AT_BDAT)
        reply = answer(s, verb, line, len);
    if (refusal != NULL && s->state == SESSION_CHUNK)
        s->refusal = refusal;
    stream_consume(s->stream, len);
    if (reply != NULL && !say(s, out, reply))
        return false;
    if (verb != FAULT_AT_QUIT || refusal != NULL)
        return true;
    if (flush(s, out))
        end(s, false);
    return false;
}

/* ---------------------------------------------------------------------------------- content -- */

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
    if (!s->bdat)
        inspection_content(&s->inspection, (const uint8_t *)"\r\n", 2); /* of the end of data */
    endpoint_format(&s->stream->local, listener);
    inspection_record(&s->inspection, s->sink->config->records, listener);
}

/* Before its first bytes are read. False: they are not to be. */
static bool begin_content(struct session *s, struct replies *out)
{
    const char *refusal;
    if (!pass(s, FAULT_AT_CONTENT, out, &refusal))
        return false;
    if (refusal == NULL)
        return true;
    s->state = SESSION_DEAF;
    s->bdat = false;
    return say(s, out, refusal);
}

/* Takes what has arrived of the content. False: there is no more, or the session waits or is
 * gone. */
static bool content_step(struct session *s, struct replies *out)
{
    struct slice slices[SLICES];
    if (s->content.scanned == 0 && !begin_content(s, out))
        return false;
    if (s->state == SESSION_DEAF)
        return true;
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
    s->state = SESSION_DOTTED;
    return true;
}

/* Takes what has arrived of a chunk. False: there is no more, or the session waits or is gone. */
static bool chunk_step(struct session *s, struct replies *out)
{
    if (s->chunk > 0 && s->stream->readable == 0)
        return false;
    if (s->content.scanned == 0 && s->refusal == NULL && !begin_content(s, out))
        return false;
    if (s->state == SESSION_DEAF)
        return true;
    size_t part = s->stream->readable < s->chunk ? s->stream->readable : (size_t)s->chunk;
    s->content.safe = s->content.scanned += part;
    if (s->sink->config->records != NULL)
        inspect(s);
    stream_consume(s->stream, part);
    s->consumed += part;
    s->chunk -= part;
    if (s->chunk > 0)
        return false;
    s->state = SESSION_COMMAND;
    if (s->refusal != NULL) {
        reset(s);
        return say(s, out, s->refusal);
    }
    if (!s->last)
        return say(s, out, "250 2.0.0 Ok\r\n");
    s->state = SESSION_DOTTED;
    return true;
}

static bool answer_content(struct session *s, struct replies *out)
{
    struct report_counts *counts = &s->sink->report->counts;
    const char *reply;
    if (!pass(s, FAULT_AT_DOT, out, &reply))
        return false;
    if (reply == NULL) {
        if (s->sink->config->records != NULL)
            keep_record(s);
        counts->messages_accepted++;
        counts->content_bytes += s->content.safe;
        reply = "250 2.0.0 Ok: taken\r\n";
    }
    s->state = SESSION_COMMAND;
    reset(s);
    return say(s, out, reply);
}

/* ------------------------------------------------------------------------------------ steps -- */

/* False: there is nothing to do until something arrives, or the session waits or is gone. */
static bool step(struct session *s, struct replies *out)
{
    switch (s->state) {
    case SESSION_CONNECTED:
        return greet(s, out);
    case SESSION_COMMAND:
        return s->stream->readable > 0 && command_step(s, out);
    case SESSION_CONTENT:
        return s->stream->readable > 0 && content_step(s, out);
    case SESSION_CHUNK:
        return chunk_step(s, out);
    case SESSION_DOTTED:
        return answer_content(s, out);
    case SESSION_DEAF:
        stream_consume(s->stream, s->stream->readable);
        return false;
    }
    return false;
}

static void run(struct session *s)
{
    struct stream *stream = s->stream;
    struct replies out;
    out.len = 0;
    while (step(s, &out))
        ;
    if (s->stream == stream)
        (void)flush(s, &out);
}

static void on_stream(struct stream *stream, unsigned events, void *user)
{
    struct session *s = user;
    (void)events;
    if (!s->waiting && stream->readable > 0)
        run(s);
    if (s->stream == stream && (stream->eof || stream_is_down(stream)))
        lose(s);
}

static void on_timer(struct timer *t, nsec_t now)
{
    struct session *s = CONTAINER_OF(t, struct session, timer);
    (void)now;
    s->waiting = false;
    run(s);
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
    s->state = SESSION_CONNECTED;
    s->waiting = s->waited = false;
    reset(s);
    stream_set_handler(stream, on_stream, s);
    run(s);
}

/* `text` begins with a code. */
static void set_refusal(struct refusal *r, const char *text)
{
    r->code = (unsigned)strtoul(text, NULL, 10);
    snprintf(r->text, sizeof(r->text), "%.*s\r\n", REFUSAL_MAX - 3, text);
}

static void write_greetings(struct sink *s)
{
    const struct sink_config *c = s->config;
    snprintf(s->banner, sizeof(s->banner), "220 %.255s %s smtpgen\r\n", c->hostname,
             c->no_esmtp ? "SMTP" : "ESMTP");
    snprintf(s->ehlo, sizeof(s->ehlo), "250-%.255s\r\n%s%s%s250-CHUNKING\r\n250 SIZE\r\n",
             c->hostname, c->no_pipelining ? "" : "250-PIPELINING\r\n",
             c->no_8bitmime ? "" : "250-8BITMIME\r\n",
             c->no_enhanced_codes ? "" : "250-ENHANCEDSTATUSCODES\r\n");
    if (c->no_esmtp)
        strcpy(s->ehlo, "502 5.5.1 Command not implemented\r\n");
}

struct sink *sink_create(const struct sink_config *config, struct engine *e, struct report *report)
{
    struct sink *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->config = config;
    s->engine = e;
    s->report = report;
    s->random = config->seed | 1;
    set_refusal(&s->hard, config->hard);
    set_refusal(&s->soft, config->soft);
    write_greetings(s);
    s->sessions = calloc(config->sessions, sizeof(*s->sessions));
    bool good = s->sessions != NULL;
    for (uint32_t i = config->sessions; good && i-- > 0;) {
        s->sessions[i].sink = s;
        timer_init(&s->sessions[i].timer, on_timer);
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
    for (uint32_t i = 0; s->sessions != NULL && i < s->config->sessions; i++) {
        timer_disarm(&s->engine->wheel, &s->sessions[i].timer);
        inspection_free(&s->sessions[i].inspection);
        if (s->sessions[i].stream != NULL) {
            stream_abort(s->sessions[i].stream);
            engine_flush(s->engine);
        }
    }
    free(s->sessions);
    free(s);
}

uint32_t sink_open(const struct sink *s)
{
    return s->open;
}
