/* SPDX-License-Identifier: BSD-3-Clause */
/* Mail log records: reserved and filled by a worker, written by the control thread. */
#include "app/observe/maillog.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mempool.h>
#include <rte_ring.h>

#include "drivers/base/civil.h"

#define DRAIN_BURST 64

struct maillog {
    struct rte_mempool *records;
    struct rte_ring *submitted;
    uint64_t notices_dropped;
};

/* The worker takes records and gives cancelled ones back, the control thread gives the rest back.
 * A stack, so that only as much memory is touched as there are records under way, not the whole
 * pool in turn. */
static struct rte_mempool *record_pool(const char *name, unsigned records)
{
    struct rte_mempool *pool =
        rte_mempool_create_empty(name, records, sizeof(struct mail_record), 0, 0, SOCKET_ID_ANY,
                                 RTE_MEMPOOL_F_NO_IOVA_CONTIG);
    if (pool == NULL)
        return NULL;
    if (rte_mempool_set_ops_byname(pool, "lf_stack", NULL) != 0 ||
        rte_mempool_populate_default(pool) < 0) {
        rte_mempool_free(pool);
        return NULL;
    }
    return pool;
}

struct maillog *maillog_create(const char *name, unsigned records)
{
    struct maillog *log = calloc(1, sizeof(*log));
    if (log == NULL)
        return NULL;
    char full[RTE_MEMPOOL_NAMESIZE];
    snprintf(full, sizeof(full), "%.16s-log", name);
    log->records = record_pool(full, records);
    log->submitted = rte_ring_create(full, records + 1, SOCKET_ID_ANY,
                                     RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
    if (log->records == NULL || log->submitted == NULL) {
        maillog_destroy(log);
        return NULL;
    }
    return log;
}

void maillog_destroy(struct maillog *log)
{
    if (log == NULL)
        return;
    rte_ring_free(log->submitted);
    rte_mempool_free(log->records);
    free(log);
}

struct mail_record *maillog_reserve(struct maillog *log)
{
    void *got;
    if (rte_mempool_get(log->records, &got) != 0)
        return NULL;
    struct mail_record *record = got;
    memset(record, 0, offsetof(struct mail_record, helo));
    record->helo[0] = record->from[0] = record->to[0] = '\0';
    record->message_id[0] = record->reply[0] = record->word[0] = '\0';
    return record;
}

void maillog_submit(struct maillog *log, struct mail_record *record)
{
    /* The ring holds the whole pool, so this cannot fail. */
    if (rte_ring_enqueue(log->submitted, record) != 0)
        abort();
}

void maillog_cancel(struct maillog *log, struct mail_record *record)
{
    rte_mempool_put(log->records, record);
}

void maillog_notice(struct maillog *log, uint64_t wall, const char *format, ...)
{
    struct mail_record *record = maillog_reserve(log);
    if (record == NULL) {
        log->notices_dropped++;
        return;
    }
    record->status = MAIL_NOTICE;
    record->wall = wall;
    va_list args;
    va_start(args, format);
    vsnprintf(record->word, sizeof(record->word), format, args);
    va_end(args);
    maillog_submit(log, record);
}

unsigned maillog_in_use(const struct maillog *log)
{
    return rte_mempool_in_use_count(log->records);
}

uint64_t maillog_notices_dropped(const struct maillog *log)
{
    return log->notices_dropped;
}

unsigned maillog_drain(struct maillog *log, FILE *out)
{
    /* What arrives meanwhile waits for the next call: a busy worker would keep us here for good. */
    unsigned lines = rte_ring_count(log->submitted);
    for (unsigned done = 0, n; done < lines; done += n) {
        void *burst[DRAIN_BURST];
        unsigned most = lines - done < DRAIN_BURST ? lines - done : DRAIN_BURST;
        n = rte_ring_dequeue_burst(log->submitted, burst, most, NULL);
        for (unsigned i = 0; i < n; i++) {
            char line[MAIL_LINE_MAX];
            size_t len = mail_record_format(burst[i], line);
            fwrite(line, 1, len, out);
        }
        rte_mempool_put_bulk(log->records, burst, n);
    }
    if (lines > 0)
        fflush(out);
    return lines;
}

/* A line that is being built; it stops growing at the end of its buffer. */
struct line {
    char *at, *end;
};

static void put_char(struct line *l, char c)
{
    if (l->at < l->end)
        *l->at++ = c;
}

static void put_bytes(struct line *l, const char *text, size_t len)
{
    size_t room = (size_t)(l->end - l->at);
    len = len < room ? len : room;
    memcpy(l->at, text, len);
    l->at += len;
}

static void put_text(struct line *l, const char *text)
{
    put_bytes(l, text, strlen(text));
}

/* With leading zeroes up to so many digits. */
static void put_digits(struct line *l, uint64_t value, unsigned digits)
{
    char text[20];
    unsigned at = sizeof(text);
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0 || sizeof(text) - at < digits);
    put_bytes(l, text + at, sizeof(text) - at);
}

/* Printable ASCII but for the space, `"`, `=` and `\`. */
static const bool plain[256] = {
    ['!'] = true,
    ['#' ... '<'] = true,
    ['>' ... '['] = true,
    [']' ... '~'] = true,
};

static void put_escaped(struct line *l, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    switch (c) {
    case '"':
    case '\\':
        put_char(l, '\\');
        put_char(l, (char)c);
        return;
    case '\n':
        put_text(l, "\\n");
        return;
    case '\r':
        put_text(l, "\\r");
        return;
    case '\t':
        put_text(l, "\\t");
        return;
    default:
        if (c >= ' ' && c < 0x7f) {
            put_char(l, (char)c);
            return;
        }
        put_text(l, "\\x");
        put_char(l, hex[c >> 4]);
        put_char(l, hex[c & 15]);
    }
}

static void put_key(struct line *l, const char *key)
{
    put_char(l, ' ');
    put_text(l, key);
    put_char(l, '=');
}

static void put_field(struct line *l, const char *key, const char *value)
{
    size_t len = 0;
    while (plain[(unsigned char)value[len]])
        len++;
    put_key(l, key);
    if (value[len] == '\0' && len > 0) {
        put_bytes(l, value, len);
        return;
    }
    put_char(l, '"');
    put_bytes(l, value, len);
    for (const char *p = value + len; *p != '\0'; p++)
        put_escaped(l, (unsigned char)*p);
    put_char(l, '"');
}

static void put_number(struct line *l, const char *key, uint64_t value)
{
    put_key(l, key);
    put_digits(l, value, 1);
}

static void put_time(struct line *l, uint64_t wall)
{
    struct civil c = civil_from_time((int64_t)(wall / 1000000000));
    put_text(l, "time=");
    put_digits(l, c.year, 4);
    put_char(l, '-');
    put_digits(l, c.month + 1, 2);
    put_char(l, '-');
    put_digits(l, c.day + 1, 2);
    put_char(l, 'T');
    put_digits(l, c.hour, 2);
    put_char(l, ':');
    put_digits(l, c.minute, 2);
    put_char(l, ':');
    put_digits(l, c.second, 2);
    put_char(l, '.');
    put_digits(l, wall % 1000000000 / 1000, 6);
    put_char(l, 'Z');
}

static const char *status_text(enum mail_status status)
{
#define STATUS_TEXT(name, text, help) [name] = text,
    static const char *const texts[] = {MAIL_STATUSES(STATUS_TEXT)};
    return texts[status];
}

size_t mail_record_format(const struct mail_record *r, char *buf)
{
    struct line l = {buf, buf + MAIL_LINE_MAX - 1};
    char text[ADDR_TEXT_SIZE];
    put_time(&l, r->wall);
    put_field(&l, "status", status_text(r->status));
    if (r->status == MAIL_NOTICE) {
        put_field(&l, "notice", r->word);
        *l.at++ = '\n';
        return (size_t)(l.at - buf);
    }
    put_field(&l, "txn", r->transaction);
    put_field(&l, "msgid", r->message_id);
    put_field(&l, "client", endpoint_format(&r->client, text));
    put_field(&l, "helo", r->helo);
    put_field(&l, "side", side_text(r->route.from));
    put_field(&l, "from", r->from);
    put_field(&l, "to", r->to);
    put_field(&l, "verdict", verdict_text(r->route.verdict));
    put_field(&l, "rule", r->route.rule);
    bool known = r->route.hop_count > 0 && !ip_addr_is_any(&r->route.hops[0].server.addr);
    put_field(&l, "next_hop", known ? endpoint_format(&r->route.hops[0].server, text) : "-");
    put_field(&l, "reply", r->reply);
    if (r->unheard)
        put_field(&l, "heard", "no");
    if (r->word[0] != '\0')
        put_field(&l, "word", r->word);
    put_number(&l, "bytes", r->bytes);
    put_number(&l, "rcpt_us", r->rcpt_us);
    put_number(&l, "data_us", r->data_us);
    put_number(&l, "content_us", r->content_us);
    put_number(&l, "commit_us", r->commit_us);
    *l.at++ = '\n';
    return (size_t)(l.at - buf);
}

void maillog_say(FILE *out, uint64_t wall, const char *text)
{
    static struct mail_record notice; /* the control thread's: too long for its stack */
    char line[MAIL_LINE_MAX];
    notice.status = MAIL_NOTICE;
    notice.wall = wall;
    for (size_t len; *text != '\0'; text += len + (text[len] == '\n')) {
        len = strcspn(text, "\n");
        snprintf(notice.word, sizeof(notice.word), "%.*s", (int)len, text);
        fwrite(line, 1, mail_record_format(&notice, line), out);
    }
    fflush(out);
}
