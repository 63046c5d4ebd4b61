/* SPDX-License-Identifier: BSD-3-Clause */
/* A borrowed run of characters, not NUL-terminated: what parsers yield. */
#ifndef SPLITMX_SMTP_SPAN_H
#define SPLITMX_SMTP_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
    const char *at;
    size_t len;
};

/* Equal without ASCII case. `word` is NUL-terminated. */
static inline bool span_is(struct span s, const char *word)
{
    return s.len == strlen(word) && strncasecmp(s.at, word, s.len) == 0;
}

#endif
