/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsing of command lines: a table of verbs, and a table of the parameters of MAIL and RCPT. */
#include "app/smtp/command.h"

#include <assert.h>

#include "app/smtp/chars.h"

#define CRLF_LEN 2

static const char *const error_replies[] = {
#define ERROR_REPLY(name, reply) [name] = reply,
    SMTP_COMMAND_ERRORS(ERROR_REPLY)
#undef ERROR_REPLY
};

const char *smtp_command_error_reply(enum smtp_command_error error)
{
    return error_replies[error];
}

static bool is_space(char c)
{
    return c == ' ';
}

static bool is_not_space(char c)
{
    return c != ' ';
}

static bool skip_spaces(struct span *rest)
{
    return span_take_while(rest, is_space).len > 0;
}

/* Without ASCII case. */
static bool skip_word(struct span *rest, const char *word)
{
    if (!span_begins(*rest, word))
        return false;
    span_take(rest, strlen(word));
    return true;
}

/*
 * Parameters of MAIL and RCPT (RFC 5321 §4.1.2: Mail-parameters, Rcpt-parameters). An extension
 * adds a row.
 */

/* 1*20DIGIT; what exceeds 64 bits is UINT64_MAX. */
static bool parse_octets(struct span value, uint64_t *out)
{
    const size_t digits_max = 20;
    if (value.len == 0 || value.len > digits_max || !span_is_all(value, char_is_digit))
        return false;
    uint64_t octets = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (__builtin_mul_overflow(octets, 10, &octets) ||
            __builtin_add_overflow(octets, (uint64_t)(value.at[i] - '0'), &octets)) {
            octets = UINT64_MAX;
            break;
        }
    }
    *out = octets;
    return true;
}

/* size-value = 1*20DIGIT (RFC 1870 §3). What exceeds 64 bits exceeds every limit just as well. */
static bool set_size(struct span value, struct smtp_command *out)
{
    return parse_octets(value, &out->mail.size);
}

/* RFC 6152 §3. */
static bool set_body(struct span value, struct smtp_command *out)
{
    if (span_is(value, "7BIT"))
        out->mail.body = SMTP_BODY_7BIT;
    else if (span_is(value, "8BITMIME"))
        out->mail.body = SMTP_BODY_8BITMIME;
    else if (span_is(value, "BINARYMIME"))
        out->mail.body = SMTP_BODY_BINARYMIME;
    else
        return false;
    return true;
}

/* RFC 6531 §3.4: it has no value. */
static bool set_utf8(struct span value, struct smtp_command *out)
{
    out->mail.utf8 = true;
    return value.len == 0;
}

static bool set_ret(struct span value, struct smtp_command *out)
{
    return smtp_ret_parse(value, &out->mail.ret);
}

static bool set_envid(struct span value, struct smtp_command *out)
{
    out->mail.envid = value;
    return smtp_is_envid(value);
}

static bool set_notify(struct span value, struct smtp_command *out)
{
    return smtp_notify_parse(value, &out->rcpt.notify);
}

static bool set_orcpt(struct span value, struct smtp_command *out)
{
    out->rcpt.orcpt = value;
    return smtp_is_orcpt(value, true);
}

static const struct parameter {
    enum smtp_extension extension;
    enum smtp_verb verb;
    const char *keyword;
    bool (*set)(struct span value, struct smtp_command *out); /* false: bad value, or none */
} parameters[] = {
    {SMTP_SIZE, SMTP_MAIL, "SIZE", set_size},         {SMTP_8BITMIME, SMTP_MAIL, "BODY", set_body},
    {SMTP_SMTPUTF8, SMTP_MAIL, "SMTPUTF8", set_utf8}, {SMTP_DSN, SMTP_MAIL, "RET", set_ret},
    {SMTP_DSN, SMTP_MAIL, "ENVID", set_envid},        {SMTP_DSN, SMTP_RCPT, "NOTIFY", set_notify},
    {SMTP_DSN, SMTP_RCPT, "ORCPT", set_orcpt},
};
static_assert(COUNT_OF(parameters) <= 32, "each has a bit in `seen`");

static bool is_keyword_char(char c)
{
    return char_is_alnum(c) || c == '-';
}

static bool is_value_char(char c)
{
    return char_is_graph(c) && c != '=';
}

/* esmtp-value, which SMTPUTF8 extends by what lies beyond ASCII (RFC 6531 §3.3). */
static struct span take_value(struct span *rest, bool utf8)
{
    const char *from = rest->at;
    size_t beyond;
    do {
        span_take_while(rest, is_value_char);
        beyond = utf8 ? char_utf8(*rest) : 0;
        span_take(rest, beyond);
    } while (beyond > 0);
    return (struct span){from, (size_t)(rest->at - from)};
}

/* esmtp-param = esmtp-keyword ["=" esmtp-value] */
static enum smtp_command_error take_parameter(struct span *rest, smtp_extension_set offered,
                                              uint32_t *seen, struct smtp_command *out)
{
    struct span keyword = span_take_while(rest, is_keyword_char);
    if (keyword.len == 0 || keyword.at[0] == '-')
        return SMTP_SYNTAX;
    struct span value = {rest->at, 0};
    if (rest->len > 0 && rest->at[0] == '=') {
        span_take(rest, 1);
        value = take_value(rest, (offered & smtp_set(SMTP_SMTPUTF8)) != 0);
        if (value.len == 0)
            return SMTP_SYNTAX;
    }
    if (rest->len > 0 && rest->at[0] != ' ')
        return SMTP_SYNTAX;

    for (size_t i = 0; i < COUNT_OF(parameters); i++) {
        if (parameters[i].verb != out->verb || !span_is(keyword, parameters[i].keyword) ||
            (offered & smtp_set(parameters[i].extension)) == 0)
            continue;
        if (*seen & UINT32_C(1) << i)
            return SMTP_BAD_PARAMETER; /* two values for one thing: which one is meant? */
        *seen |= UINT32_C(1) << i;
        return parameters[i].set(value, out) ? SMTP_COMMAND_OK : SMTP_BAD_PARAMETER;
    }
    return SMTP_UNKNOWN_PARAMETER;
}

static enum smtp_command_error parse_parameters(struct span rest, smtp_extension_set offered,
                                                struct smtp_command *out)
{
    uint32_t seen = 0;
    while (rest.len > 0) {
        if (!skip_spaces(&rest))
            return SMTP_SYNTAX;
        if (offered == 0)
            return SMTP_UNKNOWN_PARAMETER;
        enum smtp_command_error error = take_parameter(&rest, offered, &seen, out);
        if (error != SMTP_COMMAND_OK)
            return error;
    }
    return SMTP_COMMAND_OK;
}

/* Verbs. Each parser gets what follows the verb and its spaces, without trailing blanks. */

static enum smtp_command_error parse_nothing(struct span rest, smtp_extension_set offered,
                                             struct smtp_command *out)
{
    (void)offered, (void)out;
    return rest.len == 0 ? SMTP_COMMAND_OK : SMTP_SYNTAX;
}

/* BDAT SP chunk-size [SP "LAST"] (RFC 3030 §2) */
static enum smtp_command_error parse_bdat(struct span rest, smtp_extension_set offered,
                                          struct smtp_command *out)
{
    (void)offered;
    if (!parse_octets(span_take_while(&rest, is_not_space), &out->chunk) ||
        out->chunk == UINT64_MAX)
        return SMTP_SYNTAX;
    skip_spaces(&rest);
    out->last = span_is(rest, "LAST");
    return rest.len == 0 || out->last ? SMTP_COMMAND_OK : SMTP_SYNTAX;
}

static enum smtp_command_error parse_text(struct span rest, smtp_extension_set offered,
                                          struct smtp_command *out)
{
    (void)offered;
    if (!span_is_all(rest, char_is_print))
        return SMTP_SYNTAX;
    out->argument = rest;
    return SMTP_COMMAND_OK;
}

static enum smtp_command_error parse_some_text(struct span rest, smtp_extension_set offered,
                                               struct smtp_command *out)
{
    return rest.len == 0 ? SMTP_SYNTAX : parse_text(rest, offered, out);
}

/* RFC 5321 §4.1.1.1 wants a domain or an address literal. Refusing a client for what it calls
 * itself loses mail (§4.1.4: MUST NOT), so any printable text will do. */
static enum smtp_command_error parse_name(struct span rest, smtp_extension_set offered,
                                          struct smtp_command *out)
{
    return rest.len > SMTP_DOMAIN_MAX ? SMTP_SYNTAX : parse_some_text(rest, offered, out);
}

static enum smtp_command_error parse_mail(struct span rest, smtp_extension_set offered,
                                          struct smtp_command *out)
{
    if (!skip_word(&rest, "FROM:"))
        return SMTP_SYNTAX;
    skip_spaces(&rest);
    size_t len = smtp_path_parse(rest.at, rest.len, &out->path);
    if (len == 0 || (out->path.address.len > 0 && out->path.domain.len == 0))
        return SMTP_BAD_SENDER;
    if (out->path.utf8 && (offered & smtp_set(SMTP_SMTPUTF8)) == 0)
        return SMTP_BAD_SENDER;
    if (len > SMTP_PATH_MAX) /* which bounds the domain as well */
        return SMTP_SENDER_TOO_LONG;
    span_take(&rest, len);
    enum smtp_command_error error = parse_parameters(rest, offered, out);
    if (error == SMTP_COMMAND_OK && out->path.utf8 && !out->mail.utf8)
        return SMTP_UTF8_SENDER;
    if (error == SMTP_COMMAND_OK && out->mail.body == SMTP_BODY_BINARYMIME &&
        (offered & smtp_set(SMTP_BINARYMIME)) == 0)
        return SMTP_BAD_PARAMETER;
    return error;
}

static enum smtp_command_error parse_rcpt(struct span rest, smtp_extension_set offered,
                                          struct smtp_command *out)
{
    if (!skip_word(&rest, "TO:"))
        return SMTP_SYNTAX;
    skip_spaces(&rest);
    size_t len = smtp_path_parse(rest.at, rest.len, &out->path);
    if (len == 0 || out->path.address.len == 0)
        return SMTP_BAD_RECIPIENT;
    if (out->path.utf8 && (offered & smtp_set(SMTP_SMTPUTF8)) == 0)
        return SMTP_BAD_RECIPIENT;
    if (out->path.local.len > SMTP_LOCAL_PART_MAX)
        return SMTP_LOCAL_PART_TOO_LONG;
    if (out->path.domain.len > SMTP_DOMAIN_MAX)
        return SMTP_DOMAIN_TOO_LONG;
    if (len > SMTP_PATH_MAX)
        return SMTP_PATH_TOO_LONG;
    span_take(&rest, len);
    return parse_parameters(rest, offered, out);
}

bool smtp_command_is_utf8(const struct smtp_command *rcpt)
{
    return rcpt->path.utf8 || !span_is_ascii(rcpt->rcpt.orcpt);
}

static enum smtp_command_error not_implemented(struct span rest, smtp_extension_set offered,
                                               struct smtp_command *out)
{
    (void)rest, (void)offered, (void)out;
    return SMTP_NOT_IMPLEMENTED;
}

static const struct verb {
    const char *name;
    size_t line_max; /* octets, with CRLF */
    enum smtp_command_error (*parse)(struct span rest, smtp_extension_set offered,
                                     struct smtp_command *out);
} verbs[SMTP_UNKNOWN] = {
    [SMTP_HELO] = {"HELO", SMTP_COMMAND_LINE_MAX, parse_name},
    [SMTP_EHLO] = {"EHLO", SMTP_COMMAND_LINE_MAX, parse_name},
    [SMTP_MAIL] = {"MAIL", SMTP_LINE_MAX, parse_mail},
    [SMTP_RCPT] = {"RCPT", SMTP_LINE_MAX, parse_rcpt},
    [SMTP_DATA] = {"DATA", SMTP_COMMAND_LINE_MAX, parse_nothing},
    [SMTP_BDAT] = {"BDAT", SMTP_COMMAND_LINE_MAX, parse_bdat},
    [SMTP_RSET] = {"RSET", SMTP_COMMAND_LINE_MAX, parse_nothing},
    [SMTP_NOOP] = {"NOOP", SMTP_COMMAND_LINE_MAX, parse_text},
    [SMTP_QUIT] = {"QUIT", SMTP_COMMAND_LINE_MAX, parse_nothing},
    [SMTP_VRFY] = {"VRFY", SMTP_COMMAND_LINE_MAX, parse_some_text},
    [SMTP_EXPN] = {"EXPN", SMTP_COMMAND_LINE_MAX, not_implemented},
    [SMTP_HELP] = {"HELP", SMTP_COMMAND_LINE_MAX, parse_text},
    [SMTP_XCLIENT] = {"XCLIENT", SMTP_LINE_MAX, parse_some_text},
};

const char *smtp_verb_name(enum smtp_verb verb)
{
    return verb < SMTP_UNKNOWN ? verbs[verb].name : "UNKNOWN";
}

static enum smtp_verb verb_of(struct span word)
{
    enum smtp_verb verb = 0;
    while (verb < SMTP_UNKNOWN && !span_is(word, verbs[verb].name))
        verb++;
    return verb;
}

static enum smtp_command_error parse(struct span line, smtp_extension_set offered,
                                     struct smtp_command *out)
{
    size_t len = line.len + CRLF_LEN;
    if (memchr(line.at, '\r', line.len) != NULL || memchr(line.at, '\n', line.len) != NULL)
        return SMTP_BARE_NEWLINE;
    while (line.len > 0 && (line.at[line.len - 1] == ' ' || line.at[line.len - 1] == '\t'))
        line.len--;

    out->verb = verb_of(span_take_while(&line, is_not_space));
    if (len > (out->verb == SMTP_UNKNOWN ? SMTP_LINE_MAX : verbs[out->verb].line_max))
        return SMTP_LINE_TOO_LONG;
    if (out->verb == SMTP_UNKNOWN)
        return SMTP_UNRECOGNISED;
    skip_spaces(&line);
    return verbs[out->verb].parse(line, offered, out);
}

enum smtp_command_error smtp_command_parse(const char *line, size_t len, smtp_extension_set offered,
                                           struct smtp_command *out)
{
    const struct span none = {"", 0};
    const struct smtp_command empty = {.verb = SMTP_UNKNOWN,
                                       .argument = none,
                                       .path = {.address = none, .local = none, .domain = none},
                                       .mail = {.envid = none},
                                       .rcpt = {.orcpt = none}};
    *out = empty;
    enum smtp_command_error error = parse((struct span){line, len}, offered, out);
    if (error != SMTP_COMMAND_OK) {
        enum smtp_verb verb = out->verb;
        *out = empty;
        out->verb = verb;
    }
    return error;
}

size_t smtp_line_length(const char *data, size_t len, bool *bare)
{
    const char *lf = memchr(data, '\n', len);
    *bare = false;
    if (lf == NULL)
        return 0;
    size_t text = (size_t)(lf - data);
    if (text == 0 || data[text - 1] != '\r')
        *bare = true;
    else if (memchr(data, '\r', text - 1) != NULL || memchr(data, '\0', text) != NULL)
        *bare = true;
    return text + 1;
}
