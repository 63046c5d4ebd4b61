/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the content scanner must say, written down as its definition: over all of the content at
 * once, a byte at a time, with none of the scanner's ideas. For tests and fuzzing.
 */
#ifndef SPLITMX_TESTS_CONTENT_REFERENCE_H
#define SPLITMX_TESTS_CONTENT_REFERENCE_H

#include <string.h>

#include "app/smtp/content.h"

/* What lies in front of the content: the CRLF of DATA, which counts as the beginning of a line. */
static inline char reference_at(const uint8_t *data, size_t offset)
{
    const char before[] = "\r\n";
    return offset < 2 ? before[offset] : (char)data[offset - 2];
}

/* Do the bytes before `to` (counted with the CRLF of DATA) end with the first n of CRLF.CRLF? */
static inline bool reference_ends_with(const uint8_t *data, size_t to, size_t n)
{
    const char pattern[] = "\r\n.\r\n";
    for (size_t i = 0; i < n; i++)
        if (to < n || reference_at(data, to - n + i) != pattern[i])
            return false;
    return true;
}

static inline void reference_lines(struct smtp_content *c, const uint8_t *data)
{
    size_t begin = 0, lines_end = c->ended ? c->scanned - 3 : c->scanned; /* without the dot */
    for (size_t i = 0; i <= lines_end; i++) {
        if (i < 2 || data[i - 1] != '\n' || data[i - 2] != '\r')
            continue;
        size_t len = i - begin - (data[begin] == '.');
        c->longest = len > c->longest ? len : c->longest;
        begin = i;
    }
    bool dotted = begin < lines_end && data[begin] == '.';
    c->line = c->ended ? 0 : lines_end - begin - dotted;
}

static inline bool reference_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* The value from `at` to the end of its field. */
static inline void reference_value(struct smtp_content *c, const uint8_t *data, size_t at)
{
    for (; at < c->scanned; at++) {
        uint8_t byte = data[at];
        if (byte == '\n' && at + 1 < c->scanned && !reference_blank(data[at + 1]))
            break;
        if (byte == '\r' || byte == '\n' || (reference_blank(byte) && c->message_id_len == 0))
            continue;
        if (byte == '\t')
            byte = ' ';
        if (byte < ' ' || byte > '~')
            byte = '?';
        c->message_id[c->message_id_len++] = (char)byte;
        if (byte == '>' && c->message_id[0] == '<')
            return;
        if (c->message_id_len == SMTP_MESSAGE_ID_MAX)
            break;
    }
    bool over = at < c->scanned; /* or the blanks at its end may be followed by more */
    while (over && c->message_id_len > 0 && c->message_id[c->message_id_len - 1] == ' ')
        c->message_id_len--;
}

static inline void reference_message_id(struct smtp_content *c, const uint8_t *data)
{
    const char name[] = "Message-ID";
    const size_t name_len = sizeof(name) - 1;
    size_t line = 0;
    while (line < c->scanned) {
        const uint8_t *lf = (const uint8_t *)memchr(data + line, '\n', c->scanned - line);
        size_t end = lf != NULL ? (size_t)(lf - data) : c->scanned;
        if (end == line || (lf != NULL && end == line + 1 && data[line] == '\r'))
            return; /* an empty line ends the header section */
        if (end - line > name_len && strncasecmp((const char *)data + line, name, name_len) == 0) {
            size_t at = line + name_len;
            while (at < end && reference_blank(data[at]))
                at++;
            if (at < end && data[at] == ':') {
                reference_value(c, data, at + 1);
                return;
            }
        }
        line = end + 1;
    }
}

/* What the scanner says after `len` bytes, however it got them. `state` and `header_state` are its
 * own business. */
static inline struct smtp_content content_reference(const uint8_t *data, size_t len)
{
    struct smtp_content c;
    memset(&c, 0, sizeof(c));
    while (c.scanned < len && !c.ended) {
        c.scanned++;
        c.ended = reference_ends_with(data, 2 + c.scanned, 5);
    }
    size_t matched = c.ended ? 5 : 4;
    while (!reference_ends_with(data, 2 + c.scanned, matched))
        matched--;
    c.safe = matched < c.scanned ? c.scanned - matched : 0;

    for (size_t i = 0; i < c.scanned; i++) {
        bool bare_cr = data[i] == '\r' && i + 1 < c.scanned && data[i + 1] != '\n';
        bool bare_lf = data[i] == '\n' && (i == 0 || data[i - 1] != '\r');
        if ((bare_cr || bare_lf) && !c.bare) {
            c.bare = true;
            c.safe = i;
        }
        c.eightbit |= data[i] > 127;
        c.nul |= data[i] == 0;
    }
    reference_lines(&c, data);
    reference_message_id(&c, data);
    return c;
}

static inline bool content_equal(const struct smtp_content *a, const struct smtp_content *b)
{
    return a->scanned == b->scanned && a->safe == b->safe && a->line == b->line &&
           a->longest == b->longest && a->ended == b->ended && a->bare == b->bare &&
           a->eightbit == b->eightbit && a->nul == b->nul &&
           a->message_id_len == b->message_id_len &&
           memcmp(a->message_id, b->message_id, a->message_id_len) == 0;
}

#endif
