/* SPDX-License-Identifier: BSD-3-Clause */
/* What a transaction tells the memo, and asks of it. */
#ifndef SPLITMX_RELAY_RECALL_H
#define SPLITMX_RELAY_RECALL_H

#include "app/relay/memo.h"
#include "app/relay/transaction.h"

/* Content begins: it is looked at if there are several legs, whose answers may differ, or if the
 * memo knows a recipient. */
void recall_start(struct transaction *t);

/* All content was seen: its digest is known from here on, unless it has no Message-ID. */
void recall_finish(struct transaction *t);

/*
 * What the memo knows of this message at the leg's destination: MEMO_PENDING if it is pending for
 * any of the leg's recipients, MEMO_COMMITTED if all of them have it, MEMO_IN_DOUBT if any may have
 * it, or else MEMO_NONE.
 */
enum memo_state recall_leg(const struct transaction *t, const struct leg *leg);

/* The leg is about to get its end, or the memo serves for it: pending, for all its recipients. */
void recall_pending(const struct transaction *t, const struct leg *leg);

/* All legs have ended: what came of those that were pending. */
void recall_settle(const struct transaction *t);

/*
 * The client has gone, and legs have their end: what it has not heard of its retry must not repeat.
 * The content of a single leg was not looked at while it streamed, but it is kept, up to
 * replay_bytes; what the legs wait for is pending from here on. False: the retry will not be known.
 */
MUST_CHECK bool recall_unheard(struct transaction *t);

/* The message's only leg was committed, and its client, there, may not have heard so for its only
 * recipient. False: the retry will not be known. */
MUST_CHECK bool recall_committed(struct transaction *t, const struct ip_addr *client,
                                 const char *recipient);

/* The content's digest is given up. */
void recall_drop(struct transaction *t);

/* Fingerprints for as many transactions as have their content looked at, at once. */
MUST_CHECK bool recall_create(struct relay *r);
void recall_destroy(struct relay *r);

#endif
