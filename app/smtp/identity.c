/* SPDX-License-Identifier: BSD-3-Clause */
/* XCLIENT and XFORWARD as we say them. */
#include "app/smtp/identity.h"

#include "app/smtp/chars.h"
#include "app/smtp/command.h"
#include "app/smtp/writer.h"
#include "app/smtp/xclient.h"

bool smtp_identity_equal(const struct smtp_identity *a, const struct smtp_identity *b)
{
    return endpoint_equal(&a->client, &b->client) && endpoint_equal(&a->server, &b->server) &&
           a->extended == b->extended && strcmp(a->name, b->name) == 0 &&
           strcmp(a->helo, b->helo) == 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

uint32_t smtp_identity_offered(struct span parameters)
{
    uint32_t offered = 0;
    while (parameters.len > 0) {
        if (span_take_while(&parameters, is_space).len > 0)
            continue;
        struct span word = span_take_while(&parameters, char_is_graph);
        if (word.len == 0)
            break;
        for (enum smtp_attribute a = 0; a < SMTP_ATTRIBUTE_COUNT; a++)
            if (span_is(word, smtp_attribute_name(a)))
                offered |= 1u << a;
    }
    return offered;
}

/* Every byte that is not plainly a character of the value goes out as +XX. */
static void write_xtext(struct smtp_writer *w, const char *text)
{
    for (; *text != '\0'; text++) {
        uint8_t c = (uint8_t)*text;
        char encoded[] = {'+', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
        bool plain = char_is_alnum(*text) || c == '.' || c == '-' || c == '_' || c == ':';
        smtp_write(w, plain ? (struct span){text, 1} : (struct span){encoded, sizeof(encoded)});
    }
}

static void write_text(struct smtp_writer *w, const char *text)
{
    if (text[0] != '\0')
        write_xtext(w, text);
    else
        smtp_write_word(w, "[UNAVAILABLE]");
}

static void write_address(struct smtp_writer *w, const struct ip_addr *a)
{
    char text[ADDR_TEXT_SIZE];
    if (ip_addr_is_any(a)) {
        smtp_write_word(w, "[UNAVAILABLE]");
        return;
    }
    smtp_write_word(w, ip_addr_is_v4(a) ? "" : "IPV6:");
    smtp_write_word(w, ip_addr_format(a, text));
}

static void write_port(struct smtp_writer *w, uint16_t port)
{
    if (port == 0)
        smtp_write_word(w, "[UNAVAILABLE]");
    else
        smtp_write_number(w, port);
}

static void write_value(struct smtp_writer *w, enum smtp_attribute a,
                        const struct smtp_identity *id)
{
    switch (a) {
    case SMTP_ATTRIBUTE_NAME:
        write_text(w, id->name);
        break;
    case SMTP_ATTRIBUTE_ADDR:
        write_address(w, &id->client.addr);
        break;
    case SMTP_ATTRIBUTE_PORT:
        write_port(w, id->client.port);
        break;
    case SMTP_ATTRIBUTE_PROTO:
        smtp_write_word(w, id->extended ? "ESMTP" : "SMTP");
        break;
    case SMTP_ATTRIBUTE_HELO:
        write_text(w, id->helo);
        break;
    case SMTP_ATTRIBUTE_LOGIN:
        smtp_write_word(w, "[UNAVAILABLE]");
        break;
    case SMTP_ATTRIBUTE_DESTADDR:
        write_address(w, &id->server.addr);
        break;
    case SMTP_ATTRIBUTE_DESTPORT:
        write_port(w, id->server.port);
        break;
    case SMTP_ATTRIBUTE_COUNT:
        break;
    }
}

static size_t format(char *buf, size_t size, const char *verb, uint32_t offered,
                     const struct smtp_identity *id)
{
    struct smtp_writer w = smtp_writer(buf, size);
    smtp_write_word(&w, verb);
    w.failed |= offered == 0;
    for (enum smtp_attribute a = 0; a < SMTP_ATTRIBUTE_COUNT; a++) {
        if ((offered & 1u << a) == 0)
            continue;
        smtp_write_word(&w, " ");
        smtp_write_word(&w, smtp_attribute_name(a));
        smtp_write_word(&w, "=");
        write_value(&w, a, id);
    }
    smtp_write_crlf(&w);
    return smtp_written(&w);
}

size_t smtp_format_identity(char *buf, size_t size, enum smtp_identity_kind kind, uint32_t offered,
                            const struct smtp_identity *identity)
{
    const char *verb = kind == IDENTITY_XCLIENT ? "XCLIENT" : "XFORWARD";
    struct smtp_identity shorter;
    size_t room = size < SMTP_COMMAND_LINE_MAX ? size : SMTP_COMMAND_LINE_MAX;
    size_t len = format(buf, room, verb, offered, identity);
    if (len > 0)
        return len;
    shorter = *identity;
    shorter.helo[0] = '\0';
    len = format(buf, room, verb, offered, &shorter);
    if (len > 0)
        return len;
    shorter.name[0] = '\0';
    return format(buf, room, verb, offered, &shorter);
}
