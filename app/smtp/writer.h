/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing lines into a bounded buffer. Text cannot end a line: the functions that take text refuse
 * everything but printable ASCII, and the one that writes CRLF takes no text. A writer that once
 * refused or ran out of room stays failed, so only the end has to be checked.
 */
#ifndef SPLITMX_SMTP_WRITER_H
#define SPLITMX_SMTP_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/smtp/span.h"
#include "drivers/base/check.h"

struct smtp_writer {
    char *buf;
    size_t size, len;
    size_t line; /* where the current line began */
    bool failed;
};

static inline struct smtp_writer smtp_writer(char *buf, size_t size)
{
    return (struct smtp_writer){.buf = buf, .size = size};
}

/* Bytes as they are: for what this header declares, and for what was judged to be an address. */
static inline void smtp_append(struct smtp_writer *w, const char *bytes, size_t len)
{
    if (w->failed || len > w->size - w->len) {
        w->failed = true;
        return;
    }
    if (len > 0) /* empty spans may point nowhere */
        memcpy(w->buf + w->len, bytes, len);
    w->len += len;
}

void smtp_write(struct smtp_writer *w, struct span text);

/* Text that another writer has written, its lines included. */
void smtp_write_lines(struct smtp_writer *w, struct span text);

/* A text of our own: printable ASCII and a NUL, which nobody looks at twice. */
static inline void smtp_write_word(struct smtp_writer *w, const char *word)
{
    smtp_append(w, word, strlen(word));
}

void smtp_write_number(struct smtp_writer *w, uint64_t number);

/* With leading zeroes, as many digits as asked for. */
void smtp_write_digits(struct smtp_writer *w, unsigned number, unsigned digits);

void smtp_write_crlf(struct smtp_writer *w);

/* A continuation line of a header field: CRLF and a tab (RFC 5322 §2.2.3). */
void smtp_write_fold(struct smtp_writer *w);

/* What was written in bytes, 0 if anything was refused or did not fit. */
static inline size_t smtp_written(const struct smtp_writer *w)
{
    return w->failed ? 0 : w->len;
}

#endif
