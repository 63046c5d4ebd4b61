/* SPDX-License-Identifier: BSD-3-Clause */
/* Character classes of SMTP's grammar (ASCII only, whatever the locale, and NUL in none of them),
 * and what parsers do with them. */
#ifndef SPLITMX_SMTP_CHARS_H
#define SPLITMX_SMTP_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/smtp/span.h"

enum char_class {
    CHAR_DIGIT = 1 << 0,
    CHAR_ALNUM = 1 << 1,
    CHAR_PRINT = 1 << 2,    /* %d32-126 */
    CHAR_GRAPH = 1 << 3,    /* %d33-126 */
    CHAR_ATEXT = 1 << 4,    /* atext of RFC 5322 §3.2.3 */
    CHAR_QTEXT = 1 << 5,    /* qtextSMTP of RFC 5321 §4.1.2: quoted without a backslash */
    CHAR_DCONTENT = 1 << 6, /* dcontent of RFC 5321 §4.1.3: what stands in an address literal */
    CHAR_LDH = 1 << 7,      /* Let-dig, hyphen and, as a deviation, the underscore */
};
extern const uint8_t char_classes[256];

static inline bool char_is(char c, unsigned classes)
{
    return (char_classes[(uint8_t)c] & classes) != 0;
}

static inline bool char_is_digit(char c)
{
    return char_is(c, CHAR_DIGIT);
}

static inline bool char_is_alnum(char c)
{
    return char_is(c, CHAR_ALNUM);
}

static inline bool char_is_print(char c)
{
    return char_is(c, CHAR_PRINT);
}

static inline bool char_is_graph(char c)
{
    return char_is(c, CHAR_GRAPH);
}

static inline bool char_is_atext(char c)
{
    return char_is(c, CHAR_ATEXT);
}

static inline bool char_is_qtext(char c)
{
    return char_is(c, CHAR_QTEXT);
}

static inline bool char_is_dcontent(char c)
{
    return char_is(c, CHAR_DCONTENT);
}

static inline bool char_is_ldh(char c)
{
    return char_is(c, CHAR_LDH);
}

/* What a hexadecimal digit stands for; -1: it is none. */
static inline int char_hex_digit(char c)
{
    if (char_is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool span_is_all(struct span s, bool (*is)(char))
{
    for (size_t i = 0; i < s.len; i++)
        if (!is(s.at[i]))
            return false;
    return true;
}

/* The length of the character beyond ASCII that `s` begins with: UTF8-non-ascii of RFC 6532 §3.1.
 * 0: none, or no valid UTF-8. */
size_t char_utf8(struct span s);

static inline bool span_is_ascii(struct span s)
{
    unsigned char beyond = 0;
    for (size_t i = 0; i < s.len; i++)
        beyond |= (unsigned char)s.at[i];
    return beyond < 0x80;
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
