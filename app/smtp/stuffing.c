/* SPDX-License-Identifier: BSD-3-Clause */
/* Dots at the beginnings of lines, doubled. */
#include "app/smtp/stuffing.h"

#include <string.h>

/* Where, behind a CRLF, a dot stands; NULL if nowhere. */
static const uint8_t *find_dot(const uint8_t *data, size_t len)
{
    static const char pattern[] = "\r\n.";
    const uint8_t *found = memmem(data, len, pattern, strlen(pattern));
    return found != NULL ? found + strlen("\r\n") : NULL;
}

/* All of it was given out: what does it end in? */
static void pass(struct smtp_stuffing *s, const uint8_t *data, size_t len)
{
    uint8_t last = data[len - 1];
    bool behind_cr = len > 1 ? data[len - 2] == '\r' : s->cr;
    s->inside = last != '\n' || !behind_cr;
    s->cr = last == '\r';
}

size_t smtp_stuffing_run(struct smtp_stuffing *s, const uint8_t *data, size_t len, size_t *taken)
{
    if (!s->inside && !s->doubled && data[0] == '.') {
        s->doubled = true;
        *taken = 0;
        return 1;
    }
    s->doubled = false;
    /* The LF of a CRLF that began before, and a dot behind it. */
    const uint8_t *dot =
        len > 1 && s->cr && data[0] == '\n' && data[1] == '.' ? data + 1 : find_dot(data, len);
    if (dot == NULL) {
        pass(s, data, len);
        *taken = len;
        return len;
    }
    s->inside = s->cr = false;
    s->doubled = true;
    *taken = (size_t)(dot - data);
    return *taken + 1;
}
