/* SPDX-License-Identifier: BSD-3-Clause */
/* What came of a transaction: its counters, its lines in the mail log, the turn of its hint. */
#ifndef SPLITMX_RELAY_OUTCOME_H
#define SPLITMX_RELAY_OUTCOME_H

#include "app/observe/maillog.h"
#include "app/relay/reply.h"

struct recipient;
struct transaction;

/* What a reply means to who gets it: delivered, refused, or deferred. */
enum mail_status outcome_status(const struct client_reply *reply);

/* The client has this recipient's reply. One that was refused is logged. */
void outcome_of_recipient(struct transaction *t, struct recipient *rcpt);

/* Log all that have no line yet, as told this. */
void outcome_log(struct transaction *t, enum mail_status status, const struct client_reply *told);

/* t->answer is the answer to the end of data: settle the hint, count, and log each recipient by
 * what its leg has come to. */
void outcome_settle(struct transaction *t);

#endif
