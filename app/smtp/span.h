/* SPDX-License-Identifier: BSD-3-Clause */
/* A borrowed run of characters, not NUL-terminated: what parsers yield. */
#ifndef SPLITMX_SMTP_SPAN_H
#define SPLITMX_SMTP_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *at;
    size_t len;
};

static inline char char_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Begins with `word` (NUL-terminated), without ASCII case. Whatever the locale, and most often the
 * first character says no. */
static inline bool span_begins(struct span s, const char *word)
{
    for (size_t i = 0; word[i] != '\0'; i++)
        if (i == s.len || char_lower(s.at[i]) != char_lower(word[i]))
            return false;
    return true;
}

/* Equal without ASCII case. */
static inline bool span_is(struct span s, const char *word)
{
    return span_begins(s, word) && s.len == strlen(word);
}

static inline struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

/* With a NUL behind it: the buffer holds the longest text of its kind. */
static inline void span_copy(char *to, struct span text)
{
    memcpy(to, text.at, text.len);
    to[text.len] = '\0';
}

#endif
