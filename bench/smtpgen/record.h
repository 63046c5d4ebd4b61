/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Record files: what was sent, what was received; a message a line, fields between tabs, below a
 * heading that names them.
 *
 *     id                       crc       size  code  time_us  recipients
 *     0000beef-0000000000002a  8f3a0c11  1024  250   1840     local:bob@example.com
 *
 *     id                       crc       size  listener       recipients
 *     0000beef-0000000000002a  8f3a0c11  1024  192.0.2.10:25  bob@example.com
 *
 * id is what the message's X-Smtpgen field says: its run, 8 hexadecimal digits, and its number
 * there, 14. crc is the CRC32C of everything from that field on, size its bytes, both without the
 * dots of transparency. code is the final reply, 0 if none came; time_us when, since the run began.
 * Recipients are separated by spaces, each is LABEL:ADDRESS or ADDRESS, the label being its class
 * (local, external); bytes of an address that are not printable ASCII, and space, backslash and
 * colon, are \ and two hexadecimal digits. There is one way to write a record, so equal fields are
 * equal text.
 */
#ifndef SPLITMX_SMTPGEN_RECORD_H
#define SPLITMX_SMTPGEN_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "app/smtp/span.h"
#include "drivers/base/check.h"

#define RECORD_LINE_MAX  (4u << 20)
#define RECORD_LABEL_MAX 31
#define RECORD_ID_SIZE   23 /* of an id, without a NUL */

enum record_kind { RECORD_SENT, RECORD_RECEIVED };

#define RECORD_ERRORS(X)                                                                           \
    X(RECORD_OK, "")                                                                               \
    X(RECORD_END, "there are no more records")                                                     \
    X(RECORD_UNREADABLE, "cannot be read")                                                         \
    X(RECORD_BAD_HEADING, "is not the heading of such a file")                                     \
    X(RECORD_LONG_LINE, "is longer than 4 MiB")                                                    \
    X(RECORD_BAD_FIELDS, "has another number of fields than the heading")                          \
    X(RECORD_BAD_ID, "has an id that is no RUN-NUMBER, or too large a number")                     \
    X(RECORD_BAD_CRC, "has a crc that is not 8 hexadecimal digits")                                \
    X(RECORD_BAD_NUMBER, "has a number that is none or is too large")                              \
    X(RECORD_BAD_LISTENER, "has no listener")                                                      \
    X(RECORD_BAD_RECIPIENT, "has a malformed recipient")
#define RECORD_ERROR_ENUM(name, text) name,
enum record_error { RECORD_ERRORS(RECORD_ERROR_ENUM) RECORD_ERROR_COUNT };

/* The sentence's end above. */
const char *record_error_text(enum record_error error);

/* The first line, without its LF. */
const char *record_heading(enum record_kind kind);

struct record {
    bool foreign; /* received without an X-Smtpgen field: id is "-" */
    uint32_t run, number;
    uint32_t crc;
    uint32_t size;
    uint16_t code;          /* sent: 0..999 */
    uint64_t time_us;       /* sent */
    struct span listener;   /* received: as endpoint_format() says it */
    struct span recipients; /* parsed: for record_next_recipient() */
};

struct record_recipient {
    struct span label;   /* sent: [a-z0-9_-], of at most RECORD_LABEL_MAX; may be empty */
    struct span address; /* written: its bytes; parsed: escaped as above */
};

/* RUN-NUMBER into buf, RECORD_ID_SIZE bytes. And back; strict. */
void record_id_format(uint32_t run, uint32_t number, char *buf);
MUST_CHECK bool record_id_parse(struct span text, uint32_t *run, uint32_t *number);

/*
 * A file to write, through a buffer of 1 MiB: a record costs no system call but once in thousands.
 * Without a path it is in memory, for record_reread(). NULL with errno.
 */
struct record_file;
struct record_file *record_open(const char *path, enum record_kind kind);

/* Writes one; r->recipients is not looked at. What fails is remembered for record_close(). */
void record_write(struct record_file *f, const struct record *r,
                  const struct record_recipient *recipients, unsigned count);

/* Writes out what is buffered and gives a stream that reads it from the start; f stays open. NULL
 * with errno, also for what failed before. */
FILE *record_reread(struct record_file *f);

/* False with errno if anything was not written. f is gone. NULL is fine. */
MUST_CHECK bool record_close(struct record_file *f);

/* [a-z0-9_-], 1 to RECORD_LABEL_MAX of them. */
bool record_is_label(struct span text);

/* One line without its LF. The spans of *out point into it. */
enum record_error record_parse(enum record_kind kind, struct span line, struct record *out);

/* Takes the first recipient off *rest, which began as a parsed record's `recipients`. False at its
 * end. */
bool record_next_recipient(struct span *rest, struct record_recipient *out);

#endif
