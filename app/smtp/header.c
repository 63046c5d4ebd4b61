/* SPDX-License-Identifier: BSD-3-Clause */
/* The look at the header section, byte by byte where it matters and by memchr where it does not. */
#include "app/smtp/header.h"

#include <string.h>

#include "app/smtp/chars.h"
#include "app/smtp/content.h"
#include "app/smtp/received.h"

enum field { MESSAGE_ID, RECEIVED };

static const char *const names[] = {[MESSAGE_ID] = "message-id", [RECEIVED] = "received"};

enum state {
    LINE_START = 0, /* nothing of the line was seen */
    NAME,           /* header_at characters of it, and they begin the field's name */
    OTHER,          /* a line, or the rest of one, that is something else: on to its end */
    BLANK_CR,       /* a line that begins with CR: if LF follows, the header section is over */
    VALUE,          /* in the Message-ID */
    VALUE_LF,       /* a line of it has ended: if a blank follows, the field goes on */
    TRACE,    /* in a Received field: header_at characters of the marks' beginning were seen */
    TRACE_LF, /* likewise */
    MARKS,    /* header_at digits of a mark were seen */
    MARKS_LF, /* likewise */
    DONE,     /* the header section is over */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ------------------------------------------------------------------------------ Message-ID -- */

static void trim(struct smtp_content *c)
{
    while (c->message_id_len > 0 && is_blank(c->message_id[c->message_id_len - 1]))
        c->message_id_len--;
}

static uint8_t value_byte(struct smtp_content *c, char byte)
{
    if (byte == '\n')
        return VALUE_LF;
    if (byte == '\r' || (is_blank(byte) && c->message_id_len == 0))
        return VALUE;
    c->message_id[c->message_id_len++] = is_blank(byte) ? ' ' : char_is_print(byte) ? byte : '?';
    if (byte == '>' && c->message_id[0] == '<')
        return OTHER;
    if (c->message_id_len < SMTP_MESSAGE_ID_MAX)
        return VALUE;
    trim(c);
    return OTHER;
}

/* --------------------------------------------------------------------------------- Received -- */

static uint8_t trace_byte(struct smtp_content *c, char byte)
{
    static const char begin[] = SMTP_MARKS_BEGIN;
    if (byte == '\n')
        return TRACE_LF;
    c->header_at = byte == begin[c->header_at] ? (uint8_t)(c->header_at + 1) : byte == begin[0];
    if (c->header_at < sizeof(begin) - 1)
        return TRACE;
    c->header_at = 0;
    c->mark = 0;
    return MARKS;
}

/* A mark may have ended. False: it is none. */
static bool end_mark(struct smtp_content *c)
{
    bool whole = c->header_at == SMTP_MARK_DIGITS;
    if (whole && c->mark_count < SMTP_CONTENT_MARKS)
        c->marks[c->mark_count++] = c->mark;
    return whole || c->header_at == 0;
}

static uint8_t marks_byte(struct smtp_content *c, char byte)
{
    int digit = char_hex_digit(byte);
    if (digit >= 0 && c->header_at < SMTP_MARK_DIGITS) {
        c->mark = c->mark << 4 | (unsigned)digit;
        c->header_at++;
        return MARKS;
    }
    if (byte == '\r')
        return MARKS;
    bool goes_on = digit < 0 && end_mark(c) && (is_blank(byte) || byte == '\n');
    c->header_at = 0;
    if (byte == '\n')
        return goes_on ? MARKS_LF : TRACE_LF;
    return goes_on ? MARKS : TRACE;
}

/* -------------------------------------------------------------------------------------- lines --
 */

static uint8_t name_byte(struct smtp_content *c, char byte)
{
    const char *name = names[c->header_field];
    if (name[c->header_at] != '\0') {
        if (char_lower(byte) == name[c->header_at]) {
            c->header_at++;
            return NAME;
        }
    } else if (is_blank(byte)) { /* RFC 5322 §4.5.8 */
        return NAME;
    } else if (byte == ':' && c->header_field == RECEIVED) {
        c->header_at = 0;
        if (c->hops < UINT16_MAX)
            c->hops++;
        return TRACE;
    } else if (byte == ':') {
        c->identified = true;
        return VALUE;
    }
    return byte == '\n' ? LINE_START : OTHER;
}

static uint8_t first_byte(struct smtp_content *c, char byte)
{
    if (byte == '\r')
        return BLANK_CR;
    if (byte == '\n')
        return DONE;
    for (uint8_t field = c->identified ? RECEIVED : MESSAGE_ID; field <= RECEIVED; field++) {
        if (char_lower(byte) == names[field][0]) {
            c->header_field = field;
            c->header_at = 1;
            return NAME;
        }
    }
    return OTHER;
}

static uint8_t next_state(struct smtp_content *c, char byte)
{
    switch (c->header_state) {
    case NAME:
        return name_byte(c, byte);
    case VALUE:
        return value_byte(c, byte);
    case TRACE:
        return trace_byte(c, byte);
    case MARKS:
        return marks_byte(c, byte);
    case VALUE_LF:
        if (is_blank(byte))
            return value_byte(c, byte);
        trim(c);
        return first_byte(c, byte);
    case TRACE_LF:
        return is_blank(byte) ? trace_byte(c, byte) : first_byte(c, byte);
    case MARKS_LF:
        return is_blank(byte) ? MARKS : first_byte(c, byte);
    case LINE_START:
        return first_byte(c, byte);
    case BLANK_CR:
        if (byte == '\n')
            return DONE;
        break;
    default:
        break;
    }
    return byte == '\n' ? LINE_START : OTHER;
}

void smtp_header_scan(struct smtp_content *c, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len && c->header_state != DONE; i++) {
        if (c->header_state == OTHER) {
            const uint8_t *lf = memchr(data + i, '\n', len - i);
            if (lf == NULL)
                return;
            i = (size_t)(lf - data);
        }
        c->header_state = next_state(c, (char)data[i]);
    }
}

bool smtp_header_done(const struct smtp_content *c)
{
    return c->header_state == DONE;
}
