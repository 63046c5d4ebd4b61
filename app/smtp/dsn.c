/* SPDX-License-Identifier: BSD-3-Clause */
/* The values of RFC 3461's parameters. */
#include "app/smtp/dsn.h"

#include "app/smtp/chars.h"

bool smtp_ret_parse(struct span value, enum smtp_ret *out)
{
    if (span_is(value, "FULL"))
        *out = SMTP_RET_FULL;
    else if (span_is(value, "HDRS"))
        *out = SMTP_RET_HDRS;
    else
        return false;
    return true;
}

static unsigned notify_keyword(struct span word)
{
    if (span_is(word, "NEVER"))
        return SMTP_NOTIFY_NEVER;
    if (span_is(word, "SUCCESS"))
        return SMTP_NOTIFY_SUCCESS;
    if (span_is(word, "FAILURE"))
        return SMTP_NOTIFY_FAILURE;
    return span_is(word, "DELAY") ? SMTP_NOTIFY_DELAY : 0;
}

static bool is_no_comma(char c)
{
    return c != ',';
}

/* "NEVER" / 1#("SUCCESS" / "FAILURE" / "DELAY"). One that is said twice is still said. */
bool smtp_notify_parse(struct span value, unsigned *out)
{
    *out = 0;
    for (;;) {
        unsigned keyword = notify_keyword(span_take_while(&value, is_no_comma));
        if (keyword == 0)
            return false;
        *out |= keyword;
        if (value.len == 0)
            return (*out & SMTP_NOTIFY_NEVER) == 0 || *out == SMTP_NOTIFY_NEVER;
        span_take(&value, 1);
    }
}

static bool is_hex(char c)
{
    return char_is_digit(c) || (c >= 'A' && c <= 'F');
}

/* xtext = *( xchar / hexchar ), and UTF-8 if that is allowed. */
static bool is_xtext(struct span text, bool utf8)
{
    while (text.len > 0) {
        size_t beyond = char_utf8(text);
        if (beyond > 0 && utf8)
            span_take(&text, beyond);
        else if (!char_is_graph(text.at[0]) || text.at[0] == '=')
            return false;
        else if (text.at[0] != '+')
            span_take(&text, 1);
        else if (text.len < 3 || !is_hex(text.at[1]) || !is_hex(text.at[2]))
            return false;
        else
            span_take(&text, 3);
    }
    return true;
}

bool smtp_is_envid(struct span value)
{
    return value.len > 0 && value.len <= SMTP_ENVID_MAX && is_xtext(value, false);
}

/* addr-type ";" xtext, where addr-type = atom. */
bool smtp_is_orcpt(struct span value, bool utf8)
{
    if (value.len > SMTP_ORCPT_MAX)
        return false;
    struct span type = span_take_while(&value, char_is_atext);
    if (type.len == 0 || value.len < 2 || value.at[0] != ';')
        return false;
    span_take(&value, 1);
    return is_xtext(value, utf8 && span_is(type, "utf-8"));
}
