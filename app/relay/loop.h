/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mail loops (RFC 5321 §6.3). Our Received line has a mark for each recipient: a keyed digest of
 * recipient and destination. A message that comes back with the mark of where it is about to go has
 * been there: whoever is there sends it on to us. An alias on one side that leads to a mailbox on
 * the other is another recipient, and no loop.
 *
 * The key is the fleet's (`fleet_key`), so that its routers know each other's marks; without one,
 * a process knows its own. Loops that nobody knows end at `hop_limit`. A mark has 64 bits: that one
 * is there by chance is less likely than a memory that lies.
 *
 * Where all recipients have been there the message is refused; where only some, it is deferred, and
 * these are deferred at RCPT when it is tried again: so the others are taken, then these come by
 * themselves, and their message is refused. At RCPT nobody knows which message will follow, and a
 * refusal would be that of the next one from the same sender. They are remembered for hint_ttl, in
 * a table of a bounded size, and once: what falls out of it is deferred once more.
 *
 * A line has the marks of a leg's first SMTP_RECEIVED_MARKS recipients. When a message to more
 * comes back these are told apart, and the others go round once more, with marks of their own: n
 * recipients have come to an end after n / SMTP_RECEIVED_MARKS rounds, or at `hop_limit`.
 */
#ifndef SPLITMX_RELAY_LOOP_H
#define SPLITMX_RELAY_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "app/relay/digest.h"
#include "app/relay/relay.h"
#include "app/relay/reply.h"
#include "app/smtp/received.h"

struct destination;
struct leg;
struct mail_record;
struct transaction;

/* False if out of memory. */
MUST_CHECK bool loop_create(struct relay *r, const uint8_t secret[DIGEST_SECRET]);
void loop_destroy(struct relay *r);

/* The marks for a leg's Received line; returns how many: of its first SMTP_RECEIVED_MARKS
 * recipients. */
unsigned loop_marks(const struct transaction *t, const struct leg *leg,
                    uint64_t marks[SMTP_RECEIVED_MARKS]);

/* While content is scanned, as often as one likes: is its way so far one that it may not go on?
 * Then *reply is the client's, to be counted as *why. */
MUST_CHECK bool loop_found(struct transaction *t, struct client_reply *reply,
                           enum relay_counter *why);

/* At RCPT: is this one of those that an earlier try was deferred for? It is forgotten then. */
bool loop_defers(struct transaction *t, const struct mail_record *record,
                 const struct destination *d);

#endif
