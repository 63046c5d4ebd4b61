/* SPDX-License-Identifier: BSD-3-Clause */
/* Files are read whole: what is judged is what was there at one moment. */
#include "config/file.h"

#include <errno.h>
#include <string.h>

#include "config/memory.h"

#define FIRST_READ 65536

static char *read_stream(FILE *f, size_t max, size_t *len)
{
    size_t room = FIRST_READ;
    char *data = memory_new(room, 1);
    *len = 0;
    for (;;) {
        *len += fread(data + *len, 1, room - *len, f);
        if (*len < room || *len > max)
            break;
        room *= 2;
        data = memory_must(realloc(data, room));
    }
    if (ferror(f) == 0 && *len <= max)
        return data;
    if (ferror(f) == 0)
        errno = EFBIG;
    free(data);
    return NULL;
}

char *file_read(const char *path, size_t max, size_t *len)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return NULL;
    char *data = read_stream(f, max, len);
    int error = errno;
    fclose(f);
    errno = error;
    return data;
}

struct file_lines file_lines(const char *data, size_t len)
{
    bool bom = len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0;
    return (struct file_lines){bom ? data + 3 : data, data + len, 0};
}

bool file_next_line(struct file_lines *lines, const char **line, const char **line_end)
{
    const char *at = lines->at;
    if (at == lines->end)
        return false;
    const char *newline = memchr(at, '\n', (size_t)(lines->end - at));
    const char *end = newline != NULL ? newline : lines->end;
    lines->at = newline != NULL ? newline + 1 : lines->end;
    lines->number++;
    if (end > at && end[-1] == '\r')
        end--;
    while (at < end && file_is_blank(*at))
        at++;
    while (end > at && file_is_blank(end[-1]))
        end--;
    *line = at;
    *line_end = end;
    return true;
}

const char *file_find_control(const char *at, const char *end)
{
    for (; at < end; at++)
        if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
            return at;
    return NULL;
}
