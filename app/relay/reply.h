/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the client is told of a destination's reply (DESIGN: replies pass unchanged, except where
 * they would mean something else to the client).
 */
#ifndef SPLITMX_RELAY_REPLY_H
#define SPLITMX_RELAY_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "app/smtp/reply.h"
#include "drivers/base/addr.h"
#include "drivers/base/check.h"

#define RELAY_REPLY_MAX 1024 /* bytes of a reply to the client, all lines with their CRLF */

/* The command that the destination answered. */
enum reply_phase {
    REPLY_TO_MAIL,
    REPLY_TO_RCPT,
    REPLY_TO_DATA,
    REPLY_TO_END, /* the end of data */
};

enum reply_meaning {
    REPLY_GOOD,           /* 25x, or 354 to DATA: passed on unchanged */
    REPLY_REFUSAL,        /* 4xx or 5xx, passed on, some of them with another code */
    REPLY_UNAVAILABLE,    /* 421: try a fresh connection, then 451 4.3.2 */
    REPLY_OUT_OF_PLACE,   /* our fault or not SMTP: 451 4.3.5 and an alarm */
    REPLY_INFRASTRUCTURE, /* the destination refuses *us*: 451, degraded, alarm */
};

/* A reply to the client: whole lines with CRLF, len 0: none. Copied by client_reply_copy(): of the
 * text only `len` bytes mean anything. */
struct client_reply {
    size_t len;
    bool changed; /* not what the destination said */
    char text[RELAY_REPLY_MAX];
};

static inline void client_reply_copy(struct client_reply *to, const struct client_reply *from)
{
    memcpy(to, from, offsetof(struct client_reply, text) + from->len);
}

struct reply_rules;

/* `infrastructure_reject`: an expression, or NULL. NULL, with Hyperscan's own words in *why (to be
 * freed), if it does not compile; one per worker, as it carries scratch. */
struct reply_rules *reply_rules_create(const char *infrastructure_reject, char **why);
void reply_rules_destroy(struct reply_rules *rules);

/* Judge a reply. `own_address`: the one we connected from: a refusal that names it
 * is meant for us and not for the sender. */
enum reply_meaning reply_judge(const struct reply_rules *rules, enum reply_phase phase,
                               const struct smtp_reply *reply, const struct ip_addr *own_address,
                               struct client_reply *out);

/* Does a refusal at RCPT say that there is no such mailbox: 5.1.x, or 5.4.1 (Exchange Online, whose
 * edge does not find the recipient in its directory), or without an enhanced code 550, 551 or 553
 * (RFC 5321 §4.3.2)? */
bool reply_denies_mailbox(const struct smtp_reply *reply);

/* A reply of our own: one line, without CRLF. */
void client_reply_set(struct client_reply *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
