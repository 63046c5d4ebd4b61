/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Command lines. The input is what a client sends: it is cut into lines as a session does, and each
 * line is parsed. What is accepted is clean, within its limits, inside the line, and survives being
 * written and parsed again.
 */
#include <string.h>

#include "app/smtp/command.h"
#include "app/smtp/format.h"
#include "fuzz.h"

static void check_span(struct span s, const char *line, size_t len, bool utf8)
{
    if (s.len > 0)
        FUZZ_CHECK(s.at >= line && s.at + s.len <= line + len);
    for (size_t i = 0; i < s.len; i++)
        FUZZ_CHECK((s.at[i] >= ' ' && s.at[i] <= '~') || (utf8 && (s.at[i] & 0x80) != 0));
}

static void check_path(const struct smtp_path *path, size_t local_max)
{
    FUZZ_CHECK(path->local.len <= local_max && path->domain.len <= SMTP_DOMAIN_MAX);
    FUZZ_CHECK(path->address.len + 2 <= SMTP_PATH_MAX);
    size_t at = path->domain.len > 0; /* the sign */
    FUZZ_CHECK(path->address.len == path->local.len + at + path->domain.len);
    FUZZ_CHECK(path->quoted == (path->local.len > 0 && path->local.at[0] == '"'));
    FUZZ_CHECK(smtp_is_utf8_address(path->address));
    FUZZ_CHECK(path->utf8 || smtp_is_address(path->address));
}

static void check_same(struct span a, struct span b)
{
    FUZZ_CHECK(a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0));
}

/* Written by our client and read by our server, a command says the same. */
static void check_round_trip(const struct smtp_command *c)
{
    char line[SMTP_LINE_MAX];
    struct smtp_command again;
    size_t len = c->verb == SMTP_MAIL
                     ? smtp_format_mail(line, sizeof(line), c->path.address, &c->mail)
                     : smtp_format_rcpt(line, sizeof(line), c->path.address,
                                        smtp_command_is_utf8(c), &c->rcpt);
    FUZZ_CHECK(len > 2);
    FUZZ_CHECK(smtp_command_parse(line, len - 2, SMTP_EXTENSIONS_ALL, &again) == SMTP_COMMAND_OK);
    FUZZ_CHECK(again.verb == c->verb && again.mail.size == c->mail.size);
    FUZZ_CHECK(again.mail.body == c->mail.body && again.mail.utf8 == c->mail.utf8);
    FUZZ_CHECK(again.mail.ret == c->mail.ret && again.rcpt.notify == c->rcpt.notify);
    check_same(again.mail.envid, c->mail.envid);
    check_same(again.rcpt.orcpt, c->rcpt.orcpt);
    FUZZ_CHECK(again.path.address.len == c->path.address.len);
    FUZZ_CHECK(memcmp(again.path.address.at, c->path.address.at, c->path.address.len) == 0);
    FUZZ_CHECK(again.path.local.len == c->path.local.len && again.path.quoted == c->path.quoted);
    FUZZ_CHECK(!again.path.source_route);
}

static void check_line(const char *line, size_t len, smtp_extension_set offered)
{
    bool utf8 = (offered & smtp_set(SMTP_SMTPUTF8)) != 0;
    struct smtp_command c;
    enum smtp_command_error error = smtp_command_parse(line, len, offered, &c);
    FUZZ_CHECK(error < SMTP_COMMAND_ERROR_COUNT && c.verb <= SMTP_UNKNOWN);
    FUZZ_CHECK((error == SMTP_COMMAND_OK) == (smtp_command_error_reply(error)[0] == '\0'));
    if (error != SMTP_COMMAND_OK) {
        FUZZ_CHECK(c.argument.len == 0 && c.path.address.len == 0 && c.mail.size == 0);
        return;
    }
    FUZZ_CHECK(c.verb != SMTP_UNKNOWN && len + 2 <= SMTP_LINE_MAX);
    FUZZ_CHECK(offered != 0 || (c.mail.size == 0 && c.mail.body == SMTP_BODY_UNSPECIFIED &&
                                !c.mail.utf8 && c.mail.envid.len == 0 && c.rcpt.notify == 0));
    FUZZ_CHECK(c.verb != SMTP_MAIL || !c.path.utf8 || c.mail.utf8);
    check_span(c.argument, line, len, false);
    check_span(c.path.address, line, len, utf8);
    check_span(c.path.local, line, len, utf8);
    check_span(c.path.domain, line, len, utf8);
    check_span(c.mail.envid, line, len, false);
    check_span(c.rcpt.orcpt, line, len, utf8);
    if (c.verb == SMTP_MAIL || c.verb == SMTP_RCPT) {
        check_path(&c.path, c.verb == SMTP_MAIL ? SMTP_PATH_MAX : SMTP_LOCAL_PART_MAX);
        check_round_trip(&c);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    while (size > 0) {
        bool bare;
        size_t len = smtp_line_length(text, size, &bare);
        size_t line = len > 0 ? len : size;
        if (!bare && len > 0) {
            FUZZ_CHECK(len >= 2 && text[len - 2] == '\r' && text[len - 1] == '\n');
            line -= 2;
            FUZZ_CHECK(memchr(text, '\r', line) == NULL && memchr(text, '\n', line) == NULL);
        }
        check_line(text, line, SMTP_EXTENSIONS_ALL);
        check_line(text, line, SMTP_EXTENSIONS_ALL & ~smtp_set(SMTP_SMTPUTF8));
        check_line(text, line, 0);
        text += len > 0 ? len : size;
        size -= len > 0 ? len : size;
    }
    return 0;
}
