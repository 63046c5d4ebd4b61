/* SPDX-License-Identifier: BSD-3-Clause */
/* SMTP replies as a client receives them (RFC 5321 §4.2), and the extensions an EHLO reply lists.
 */
#ifndef SPLITMX_SMTP_REPLY_H
#define SPLITMX_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/smtp/command.h"
#include "app/smtp/span.h"
#include "drivers/base/check.h"

/* Bytes of reply text that are kept; lines beyond are read, checked and dropped. */
#define SMTP_REPLY_TEXT_MAX 2048

/* A peer that never ends its reply is not speaking SMTP. */
#define SMTP_REPLY_LINES_MAX 1000

struct smtp_enhanced {
    uint16_t klass; /* 2, 4 or 5; 0: there is no enhanced code (RFC 2034) */
    uint16_t subject, detail;
};

/*
 * A reply, and the parser's state while it arrives. Zero it before the first byte of each
 * reply.
 *
 *   text   whole lines as received, each with CRLF, codes included; at least one line when
 *          complete, the last one being of the form "250 ..." even if lines were dropped
 */
struct smtp_reply {
    uint16_t code;                 /* 200..599 once the first line is in */
    struct smtp_enhanced enhanced; /* of the first line, only if its class fits the code */
    uint16_t len;                  /* of text */
    uint16_t lines;
    uint16_t last;     /* where in text the last line begins */
    bool truncated;    /* lines were dropped */
    uint16_t line_len; /* of the line that is arriving, kept in `line` */
    char line[SMTP_REPLY_LINE_MAX];
    char text[SMTP_REPLY_TEXT_MAX];
};

enum smtp_reply_state {
    SMTP_REPLY_MORE,      /* all bytes taken, the reply is not complete */
    SMTP_REPLY_COMPLETE,  /* *used bytes taken; the rest belongs to the next reply */
    SMTP_REPLY_MALFORMED, /* not SMTP: see smtp_reply_feed(); feed no more */
};

/*
 * Feed bytes as they come; how they are cut makes no difference. A bare LF ends a line too, and so
 * does CRCRLF: replies are only read, and Postel is owed that much. Malformed: no code or one
 * outside 200..599, codes that differ between lines, neither space nor hyphen behind the code, a
 * CR or NUL inside a line, a line or a reply that is too long.
 */
MUST_CHECK enum smtp_reply_state smtp_reply_feed(struct smtp_reply *r, const uint8_t *data,
                                                 size_t len, size_t *used);

/* Has any byte of it come? */
static inline bool smtp_reply_begun(const struct smtp_reply *r)
{
    return r->lines > 0 || r->line_len > 0;
}

/* The human text of the first line, without codes: borrowed from r->text. */
struct span smtp_reply_message(const struct smtp_reply *r);

/* What an EHLO reply offers. */
struct smtp_extensions {
    bool pipelining;            /* RFC 2920 */
    bool eightbitmime;          /* RFC 6152 */
    bool enhanced_codes;        /* RFC 2034 */
    bool size;                  /* RFC 1870 */
    bool smtputf8;              /* RFC 6531 */
    bool chunking;              /* RFC 3030 */
    bool dsn;                   /* RFC 3461 */
    bool starttls;              /* RFC 3207 */
    bool binarymime;            /* RFC 3030 */
    bool limits;                /* RFC 9422 */
    uint64_t size_limit;        /* of SIZE; 0: none given */
    uint32_t mail_max;          /* LIMITS MAILMAX: transactions in a session; 0: none given */
    uint32_t rcpt_max;          /* RCPTMAX: recipients in a transaction */
    uint32_t rcpt_domain_max;   /* RCPTDOMAINMAX: domains of those */
    uint32_t xclient, xforward; /* attributes, as smtp_identity_offered() has them */
};

/* Unknown keywords are skipped, malformed lines too. */
struct smtp_extensions smtp_extensions_parse(const struct smtp_reply *ehlo);

/* Which of those that we know it offers. */
smtp_extension_set smtp_extensions_offered(const struct smtp_extensions *e);

#endif
