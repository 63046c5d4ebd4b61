/* SPDX-License-Identifier: BSD-3-Clause */
/* Character classes of SMTP's grammar (ASCII only, whatever the locale, and NUL in none of them),
 * and what parsers do with them. */
#ifndef SPLITMX_SMTP_CHARS_H
#define SPLITMX_SMTP_CHARS_H

#include <stdbool.h>
#include <stddef.h>

#include "app/smtp/span.h"

static inline bool char_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool char_is_alnum(char c)
{
    return char_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline char char_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* %d32-126 */
static inline bool char_is_print(char c)
{
    return c >= ' ' && c <= '~';
}

/* %d33-126 */
static inline bool char_is_graph(char c)
{
    return c > ' ' && c <= '~';
}

/* atext of RFC 5322 §3.2.3. */
static inline bool char_is_atext(char c)
{
    return char_is_alnum(c) || (char_is_graph(c) && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* qtextSMTP of RFC 5321 §4.1.2: what stands in a quoted string without a backslash. */
static inline bool char_is_qtext(char c)
{
    return char_is_print(c) && c != '"' && c != '\\';
}

/* dcontent of RFC 5321 §4.1.3: what stands in an address literal. */
static inline bool char_is_dcontent(char c)
{
    return char_is_graph(c) && c != '[' && c != '\\' && c != ']';
}

static inline bool span_is_all(struct span s, bool (*is)(char))
{
    for (size_t i = 0; i < s.len; i++)
        if (!is(s.at[i]))
            return false;
    return true;
}

/* Take n characters from the front of `rest`, which has as many. */
static inline struct span span_take(struct span *rest, size_t n)
{
    struct span taken = {rest->at, n};
    rest->at += n;
    rest->len -= n;
    return taken;
}

/* Take from the front of `rest` the characters of one class. */
static inline struct span span_take_while(struct span *rest, bool (*is)(char))
{
    size_t n = 0;
    while (n < rest->len && is(rest->at[n]))
        n++;
    return span_take(rest, n);
}

#endif
