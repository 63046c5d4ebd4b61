/* SPDX-License-Identifier: BSD-3-Clause */
/* The search for the Message-ID, byte by byte where it matters and by memchr where it does not. */
#include "app/smtp/header.h"

#include <string.h>

#include "app/smtp/chars.h"
#include "app/smtp/content.h"

static const char field_name[] = "message-id";

enum state {
    LINE_START = 0, /* nothing of the line was seen */
    /* 1..9: so many characters of the line were seen, and they begin field_name */
    FIELD_NAME = sizeof(field_name) - 1, /* all of it; blanks and a colon should follow */
    OTHER,                               /* a line that is something else: on to its end */
    BLANK_CR, /* a line that begins with CR: if LF follows, the header section is over */
    VALUE,    /* in the value of the field */
    VALUE_LF, /* a line of the value has ended: if a blank follows, the field goes on */
    DONE,     /* the field or the header section is over */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

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
        return DONE;
    if (c->message_id_len < SMTP_MESSAGE_ID_MAX)
        return VALUE;
    trim(c);
    return DONE;
}

static uint8_t next_state(struct smtp_content *c, char byte)
{
    switch (c->header_state) {
    case FIELD_NAME:
        if (byte == ':')
            return VALUE;
        if (is_blank(byte)) /* RFC 5322 §4.5.8 */
            return FIELD_NAME;
        break;
    case OTHER:
        break;
    case BLANK_CR:
        if (byte == '\n')
            return DONE;
        break;
    case VALUE_LF:
        if (!is_blank(byte)) {
            trim(c);
            return DONE;
        }
        return value_byte(c, byte);
    case VALUE:
        return value_byte(c, byte);
    case DONE:
        return DONE;
    case LINE_START:
        if (byte == '\r')
            return BLANK_CR;
        if (byte == '\n')
            return DONE;
        /* fall through */
    default:
        if (char_lower(byte) == field_name[c->header_state])
            return (uint8_t)(c->header_state + 1);
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
