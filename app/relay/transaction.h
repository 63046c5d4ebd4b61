/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One message on its way: envelope, recipients and their legs, from MAIL to the answer to the end
 * of data.
 *
 * A transaction belongs to a client's session, which it tells what to answer. It outlives it only
 * when the client goes away after the end of data: then the legs are still heard out, and logged.
 */
#ifndef SPLITMX_RELAY_TRANSACTION_H
#define SPLITMX_RELAY_TRANSACTION_H

#include <sys/queue.h>

#include "app/relay/chunks.h"
#include "app/relay/client.h"
#include "app/relay/envelope.h"
#include "app/relay/hint.h"
#include "app/relay/kept.h"
#include "app/relay/leg.h"
#include "app/relay/memo.h"
#include "app/relay/reply.h"
#include "app/smtp/content.h"
#include "app/smtp/repair.h"
#include "drivers/base/check.h"
#include "drivers/base/timer.h"

enum transaction_state {
    TRANSACTION_ENVELOPE, /* MAIL and RCPT */
    TRANSACTION_DATA,     /* DATA sent to the legs, not all have said 354 */
    TRANSACTION_CONTENT,  /* all legs are open: content is passed on */
    TRANSACTION_COMMIT,   /* the end of data has come; the legs get theirs, in turn */
    TRANSACTION_ENDED,    /* `answer` is what the client hears; no leg is alive */
};

struct transaction {
    struct relay *relay;
    struct client *client; /* NULL: it is gone */
    enum transaction_state state;
    char id[TRANSACTION_ID_SIZE];
    struct mail_record *spare; /* reserved at MAIL for the first recipient */
    struct recipient *untold;  /* the first whose reply the client has not got; NULL: none */
    unsigned recipient_count;
    unsigned told;     /* recipients whose reply the client has */
    unsigned accepted; /* of those that the client was told */
    unsigned leg_count;
    unsigned parties;    /* legs that DATA was sent to */
    uint64_t generation; /* of the snapshot that gave the first verdict; 0: none has */
    TAILQ_ENTRY(transaction) relay_entry; /* in the relay: with a verdict, and when all is over */
    uint64_t serial;                      /* no other transaction's; not 0 */
    struct fingerprint *fingerprint;      /* NULL: the content is not looked at */
    bool recalled;                        /* the content has passed, and its digest is known */
    struct digest fingerprint_digest;     /* ... this one */
    bool single;                          /* a retry that a hint makes go to one destination */
    hint_id hint;               /* of the first recipient that has one; 0: none, or settled */
    bool replaying;             /* a leg has begun again */
    bool mended;                /* newlines of it have been repaired ... */
    struct smtp_repair repair;  /* ... as far as this */
    struct chunks chunks;       /* where content comes by BDAT */
    bool way_known;             /* its Received fields were looked at: see loop.h */
    bool begun;                 /* the legs have our Received line ... */
    uint64_t begun_at;          /* ... which tells this time of day */
    uint64_t forwarded;         /* bytes of content passed on (and consumed from the client) */
    nsec_t data_at, content_at; /* when DATA came, when 354 was said */
    nsec_t end_at;        /* when the client sent the end of data, as far as we can know; or 0 */
    nsec_t content_until; /* then: all content must have been passed on */
    nsec_t blocked_at;    /* content waits for legs, seen then; 0: none does */
    nsec_t blocked, blocked_before; /* how long it did, in this stretch and the one before */
    uint64_t stretch;               /* `forwarded` by the size of a client's buffer */
    nsec_t moved_at;     /* when content went on, or a leg was seen to acknowledge some of it */
    nsec_t replay_until; /* legs that are behind must have caught up */
    struct timer timer;  /* the budget of the phase */
    /* Not cleared as a whole for each message, for they are long. */
    struct envelope envelope;
    struct smtp_content content;
    struct kept kept;            /* the content that was passed on */
    struct client_reply answer;  /* in TRANSACTION_ENDED */
    char to[SMTP_PATH_MAX + 1];  /* when all is over: the only recipient, ... */
    struct ip_addr from;         /* ... and its client */
    struct transaction **holder; /* ... and who holds it till it has heard */
    struct leg legs[];           /* one per destination, at most settings->max_legs */
};

/* Bytes of a transaction with so many legs. */
static inline size_t transaction_size(unsigned legs)
{
    return sizeof(struct transaction) + legs * sizeof(struct leg);
}

/*
 * A transaction tells its session nothing but client_wake(): the session looks at the state when
 * its turn comes, so that no call ever returns into an object that it has ended.
 */

/* At MAIL. NULL if memory or log records are out: the client gets 451. */
MUST_CHECK struct transaction *transaction_begin(struct relay *r, struct client *client,
                                                 const struct smtp_command *mail);

/* At RCPT: one more recipient, whose reply comes in its turn. False: there is no room for it;
 * *reply says why, to be told in its turn (when nothing is untold). */
MUST_CHECK bool transaction_recipient(struct transaction *t, const struct smtp_command *rcpt,
                                      const char **reply);

/* Log a recipient that was refused and told so. */
void transaction_recipient_told(struct transaction *t, struct recipient *rcpt);

/* DATA has come behind recipients that wait for their replies: destinations may have it ahead. */
void transaction_data_early(struct transaction *t);

/* At DATA, with nothing untold and at least one recipient accepted. Ends in TRANSACTION_CONTENT or
 * TRANSACTION_ENDED. */
void transaction_data(struct transaction *t);

/*
 * In TRANSACTION_CONTENT: take what the client has sent of the content and pass it on as far as the
 * legs have room. Called when there is more of either. Moves to TRANSACTION_COMMIT after the end of
 * data, to TRANSACTION_ENDED on a failure.
 */
void transaction_pump(struct transaction *t);

/* At BDAT, under the same conditions or, for a further chunk, in TRANSACTION_CONTENT: so many
 * octets of content come, and no more of it if they are the `last`. */
void transaction_chunk(struct transaction *t, uint64_t size, bool last);

/* In TRANSACTION_CONTENT: has the chunk been passed on, and is the stream at the next command? */
bool transaction_chunk_is_done(const struct transaction *t);

/* In TRANSACTION_CONTENT: is it the client that has to go on? */
bool transaction_wants_content(const struct transaction *t);

/* The client gave up (RSET, a new greeting, QUIT, connection lost): before the end of data
 * everything is aborted; after it the legs go on. The session forgets the transaction. */
void transaction_abandon(struct transaction *t);

/*
 * The session has told the client t->answer: log, and free; or, for the client may not hear it and
 * send the message again, which the memo should know then, put it into *holder (NULL before): one
 * of transaction_heard() and transaction_unheard() must follow, unless *holder is NULL again,
 * because another message needed the room.
 */
void transaction_end(struct transaction *t, struct transaction **holder);

/* The client has acknowledged the answer, or nobody will ask. */
void transaction_heard(struct transaction *t);

/* It was lost before it did. */
void transaction_unheard(struct transaction *t);

/* Before that: what the memo is told with memo_end() once the client has acknowledged t->answer.
 * 0: nothing. */
uint64_t transaction_remembered(const struct transaction *t);

/* The end of shutdown_timeout, when no client is left: whoever has the end of data and has not
 * answered it is in doubt, and logged so. */
void transactions_abort(struct relay *r);

/* The relay is to be destroyed with transactions open: give back the packet memory that they keep.
 */
void transactions_give_back(struct relay *r);

/* A transaction has come or gone that has verdicts, or a snapshot was adopted. */
void transactions_note_oldest(struct relay *r);

#endif
