/* SPDX-License-Identifier: BSD-3-Clause */
/* The envelope of one message: its sender and its recipients (RFC 5321 §2.3.1). */
#ifndef SPLITMX_RELAY_ENVELOPE_H
#define SPLITMX_RELAY_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "app/observe/maillog.h"
#include "app/relay/reply.h"
#include "app/smtp/command.h"
#include "app/smtp/identity.h"
#include "drivers/base/timer.h"

struct leg;

enum recipient_state {
    RECIPIENT_WAITING,  /* RCPT not sent to the destination yet */
    RECIPIENT_SENT,     /* sent, no answer yet */
    RECIPIENT_ACCEPTED, /* the destination said 2xx */
    RECIPIENT_REFUSED,  /* by the destination or by us */
};

struct recipient {
    TAILQ_ENTRY(recipient) entry; /* in the transaction, in the client's order */
    struct leg *leg;              /* NULL: refused by us */
    enum recipient_state state;
    bool told;                  /* the client has its reply */
    bool known_there;           /* the destination has had its RCPT, in this transaction of its */
    bool first_of_domain;       /* ... as the first one of its domain */
    unsigned notify;            /* NOTIFY= of RCPT (RFC 3461) */
    nsec_t asked;               /* when RCPT came */
    uint64_t generation;        /* of the snapshot that gave the verdict */
    uint32_t ticket;            /* among those that wait, see pending.h; 0: none */
    struct mail_record *record; /* holds the address and the verdict; NULL once it is logged */
    /* Not cleared as a whole, for they are long. */
    struct client_reply reply;      /* once it is accepted or refused */
    char orcpt[SMTP_ORCPT_MAX + 1]; /* ORCPT= of RCPT; empty: none */
};

/* No answer from its destination yet. */
static inline bool recipient_waits(const struct recipient *rcpt)
{
    return rcpt->state == RECIPIENT_WAITING || rcpt->state == RECIPIENT_SENT;
}

TAILQ_HEAD(recipient_list, recipient);

struct envelope {
    struct smtp_mail_parameters mail; /* but for ENVID, which is below */
    bool chunked;                     /* the client sends the content by BDAT */
    struct recipient_list recipients;
    struct smtp_identity identity;  /* the client's, where a destination has to learn it */
    char sender[SMTP_PATH_MAX + 1]; /* without brackets */
    char envid[SMTP_ENVID_MAX + 1]; /* ENVID= of MAIL; empty: none */
};

#endif
