/* SPDX-License-Identifier: BSD-3-Clause */
/* SMTP commands as a server receives them (RFC 5321 §4.1). Pure: a line in, a value out. */
#ifndef SPLITMX_SMTP_COMMAND_H
#define SPLITMX_SMTP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/smtp/dsn.h"
#include "app/smtp/extension.h"
#include "app/smtp/path.h"
#include "app/smtp/span.h"
#include "drivers/base/check.h"

/* RFC 5321 §4.5.3.1, octets; lines include their CRLF. Those of addresses are in path.h. */
#define SMTP_COMMAND_LINE_MAX 512
#define SMTP_REPLY_LINE_MAX   512
#define SMTP_TEXT_LINE_MAX    1000

/* MAIL and RCPT lines are longer by what their extensions add (RFC 1870 §3: 26, RFC 6152 §3: 17,
 * RFC 6531 §3.4: 10, RFC 3461 §4: 500 for ORCPT). */
#define SMTP_LINE_MAX 1024

enum smtp_verb {
    SMTP_HELO,
    SMTP_EHLO,
    SMTP_MAIL,
    SMTP_RCPT,
    SMTP_DATA,
    SMTP_BDAT,
    SMTP_RSET,
    SMTP_NOOP,
    SMTP_QUIT,
    SMTP_VRFY,
    SMTP_EXPN, /* known, not implemented: 502 */
    SMTP_HELP,
    SMTP_XCLIENT, /* Postfix's, see xclient.h */
    SMTP_UNKNOWN,
};

enum smtp_body {
    SMTP_BODY_UNSPECIFIED,
    SMTP_BODY_7BIT,
    SMTP_BODY_8BITMIME,
    SMTP_BODY_BINARYMIME, /* RFC 3030 §3 */
};

/* What MAIL says beside its path. */
struct smtp_mail_parameters {
    uint64_t size;       /* SIZE= (RFC 1870); 0: not given */
    enum smtp_body body; /* BODY= (RFC 6152) */
    bool utf8;           /* SMTPUTF8 (RFC 6531) */
    enum smtp_ret ret;   /* RET= (RFC 3461) */
    struct span envid;   /* ENVID=, as encoded; empty: not given */
};

/* What RCPT says beside its path (RFC 3461). */
struct smtp_rcpt_parameters {
    unsigned notify;   /* NOTIFY=; 0: not given */
    struct span orcpt; /* ORCPT=, as encoded; empty: not given */
};

struct smtp_command {
    enum smtp_verb verb;
    struct span
        argument; /* HELO, EHLO: the name; VRFY, NOOP, HELP, XCLIENT: the string; else empty */
    struct smtp_path path; /* MAIL, RCPT */
    struct smtp_mail_parameters mail;
    struct smtp_rcpt_parameters rcpt;
    uint64_t chunk; /* BDAT: octets that follow the line (RFC 3030 §2) */
    bool last;      /* BDAT: LAST */
};

/*
 * Why a line is not a command: code, enhanced code and text of the reply that says so. The reply is
 * a whole line without its CRLF.
 */
#define SMTP_COMMAND_ERRORS(X)                                                                     \
    X(SMTP_COMMAND_OK, "")                                                                         \
    X(SMTP_LINE_TOO_LONG, "500 5.5.2 Line too long")                                               \
    X(SMTP_UNRECOGNISED, "500 5.5.2 Command not recognised")                                       \
    X(SMTP_NOT_IMPLEMENTED, "502 5.5.1 Command not implemented")                                   \
    X(SMTP_SYNTAX, "501 5.5.4 Syntax error in parameters")                                         \
    X(SMTP_BAD_SENDER, "501 5.1.7 Bad sender address syntax")                                      \
    X(SMTP_SENDER_TOO_LONG, "501 5.1.7 Sender address too long")                                   \
    X(SMTP_BAD_RECIPIENT, "501 5.1.3 Bad recipient address syntax")                                \
    X(SMTP_LOCAL_PART_TOO_LONG, "501 5.1.3 Local part too long")                                   \
    X(SMTP_DOMAIN_TOO_LONG, "501 5.1.3 Domain too long")                                           \
    X(SMTP_PATH_TOO_LONG, "501 5.1.3 Path too long")                                               \
    X(SMTP_UTF8_SENDER, "553 5.6.7 A sender beyond ASCII needs SMTPUTF8")                          \
    X(SMTP_UTF8_RECIPIENT, "553 5.6.7 A recipient beyond ASCII needs SMTPUTF8 at MAIL")            \
    X(SMTP_UNKNOWN_PARAMETER, "555 5.5.4 Unsupported parameter")                                   \
    X(SMTP_BAD_PARAMETER, "501 5.5.4 Bad parameter value")                                         \
    X(SMTP_BARE_NEWLINE, "500 5.5.2 Bare CR or LF in command")
#define SMTP_COMMAND_ERROR_ENUM(name, reply) name,
enum smtp_command_error { SMTP_COMMAND_ERRORS(SMTP_COMMAND_ERROR_ENUM) SMTP_COMMAND_ERROR_COUNT };

const char *smtp_command_error_reply(enum smtp_command_error error);

/* The verb's name in capitals, for logs. */
const char *smtp_verb_name(enum smtp_verb verb);

/*
 * Parse one command line, without its CRLF. `offered` is what the client was offered, nothing if it
 * did not say EHLO: only those parameters are understood. On an error out->verb is still the verb,
 * where it is known, and nothing else is set. NUL and other control characters are syntax errors;
 * so are 8-bit bytes, but for UTF-8 in paths and in ORCPT= where SMTPUTF8 was offered. That MAIL of
 * the transaction had SMTPUTF8 is for the caller to demand, with SMTP_UTF8_RECIPIENT, of a RCPT for
 * which smtp_command_is_utf8().
 *
 * More is taken than RFC 5321 §4.1.1 has to offer: several spaces between words, spaces after
 * `FROM:` and `TO:`, spaces and tabs before the CRLF, any printable text as the name of HELO and
 * EHLO, and a sender whose local part is longer than SMTP_LOCAL_PART_MAX (return paths of mailing
 * lists and of SRS often are) in a path of at most SMTP_PATH_MAX.
 */
MUST_CHECK enum smtp_command_error smtp_command_parse(const char *line, size_t len,
                                                      smtp_extension_set offered,
                                                      struct smtp_command *out);

/* Does a RCPT hold what only SMTPUTF8 allows? */
bool smtp_command_is_utf8(const struct smtp_command *rcpt);

/*
 * Find the end of the first line in a buffer that may begin or end anywhere: returns the number of
 * bytes up to and including its LF, 0 if there is none yet. Lines end in CRLF only; *bare is set
 * when the LF that ends the line has no CR before it, or when a CR or NUL stands inside the line.
 */
size_t smtp_line_length(const char *data, size_t len, bool *bare);

#endif
