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
    nsec_t asked;               /* when RCPT came */
    uint64_t generation;        /* of the snapshot that gave the verdict */
    struct mail_record *record; /* holds the address and the verdict; NULL once it is logged */
    struct client_reply reply;  /* once it is accepted or refused; not cleared before */
};

/* No answer from its destination yet. */
static inline bool recipient_waits(const struct recipient *rcpt)
{
    return rcpt->state == RECIPIENT_WAITING || rcpt->state == RECIPIENT_SENT;
}

TAILQ_HEAD(recipient_list, recipient);

struct envelope {
    uint64_t size; /* SIZE= of MAIL, 0: none */
    enum smtp_body body;
    struct recipient_list recipients;
    struct smtp_identity identity;  /* the client's, where a destination has to learn it */
    char sender[SMTP_PATH_MAX + 1]; /* without brackets */
};

#endif
