/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands and replies as bytes. */
#include "app/smtp/format.h"

#include "app/smtp/chars.h"
#include "app/smtp/path.h"
#include "app/smtp/writer.h"

static size_t end_line(struct smtp_writer *w)
{
    smtp_write_crlf(w);
    return smtp_written(w);
}

static void write_name(struct smtp_writer *w, struct span name)
{
    if (!smtp_is_domain(name) && !smtp_is_address_literal(name))
        w->failed = true;
    smtp_write(w, name);
}

/* What is an address holds no bracket outside quotes: this path ends where we end it. */
static void write_path(struct smtp_writer *w, struct span address)
{
    if (!smtp_is_address(address))
        w->failed = true;
    smtp_write_word(w, "<");
    smtp_write(w, address);
    smtp_write_word(w, ">");
}

static size_t hello(char *buf, size_t size, const char *verb, struct span name)
{
    struct smtp_writer w = smtp_writer(buf, size);
    smtp_write_word(&w, verb);
    write_name(&w, name);
    return end_line(&w);
}

size_t smtp_format_ehlo(char *buf, size_t size, struct span name)
{
    return hello(buf, size, "EHLO ", name);
}

size_t smtp_format_helo(char *buf, size_t size, struct span name)
{
    return hello(buf, size, "HELO ", name);
}

size_t smtp_format_mail(char *buf, size_t size, struct span address, uint64_t message_size,
                        enum smtp_body body)
{
    static const char *const bodies[] = {
        [SMTP_BODY_UNSPECIFIED] = "",
        [SMTP_BODY_7BIT] = " BODY=7BIT",
        [SMTP_BODY_8BITMIME] = " BODY=8BITMIME",
    };
    struct smtp_writer w = smtp_writer(buf, size);
    smtp_write_word(&w, "MAIL FROM:");
    write_path(&w, address);
    if (message_size > 0) {
        smtp_write_word(&w, " SIZE=");
        smtp_write_number(&w, message_size);
    }
    smtp_write_word(&w, bodies[body]);
    return end_line(&w);
}

size_t smtp_format_rcpt(char *buf, size_t size, struct span address)
{
    struct smtp_writer w = smtp_writer(buf, size);
    w.failed = address.len == 0;
    smtp_write_word(&w, "RCPT TO:");
    write_path(&w, address);
    return end_line(&w);
}

size_t smtp_format_verb(char *buf, size_t size, enum smtp_verb verb)
{
    struct smtp_writer w = smtp_writer(buf, size);
    w.failed = verb != SMTP_DATA && verb != SMTP_RSET && verb != SMTP_NOOP && verb != SMTP_QUIT;
    smtp_write_word(&w, smtp_verb_name(verb));
    return end_line(&w);
}

size_t smtp_format_greeting(char *buf, size_t size, struct span hostname)
{
    struct smtp_writer w = smtp_writer(buf, size);
    smtp_write_word(&w, "220 ");
    write_name(&w, hostname);
    smtp_write_word(&w, " ESMTP SplitMX");
    return end_line(&w);
}

size_t smtp_format_ehlo_reply(char *buf, size_t size, const struct smtp_policy *policy)
{
    const struct {
        bool offered;
        const char *keyword;
    } extensions[] = {
        {policy->pipelining, "PIPELINING"},
        {policy->size, "SIZE"},
        {policy->eightbitmime, "8BITMIME"},
        {policy->enhanced_codes, "ENHANCEDSTATUSCODES"},
        {policy->xclient, "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"},
    };
    size_t left = 0;
    for (size_t i = 0; i < COUNT_OF(extensions); i++)
        left += extensions[i].offered;

    struct smtp_writer w = smtp_writer(buf, size);
    smtp_write_word(&w, left > 0 ? "250-" : "250 ");
    write_name(&w, policy->hostname);
    smtp_write_crlf(&w);
    for (size_t i = 0; i < COUNT_OF(extensions); i++) {
        if (!extensions[i].offered)
            continue;
        smtp_write_word(&w, --left > 0 ? "250-" : "250 ");
        smtp_write_word(&w, extensions[i].keyword);
        if (strcmp(extensions[i].keyword, "SIZE") == 0 && policy->size_limit > 0) {
            smtp_write_word(&w, " ");
            smtp_write_number(&w, policy->size_limit);
        }
        smtp_write_crlf(&w);
    }
    return smtp_written(&w);
}

size_t smtp_format_helo_reply(char *buf, size_t size, struct span hostname)
{
    struct smtp_writer w = smtp_writer(buf, size);
    smtp_write_word(&w, "250 ");
    write_name(&w, hostname);
    return end_line(&w);
}

size_t smtp_format_reply(char *buf, size_t size, struct span line)
{
    struct smtp_writer w = smtp_writer(buf, size);
    struct span rest = line;
    w.failed = line.len + strlen("\r\n") > SMTP_REPLY_LINE_MAX ||
               span_take_while(&rest, char_is_digit).len != 3 || rest.len == 0 || rest.at[0] != ' ';
    smtp_write(&w, line);
    return end_line(&w);
}
