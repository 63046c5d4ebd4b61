/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole files, lines of text. */
#ifndef SPLITMX_CONFIG_FILE_H
#define SPLITMX_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "drivers/base/check.h"

/* The file, to be freed, and its length; NULL with errno (EFBIG: more than `max` bytes). */
MUST_CHECK char *file_read(const char *path, size_t max, size_t *len);

/* Lines of a text, one by one, whatever editor wrote it. Start with file_lines(). */
struct file_lines {
    const char *at, *end; /* what is left */
    unsigned number;      /* of the line that came last; the first is 1 */
};

/* Past the byte order mark, if there is one. */
struct file_lines file_lines(const char *data, size_t len);

/* The next line, in [*line, *line_end), without LF or CRLF and without blanks around it. False at
 * the end. */
MUST_CHECK bool file_next_line(struct file_lines *lines, const char **line, const char **line_end);

/* True for a blank or a tab. */
static inline bool file_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The first control character other than a tab; NULL: there is none. */
const char *file_find_control(const char *at, const char *end);

#endif
