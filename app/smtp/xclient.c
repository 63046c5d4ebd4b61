/* SPDX-License-Identifier: BSD-3-Clause */
/* XCLIENT's attributes and their values. */
#include "app/smtp/xclient.h"

#include "app/smtp/chars.h"

const char *smtp_attribute_name(enum smtp_attribute attribute)
{
#define ATTRIBUTE_NAME(name, text) [name] = text,
    static const char *const names[] = {SMTP_ATTRIBUTES(ATTRIBUTE_NAME)};
    return names[attribute];
}

/* ---------------------------------------------------------------------------------- values -- */

/* Decode xtext in text of a NUL's length beyond `size`: false if it is none or too long. */
static bool decode(struct span value, char *buf, size_t size, size_t *len)
{
    size_t n = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        if (c == '+') {
            int high = i + 2 < value.len ? char_hex_digit(value.at[i + 1]) : -1;
            int low = i + 2 < value.len ? char_hex_digit(value.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (!char_is_graph(c) || c == '=') {
            return false;
        }
        if (n == size)
            return false;
        buf[n++] = c;
    }
    *len = n;
    return n > 0;
}

static bool is_unavailable(struct span value)
{
    return span_is(value, "[UNAVAILABLE]") || span_is(value, "[TEMPUNAVAIL]");
}

static bool set_name(struct span value, char name[SMTP_DOMAIN_MAX + 1])
{
    size_t len;
    if (!decode(value, name, SMTP_DOMAIN_MAX, &len) || !smtp_is_domain((struct span){name, len}))
        return false;
    name[len] = '\0';
    return true;
}

static bool set_helo(struct span value, char helo[SMTP_DOMAIN_MAX + 1])
{
    size_t len;
    if (!decode(value, helo, SMTP_DOMAIN_MAX, &len))
        return false;
    for (size_t i = 0; i < len; i++)
        helo[i] = char_is_print(helo[i]) ? helo[i] : '?';
    helo[len] = '\0';
    return true;
}

static bool set_address(struct span value, struct ip_addr *out)
{
    char text[ADDR_TEXT_SIZE];
    struct span address = {text, 0};
    if (!decode(value, text, sizeof(text), &address.len))
        return false;
    bool v6 = span_begins(address, "IPV6:");
    if (v6)
        span_take(&address, strlen("IPV6:"));
    bool colon = address.len > 0 && memchr(address.at, ':', address.len) != NULL;
    return v6 == colon && ip_addr_parse(address.at, address.len, out);
}

static bool set_port(struct span value, uint16_t *out)
{
    char digits[5];
    size_t len;
    unsigned port = 0;
    if (!decode(value, digits, sizeof(digits), &len))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!char_is_digit(digits[i]))
            return false;
        port = port * 10 + (unsigned)(digits[i] - '0');
    }
    *out = (uint16_t)port;
    return port <= UINT16_MAX;
}

static bool is_any_text(struct span value)
{
    char text[SMTP_DOMAIN_MAX];
    size_t len;
    return decode(value, text, sizeof(text), &len);
}

static bool set(enum smtp_attribute attribute, struct span value, struct smtp_xclient *out)
{
    if (is_unavailable(value))
        return true; /* zero or empty */
    switch (attribute) {
    case SMTP_ATTRIBUTE_NAME:
        return set_name(value, out->name);
    case SMTP_ATTRIBUTE_ADDR:
        return set_address(value, &out->client.addr);
    case SMTP_ATTRIBUTE_PORT:
        return set_port(value, &out->client.port);
    case SMTP_ATTRIBUTE_PROTO:
        return span_is(value, "SMTP") || span_is(value, "ESMTP");
    case SMTP_ATTRIBUTE_HELO:
        return set_helo(value, out->helo);
    case SMTP_ATTRIBUTE_LOGIN:
        return is_any_text(value);
    case SMTP_ATTRIBUTE_DESTADDR:
        return set_address(value, &out->server.addr);
    case SMTP_ATTRIBUTE_DESTPORT:
        return set_port(value, &out->server.port);
    case SMTP_ATTRIBUTE_COUNT:
        break;
    }
    return false;
}

/* -------------------------------------------------------------------------------- argument -- */

static bool is_name_char(char c)
{
    return char_is_alnum(c);
}

static bool is_value_char(char c)
{
    return c != ' ';
}

static enum smtp_attribute attribute_of(struct span word)
{
    enum smtp_attribute a = 0;
    while (a < SMTP_ATTRIBUTE_COUNT && !span_is(word, smtp_attribute_name(a)))
        a++;
    return a;
}

bool smtp_xclient_parse(struct span argument, struct smtp_xclient *out)
{
    memset(out, 0, sizeof(*out));
    out->client.addr = out->server.addr = ip_addr_from_v4(0);
    while (argument.len > 0) {
        enum smtp_attribute a = attribute_of(span_take_while(&argument, is_name_char));
        if (a == SMTP_ATTRIBUTE_COUNT || (out->given & 1u << a) != 0 || argument.len == 0 ||
            argument.at[0] != '=')
            return false;
        span_take(&argument, 1);
        if (!set(a, span_take_while(&argument, is_value_char), out))
            return false;
        out->given |= 1u << a;
        while (argument.len > 0 && argument.at[0] == ' ')
            span_take(&argument, 1);
    }
    return out->given != 0;
}
