/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end of a message: who gets it first, and what the client hears of it.
 *
 *     open -> held -> dotted -> committed | refused | in doubt
 *
 * A single leg gets its end at once. Of several, each first has everything but its end, and has
 * acknowledged that; then they get it one by one, each after the one before has answered. So a
 * refusal is known while the others can still be called off.
 */
#ifndef SPLITMX_RELAY_COMMIT_H
#define SPLITMX_RELAY_COMMIT_H

#include "app/relay/transaction.h"

enum commit_progress {
    COMMIT_WAITS,     /* for a leg. The transaction may have ended inside the call: look no more */
    COMMIT_OVER,      /* no leg is alive: commit_answer() */
    COMMIT_OVERTAKEN, /* nothing was done: another try of the same message is being committed */
};

/* All content has been passed on to the open legs: begin. Legs whose destination has the message
 * already, as the memo knows, are called off and count as committed. */
enum commit_progress commit_begin(struct transaction *t);

/* Something has happened to a leg, in TRANSACTION_COMMIT: go on. */
enum commit_progress commit_step(struct transaction *t);

/* Has no leg got its end yet? Then all can be called off. */
bool commit_revocable(const struct transaction *t);

/* The leg that is waited for: it has its end, or it has not got, or not acknowledged, what comes
 * before, or has done so in this very round. NULL: none is alive. */
struct leg *commit_awaited(struct transaction *t);

/* The first leg that was refused, lost, or is in doubt; NULL: none. */
struct leg *commit_failure(struct transaction *t);

/* The legs could not agree, `failure` is why: a hint splits the retry. The others have the first
 * turn: they may well take it. Nothing for a single leg. */
void commit_hint(struct transaction *t, const struct leg *failure);

/*
 * What the client hears when the legs have ended, because all were committed or because `failure`
 * was not (NULL: none): a single leg's own reply; of several, a 250 of ours, or a 451, for no
 * recipient may bounce for another destination's refusal.
 */
void commit_answer(const struct transaction *t, const struct leg *failure,
                   struct client_reply *answer);

#endif
