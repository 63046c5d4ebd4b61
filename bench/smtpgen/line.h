/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines that arrive on a stream. */
#ifndef SPLITMX_SMTPGEN_LINE_H
#define SPLITMX_SMTPGEN_LINE_H

#include <stddef.h>

#include "drivers/stream.h"

#define LINE_MAX_BYTES 2048 /* a longer one is no SMTP */

/*
 * The first line of what has arrived, `skip` bytes from the first unread one on: its length with
 * its LF, 0 if that has not arrived. *line is borrowed from the stream, or, where the line spans
 * slices, a copy in buf.
 */
size_t line_peek(struct stream *s, size_t skip, char buf[LINE_MAX_BYTES], const char **line);

/* The first reply of what has arrived, all its lines (RFC 5321 §4.2.1): its length, 0 if it is not
 * complete. *code: of its last line; 0 if that is no reply. */
size_t line_peek_reply(struct stream *s, unsigned *code);

#endif
