/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One message on its way: envelope, recipients and their legs, from MAIL to the answer to the end
 * of data.
 *
 * A transaction belongs to a session, which it tells what to answer. It outlives its session only
 * when the client goes away after the end of data: then the legs are still heard out, and logged.
 */
#ifndef SPLITMX_RELAY_TRANSACTION_H
#define SPLITMX_RELAY_TRANSACTION_H

#include <sys/queue.h>

#include "app/observe/maillog.h"
#include "app/relay/leg.h"
#include "app/relay/reply.h"
#include "app/smtp/content.h"
#include "drivers/base/check.h"
#include "drivers/base/timer.h"

struct session;

/* Destinations in one transaction. One for now: the recipients of a second one get 452 4.5.3. */
#define TRANSACTION_LEGS 1

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
    struct mail_record *record; /* holds the address and the verdict; NULL once it is logged */
    struct client_reply reply;  /* once it is accepted or refused */
};

TAILQ_HEAD(recipient_list, recipient);

enum transaction_state {
    TRANSACTION_ENVELOPE, /* MAIL and RCPT */
    TRANSACTION_DATA,     /* DATA sent to the legs, not all have said 354 */
    TRANSACTION_CONTENT,  /* all legs are open: content is passed on */
    TRANSACTION_COMMIT,   /* the end of data was sent; answers are awaited */
    TRANSACTION_ENDED,    /* `answer` is what the client hears; no leg is alive */
};

struct transaction {
    struct relay *relay;
    struct session *session; /* NULL: the client is gone */
    enum transaction_state state;
    char id[TRANSACTION_ID_SIZE];
    char sender[SMTP_PATH_MAX + 1]; /* without brackets */
    uint64_t size;                  /* SIZE= of MAIL, 0: none */
    enum smtp_body body;
    struct mail_record *spare; /* reserved at MAIL for the first recipient */
    struct recipient_list recipients;
    struct recipient *untold; /* the first whose reply the client has not got; NULL: none */
    unsigned recipient_count;
    unsigned told;     /* recipients whose reply the client has */
    unsigned accepted; /* of those that the client was told */
    struct leg legs[TRANSACTION_LEGS];
    unsigned leg_count;
    struct timer timer; /* the budget of the phase */
    struct smtp_content content;
    uint64_t forwarded; /* bytes of content passed on (and consumed from the client) */
    nsec_t data_at, content_at, end_at; /* when DATA came, when 354 was said, when the end came */
    struct client_reply answer;         /* in TRANSACTION_ENDED */
};

/*
 * A transaction tells its session nothing but session_wake(): the session looks at the state when
 * its turn comes, so that no call ever returns into an object that it has ended.
 */

/* At MAIL. NULL if memory or log records are out: the client gets 451. */
MUST_CHECK struct transaction *transaction_begin(struct session *s,
                                                 const struct smtp_command *mail);

/* At RCPT: one more recipient, whose reply comes in its turn. False: there is no room for it;
 * *reply says why, to be told in its turn (when nothing is untold). */
MUST_CHECK bool transaction_recipient(struct transaction *t, const struct smtp_path *path,
                                      const char **reply);

/* Log a recipient that was refused and told so. */
void transaction_recipient_told(struct transaction *t, struct recipient *rcpt);

/* At DATA, with nothing untold and at least one recipient accepted. Ends in TRANSACTION_CONTENT or
 * TRANSACTION_ENDED. */
void transaction_data(struct transaction *t);

/*
 * In TRANSACTION_CONTENT: take what the client has sent of the content and pass it on as far as the
 * legs have room. Called when there is more of either. Moves to TRANSACTION_COMMIT after the end of
 * data, to TRANSACTION_ENDED on a failure.
 */
void transaction_pump(struct transaction *t);

/* The client gave up (RSET, a new greeting, QUIT, connection lost): before the end of data
 * everything is aborted; after it the legs go on. The session forgets the transaction. */
void transaction_abandon(struct transaction *t);

/* The session has told the client t->answer: log and free. */
void transaction_end(struct transaction *t);

/* --- For legs -------------------------------------------------------------------------------- */

/* A leg said 354, or has ended: refused, lost, committed, in doubt. */
void transaction_leg_changed(struct transaction *t);

#endif
