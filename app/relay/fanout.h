/* SPDX-License-Identifier: BSD-3-Clause */
/* The content of a message on its way from the client to the legs, at the pace of the slowest. */
#ifndef SPLITMX_RELAY_FANOUT_H
#define SPLITMX_RELAY_FANOUT_H

#include "app/relay/transaction.h"

/* Our trace line, in front of the content; the same whenever it is written for a leg. False: the
 * leg ran out of memory. */
MUST_CHECK bool fanout_trace(struct transaction *t, struct leg *leg);

/* Scan what has arrived since the last call. */
void fanout_scan(struct transaction *t);

/*
 * Pass on what has been scanned and is safe, our trace line in front of it, as far as all open legs
 * have room; the client's bytes are consumed. Returns true if anything moved. A leg that runs out
 * of memory ends, and says so, inside this call: look at the transaction's state.
 */
MUST_CHECK bool fanout_pass(struct transaction *t);

/* A chunk begins: tell the legs that get chunks, too. False: not yet, for they have not answered
 * those before, or one is out of memory, as with fanout_pass(). */
MUST_CHECK bool fanout_announce(struct transaction *t);

/* All that may be passed on has been: consume what was scanned beyond it, the end of data or of a
 * chunk. False: as with fanout_pass(). */
MUST_CHECK bool fanout_skip(struct transaction *t);

/* Is there an open leg without room beside one that has some? */
bool fanout_is_uneven(const struct transaction *t);

/* The open leg that content waits for: it must answer a chunk first, or has the least room; of
 * several, the first. NULL: none is open. */
struct leg *fanout_awaited(struct transaction *t);

#endif
