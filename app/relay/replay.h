/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A leg that is lost before its end, by no word of its destination's, begins again: on a fresh
 * connection the same recipients must be accepted again, then it is given what the others have had,
 * the trace line included, and goes on with them. The client hears nothing of it.
 *
 *     open | held -> lost -> claiming -> envelope -> data -> open -> held
 *                        `-> refused     |<------- `behind' -------->|
 *
 * Until it has caught up the other legs wait: nothing new is passed on, and nobody gets an end. A
 * leg does so once, and within the budgets of the client, which has to be there still: of a message
 * whose client has gone a leg is lost as it is, for the client will try again whatever comes of it.
 */
#ifndef SPLITMX_RELAY_REPLAY_H
#define SPLITMX_RELAY_REPLAY_H

#include "app/relay/transaction.h"

/* Legs are in LEG_LOST: begin them again, or make them LEG_REFUSED. What comes of it may be told
 * inside this call: look at the transaction's state. */
void replay_begin(struct transaction *t);

/* The first leg that is behind the others; NULL: none is. */
struct leg *replay_find_behind(const struct transaction *t);
static inline struct leg *replay_behind(const struct transaction *t)
{
    return t->replaying ? replay_find_behind(t) : NULL;
}

/* Give those that are behind what they have room for. A leg that runs out of memory ends, and says
 * so, inside this call: look at the transaction's state. */
void replay_feed_behind(struct transaction *t);
static inline void replay_step(struct transaction *t)
{
    if (t->replaying)
        replay_feed_behind(t);
}

/* By when those that are behind must have caught up. */
nsec_t replay_deadline(const struct transaction *t);

/* The client has gone: those that are behind end as refused. Nobody is told. True if there were
 * any. */
bool replay_call_off(struct transaction *t);

#endif
