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

/* Text that has been judged: `good` says how. */
static void write_judged(struct smtp_writer *w, struct span text, bool good)
{
    if (good)
        smtp_append(w, text.at, text.len);
    else
        w->failed = true;
}

/* What is an address holds no bracket outside quotes: this path ends where we end it. */
static void write_path(struct smtp_writer *w, struct span address, bool utf8)
{
    smtp_write_word(w, "<");
    write_judged(w, address, utf8 ? smtp_is_utf8_address(address) : smtp_is_address(address));
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

static void write_mail_parameters(struct smtp_writer *w, const struct smtp_mail_parameters *p)
{
    static const char *const bodies[] = {
        [SMTP_BODY_UNSPECIFIED] = "",
        [SMTP_BODY_7BIT] = " BODY=7BIT",
        [SMTP_BODY_8BITMIME] = " BODY=8BITMIME",
        [SMTP_BODY_BINARYMIME] = " BODY=BINARYMIME",
    };
    static const char *const rets[] = {
        [SMTP_RET_UNSPECIFIED] = "",
        [SMTP_RET_FULL] = " RET=FULL",
        [SMTP_RET_HDRS] = " RET=HDRS",
    };
    if (p->size > 0) {
        smtp_write_word(w, " SIZE=");
        smtp_write_number(w, p->size);
    }
    smtp_write_word(w, bodies[p->body]);
    if (p->utf8)
        smtp_write_word(w, " SMTPUTF8");
    smtp_write_word(w, rets[p->ret]);
    if (p->envid.len > 0) {
        smtp_write_word(w, " ENVID=");
        write_judged(w, p->envid, smtp_is_envid(p->envid));
    }
}

size_t smtp_format_mail(char *buf, size_t size, struct span address,
                        const struct smtp_mail_parameters *parameters)
{
    struct smtp_writer w = smtp_writer(buf, size);
    smtp_write_word(&w, "MAIL FROM:");
    write_path(&w, address, parameters != NULL && parameters->utf8);
    if (parameters != NULL)
        write_mail_parameters(&w, parameters);
    return end_line(&w);
}

static void write_rcpt_parameters(struct smtp_writer *w, const struct smtp_rcpt_parameters *p,
                                  bool utf8)
{
    static const struct {
        enum smtp_notify notify;
        const char *keyword;
    } keywords[] = {
        {SMTP_NOTIFY_NEVER, "NEVER"},
        {SMTP_NOTIFY_SUCCESS, "SUCCESS"},
        {SMTP_NOTIFY_FAILURE, "FAILURE"},
        {SMTP_NOTIFY_DELAY, "DELAY"},
    };
    const char *separator = " NOTIFY=";
    for (size_t i = 0; i < COUNT_OF(keywords); i++) {
        if ((p->notify & keywords[i].notify) == 0)
            continue;
        smtp_write_word(w, separator);
        smtp_write_word(w, keywords[i].keyword);
        separator = ",";
    }
    if (p->orcpt.len > 0) {
        smtp_write_word(w, " ORCPT=");
        write_judged(w, p->orcpt, smtp_is_orcpt(p->orcpt, utf8));
    }
}

size_t smtp_format_rcpt(char *buf, size_t size, struct span address, bool utf8,
                        const struct smtp_rcpt_parameters *parameters)
{
    struct smtp_writer w = smtp_writer(buf, size);
    w.failed = address.len == 0;
    smtp_write_word(&w, "RCPT TO:");
    write_path(&w, address, utf8);
    if (parameters != NULL)
        write_rcpt_parameters(&w, parameters, utf8);
    return end_line(&w);
}

size_t smtp_format_bdat(char *buf, size_t size, uint64_t octets)
{
    struct smtp_writer w = smtp_writer(buf, size);
    smtp_write_word(&w, "BDAT ");
    smtp_write_number(&w, octets);
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

/* What follows the keyword of an extension. */
static void write_offer(struct smtp_writer *w, enum smtp_extension extension,
                        const struct smtp_policy *policy)
{
    smtp_write_word(w, smtp_extension_keyword(extension));
    if (extension == SMTP_SIZE && policy->size_limit > 0) {
        smtp_write_word(w, " ");
        smtp_write_number(w, policy->size_limit);
    }
    if (extension == SMTP_LIMITS) {
        smtp_write_word(w, " RCPTMAX=");
        smtp_write_number(w, policy->recipient_max);
    }
}

size_t smtp_format_ehlo_reply(char *buf, size_t size, const struct smtp_policy *policy)
{
    smtp_extension_set left = policy->offers;
    struct smtp_writer w = smtp_writer(buf, size);
    smtp_write_word(&w, left != 0 || policy->xclient ? "250-" : "250 ");
    write_name(&w, policy->hostname);
    smtp_write_crlf(&w);
    for (unsigned i = 0; i < SMTP_EXTENSION_COUNT; i++) {
        if ((policy->offers & smtp_set(i)) == 0)
            continue;
        left &= ~smtp_set(i);
        smtp_write_word(&w, left != 0 || policy->xclient ? "250-" : "250 ");
        write_offer(&w, i, policy);
        smtp_write_crlf(&w);
    }
    if (policy->xclient) {
        smtp_write_word(&w, "250 XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT");
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
