/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mail log: one line per recipient outcome, and notices about destinations.
 *
 * A worker fills records and hands them over; the control thread writes them. Records come from a
 * pool of the worker's own, so reserving one before an outcome is promised means that it will be
 * logged: the ring has room for the whole pool.
 *
 *     worker:  reserve -> fill -> submit --ring--> drain: format, write, back to the pool  :control
 *                 `-> cancel
 *
 * A line is logfmt: key=value, blank-separated; a value with anything but printable ASCII, or with
 * blank, quote, backslash or '=', is quoted and escaped (\" \\ \n \r \t \xHH): one line is one
 * record whatever a client sends.
 */
#ifndef SPLITMX_OBSERVE_MAILLOG_H
#define SPLITMX_OBSERVE_MAILLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "app/route/route.h"
#include "app/smtp/command.h"
#include "app/smtp/content.h"
#include "drivers/base/addr.h"
#include "drivers/base/check.h"

#define TRANSACTION_ID_SIZE 24
#define MAIL_REPLY_SIZE     514   /* a reply line without CRLF; longer replies are cut */
#define MAIL_LINE_MAX       12288 /* a formatted line, escapes and newline included */

/* What became of a recipient. */
#define MAIL_STATUSES(X)                                                                           \
    X(MAIL_DELIVERED, "delivered", "the destination accepted the message")                         \
    X(MAIL_REFUSED, "refused", "refused for good (5xx)")                                           \
    X(MAIL_DEFERRED, "deferred", "refused for now (4xx): the client keeps it")                     \
    X(MAIL_IN_DOUBT, "in-doubt", "the end was sent and the answer never came; told 451")           \
    X(MAIL_REMEMBERED, "remembered",                                                               \
      "the destination accepted the message, but the client was told 451 for another's sake")      \
    X(MAIL_SUPPRESSED, "suppressed",                                                               \
      "not delivered again: the destination had it from an earlier try")                           \
    X(MAIL_ABANDONED, "abandoned", "the client gave up before the end of data")                    \
    X(MAIL_NOTICE, "notice", "not about a recipient")
#define MAIL_STATUS_ENUM(name, text, help) name,
enum mail_status { MAIL_STATUSES(MAIL_STATUS_ENUM) MAIL_STATUS_COUNT };

/* Texts are NUL-terminated. Durations in microseconds. */
struct mail_record {
    enum mail_status status;
    uint64_t wall; /* ns since the epoch */
    struct endpoint client;
    uint64_t bytes; /* of content as received */
    uint32_t rcpt_us, data_us, content_us, commit_us;
    bool unheard; /* the client had gone before it could be told */
    char transaction[TRANSACTION_ID_SIZE];
    struct route route;
    char helo[SMTP_DOMAIN_MAX + 1];
    char from[SMTP_PATH_MAX + 1];
    char to[SMTP_PATH_MAX + 1];
    char message_id[SMTP_MESSAGE_ID_MAX + 1];
    char reply[MAIL_REPLY_SIZE]; /* the client was told this */
    char word[MAIL_REPLY_SIZE];  /* the destination's own word, where it differs; or the notice */
};

struct maillog;

/* `name`: unique in the process. NULL if out of memory. */
struct maillog *maillog_create(const char *name, unsigned records);
void maillog_destroy(struct maillog *log);

/* Worker side. NULL if every record is taken: the caller refuses the recipient with 451. */
struct mail_record *maillog_reserve(struct maillog *log);
void maillog_submit(struct maillog *log, struct mail_record *record);
void maillog_cancel(struct maillog *log, struct mail_record *record);

/* A notice from the worker, e.g. a server that went down. Dropped and counted when no record is
 * left. */
void maillog_notice(struct maillog *log, uint64_t wall, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Records reserved and not yet drained: for status and tests. */
unsigned maillog_in_use(const struct maillog *log);
uint64_t maillog_notices_dropped(const struct maillog *log);

/* Control side: a notice of its own, a line for each of the text's. */
void maillog_say(FILE *out, uint64_t wall, const char *text);

/* Control side: write what has arrived; returns the number of lines. */
unsigned maillog_drain(struct maillog *log, FILE *out);

/* One line with its newline, without a NUL, into buf (at least MAIL_LINE_MAX bytes); returns its
 * length. */
size_t mail_record_format(const struct mail_record *record, char *buf);

#endif
