/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding lines in slices. */
#include "bench/smtpgen/line.h"

#include <string.h>

size_t line_peek(struct stream *s, size_t skip, char buf[LINE_MAX_BYTES], const char **line)
{
    struct slice slice;
    if (stream_peek(s, skip, &slice, 1) == 0)
        return 0;
    *line = (const char *)slice.data;
    const char *newline = memchr(*line, '\n', slice.len);
    if (newline != NULL)
        return (size_t)(newline + 1 - *line);
    size_t copied = 0;
    while (copied < LINE_MAX_BYTES && stream_peek(s, skip + copied, &slice, 1) > 0) {
        size_t room = LINE_MAX_BYTES - copied;
        size_t part = slice.len < room ? slice.len : room;
        memcpy(buf + copied, slice.data, part);
        copied += part;
    }
    *line = buf;
    newline = memchr(buf, '\n', copied);
    return newline != NULL ? (size_t)(newline + 1 - buf) : 0;
}

/* Three digits, and a hyphen where more lines follow; 0 if not. The text, and the space before it,
 * may be missing (RFC 5321 §4.2.1). */
static unsigned code_of(const char *line, size_t len)
{
    if (len < 5 || line[0] < '2' || line[0] > '5' || memchr(" -\r", line[3], 3) == NULL)
        return 0;
    unsigned code = 0;
    for (unsigned i = 0; i < 3; i++) {
        if (line[i] < '0' || line[i] > '9')
            return 0;
        code = code * 10 + (unsigned)(line[i] - '0');
    }
    return code;
}

/* Of several lines, or across slices. */
static size_t peek_long_reply(struct stream *s, unsigned *code)
{
    char buf[LINE_MAX_BYTES];
    const char *line;
    size_t done = 0, len;
    while ((len = line_peek(s, done, buf, &line)) > 0) {
        done += len;
        *code = code_of(line, len);
        if (*code == 0 || line[3] != '-')
            return done;
    }
    return 0;
}

size_t line_peek_reply(struct stream *s, unsigned *code)
{
    struct slice slice;
    if (stream_peek(s, 0, &slice, 1) == 0)
        return 0;
    const char *line = (const char *)slice.data, *newline = memchr(line, '\n', slice.len);
    size_t len = newline != NULL ? (size_t)(newline + 1 - line) : 0;
    *code = code_of(line, len);
    if (len > 0 && (*code == 0 || line[3] != '-'))
        return len;
    return peek_long_reply(s, code);
}
