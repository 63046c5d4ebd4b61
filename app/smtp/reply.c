/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsing of replies as their bytes arrive, and of what an EHLO reply offers. */
#include "app/smtp/reply.h"

#include <string.h>

#include "app/smtp/chars.h"
#include "app/smtp/identity.h"

#define CODE_LEN 3
#define CRLF_LEN 2

/* Text of a line, without CRLF, that is no longer than lines may be. */
#define TEXT_MAX (SMTP_REPLY_LINE_MAX - CRLF_LEN)

/* Reply-code of RFC 5321 §4.2, with a second digit beyond 5, and without the 1yz that SMTP never
 * had; 0 if it is none. */
static uint16_t parse_code(struct span line)
{
    if (line.len < CODE_LEN || line.at[0] < '2' || line.at[0] > '5' || !char_is_digit(line.at[1]) ||
        !char_is_digit(line.at[2]))
        return 0;
    return (uint16_t)((line.at[0] - '0') * 100 + (line.at[1] - '0') * 10 + (line.at[2] - '0'));
}

/* 1*3DIGIT of RFC 3463 §2. */
static bool take_number(struct span *rest, uint16_t *out)
{
    struct span digits = span_take_while(rest, char_is_digit);
    if (digits.len == 0 || digits.len > 3)
        return false;
    *out = 0;
    for (size_t i = 0; i < digits.len; i++)
        *out = (uint16_t)(*out * 10 + (digits.at[i] - '0'));
    return true;
}

static bool take_dot(struct span *rest)
{
    if (rest->len == 0 || rest->at[0] != '.')
        return false;
    span_take(rest, 1);
    return true;
}

/* status-code = class "." subject "." detail (RFC 3463 §2), then a space or nothing. Leaves the
 * human text in `rest`, which is untouched if there is no such code or if its class contradicts the
 * reply's (RFC 2034 §4). */
static struct smtp_enhanced take_enhanced(struct span *rest, uint16_t code)
{
    const struct smtp_enhanced none = {0};
    struct smtp_enhanced e;
    struct span text = *rest;
    uint16_t klass;
    if (!take_number(&text, &klass) || !take_dot(&text) || !take_number(&text, &e.subject) ||
        !take_dot(&text) || !take_number(&text, &e.detail))
        return none;
    if (klass != code / 100 || klass == 3 || (text.len > 0 && text.at[0] != ' '))
        return none;
    if (text.len > 0)
        span_take(&text, 1);
    e.klass = klass;
    *rest = text;
    return e;
}

/* Keep a line, in its canonical form: "250-text" or "250 text", and CRLF. Where there is only a
 * code, which is then the last line, end_text() fills the room for its space. */
static void keep_line(struct smtp_reply *r, struct span line)
{
    bool code_only = line.len == CODE_LEN;
    size_t len = line.len + code_only + CRLF_LEN;
    if (r->truncated || r->len + len > sizeof(r->text)) {
        r->truncated = true; /* and nothing behind a gap */
        return;
    }
    char *to = r->text + r->len;
    memcpy(to, line.at, line.len);
    memcpy(to + len - CRLF_LEN, "\r\n", CRLF_LEN);
    r->last = r->len;
    r->len = (uint16_t)(r->len + len);
}

/* The last line that was kept becomes the last line of the reply. */
static void end_text(struct smtp_reply *r)
{
    r->text[r->last + CODE_LEN] = ' ';
}

static enum smtp_reply_state end_line(struct smtp_reply *r, struct span line)
{
    while (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    if (line.len > TEXT_MAX || memchr(line.at, '\r', line.len) != NULL)
        return SMTP_REPLY_MALFORMED;

    uint16_t code = parse_code(line);
    if (code == 0 || (r->lines > 0 && code != r->code) || r->lines == SMTP_REPLY_LINES_MAX)
        return SMTP_REPLY_MALFORMED;
    bool last = line.len == CODE_LEN || line.at[CODE_LEN] == ' ';
    if (!last && line.at[CODE_LEN] != '-')
        return SMTP_REPLY_MALFORMED;

    keep_line(r, line);
    if (r->lines++ == 0) {
        r->code = code;
        if (line.len > CODE_LEN) {
            span_take(&line, CODE_LEN + 1);
            r->enhanced = take_enhanced(&line, code);
        }
    }
    if (!last)
        return SMTP_REPLY_MORE;
    end_text(r);
    return SMTP_REPLY_COMPLETE;
}

enum smtp_reply_state smtp_reply_feed(struct smtp_reply *r, const uint8_t *data, size_t len,
                                      size_t *used)
{
    *used = 0;
    while (*used < len) {
        const uint8_t *from = data + *used;
        const uint8_t *lf = memchr(from, '\n', len - *used);
        size_t n = lf != NULL ? (size_t)(lf - from) : len - *used;
        /* Room for all of a line but its LF. */
        if (n > SMTP_REPLY_LINE_MAX - 1u - r->line_len || memchr(from, '\0', n) != NULL)
            return SMTP_REPLY_MALFORMED;
        *used += n;
        struct span line = {(const char *)from, n};
        if (lf == NULL || r->line_len > 0) {
            memcpy(r->line + r->line_len, from, n);
            r->line_len = (uint16_t)(r->line_len + n);
            line = (struct span){r->line, r->line_len};
        }
        if (lf == NULL)
            break;
        ++*used;
        r->line_len = 0;
        enum smtp_reply_state state = end_line(r, line);
        if (state != SMTP_REPLY_MORE)
            return state;
    }
    return SMTP_REPLY_MORE;
}

/* Take a line of r->text, without its CRLF and its code. */
static struct span take_text_line(struct span *text)
{
    const char *lf = memchr(text->at, '\n', text->len);
    struct span line = span_take(text, (size_t)(lf - text->at) + 1);
    line.len -= CRLF_LEN;
    span_take(&line, CODE_LEN + 1);
    return line;
}

struct span smtp_reply_message(const struct smtp_reply *r)
{
    struct span text = {r->text, r->len};
    if (text.len == 0)
        return (struct span){"", 0};
    struct span line = take_text_line(&text);
    take_enhanced(&line, r->code);
    return line;
}

/* size-param = [1*DIGIT] (RFC 1870 §3). What is not one is no limit that we know of. */
static uint64_t parse_size_limit(struct span value)
{
    uint64_t limit = 0;
    if (!span_is_all(value, char_is_digit))
        return 0;
    for (size_t i = 0; i < value.len; i++) {
        if (__builtin_mul_overflow(limit, 10, &limit) ||
            __builtin_add_overflow(limit, (uint64_t)(value.at[i] - '0'), &limit))
            return 0;
    }
    return limit;
}

/* limit-param of RFC 9422 §3: a number from 1 to 999999; what is not one says nothing. */
static void set_limit(struct span word, const char *name, uint32_t *limit)
{
    uint32_t value = 0;
    if (!span_begins(word, name))
        return;
    span_take(&word, strlen(name));
    if (word.len == 0 || word.len > 6 || !span_is_all(word, char_is_digit))
        return;
    for (size_t i = 0; i < word.len; i++)
        value = value * 10 + (uint32_t)(word.at[i] - '0');
    *limit = value;
}

static bool is_no_blank(char c)
{
    return c != ' ';
}

static void parse_limits(struct span rest, struct smtp_extensions *out)
{
    while (rest.len > 0) {
        struct span word = span_take_while(&rest, is_no_blank);
        set_limit(word, "MAILMAX=", &out->mail_max);
        set_limit(word, "RCPTMAX=", &out->rcpt_max);
        set_limit(word, "RCPTDOMAINMAX=", &out->rcpt_domain_max);
        if (rest.len > 0)
            span_take(&rest, 1);
    }
}

static const struct {
    enum smtp_extension extension;
    size_t flag; /* offset of its bool */
} extensions[] = {
    {SMTP_PIPELINING, offsetof(struct smtp_extensions, pipelining)},
    {SMTP_8BITMIME, offsetof(struct smtp_extensions, eightbitmime)},
    {SMTP_ENHANCED_CODES, offsetof(struct smtp_extensions, enhanced_codes)},
    {SMTP_SIZE, offsetof(struct smtp_extensions, size)},
    {SMTP_SMTPUTF8, offsetof(struct smtp_extensions, smtputf8)},
    {SMTP_CHUNKING, offsetof(struct smtp_extensions, chunking)},
    {SMTP_BINARYMIME, offsetof(struct smtp_extensions, binarymime)},
    {SMTP_DSN, offsetof(struct smtp_extensions, dsn)},
    {SMTP_LIMITS, offsetof(struct smtp_extensions, limits)},
};

smtp_extension_set smtp_extensions_offered(const struct smtp_extensions *e)
{
    smtp_extension_set offered = 0;
    for (size_t i = 0; i < COUNT_OF(extensions); i++)
        if (*(const bool *)((const char *)e + extensions[i].flag))
            offered |= smtp_set(extensions[i].extension);
    return offered;
}

struct smtp_extensions smtp_extensions_parse(const struct smtp_reply *ehlo)
{
    struct smtp_extensions found = {0};
    struct span text = {ehlo->text, ehlo->len};
    if (ehlo->code != 250 || text.len == 0)
        return found;
    take_text_line(&text); /* the greeting: RFC 5321 §4.1.1.1 */
    while (text.len > 0) {
        struct span line = take_text_line(&text);
        struct span keyword = span_take_while(&line, char_is_graph);
        for (size_t i = 0; i < COUNT_OF(extensions); i++)
            if (span_is(keyword, smtp_extension_keyword(extensions[i].extension)))
                *(bool *)((char *)&found + extensions[i].flag) = true;
        if (span_is(keyword, "STARTTLS"))
            found.starttls = true;
        if (span_is(keyword, "LIMITS"))
            parse_limits(line, &found);
        if (span_is(keyword, "XCLIENT"))
            found.xclient = smtp_identity_offered(line);
        if (span_is(keyword, "XFORWARD"))
            found.xforward = smtp_identity_offered(line);
        if (span_is(keyword, "SIZE") && line.len > 0) {
            span_take(&line, 1);
            found.size_limit = parse_size_limit(line);
        }
    }
    return found;
}
