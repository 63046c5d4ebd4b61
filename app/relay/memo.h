/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memo: what retries of a message need not deliver again.
 *
 * Per destination, client network, sender and recipient (the parties) and content there is a state:
 *
 *     none -> pending -> committed | in doubt | none (refused)
 *                ^-----------'  a retry is being served by it
 *
 * What was committed once stays so: a retry with more recipients is delivered again, and if that is
 * refused, or in doubt, the destination still has it from before.
 *
 * What is remembered: of a message to several destinations each one's state, before its client can
 * know; of a message to one, whose answer is the client's, what came of it when the client has gone
 * before it could hear it, or, with one recipient, before it acknowledged that it was accepted. The
 * content of the latter is looked at only then: it is kept up to replay_bytes for the purpose, and
 * a longer message, or one without a Message-ID, is not remembered (RELAY_UNHEARD_UNKNOWN). A
 * client that says QUIT, or closes, has heard, whatever it acknowledged.
 *
 * Pending is written before the end of data goes out, so that a retry that overtakes the answer
 * sees it. An entry serves one transaction at a time, its owner's; it ends when the client has
 * acknowledged our reply, or with its time. Entries are bounded: the oldest that is not pending
 * makes room. To forget one duplicates a message at worst; to find one that is not there would lose
 * it: so everything leans to forgetting.
 *
 * This is the one structure that workers will share, cut by digest: all calls but memo_look() want
 * no answer, and that is made in a state of the transaction that can wait for one.
 */
#ifndef SPLITMX_RELAY_MEMO_H
#define SPLITMX_RELAY_MEMO_H

#include "app/relay/digest.h"
#include "drivers/base/timer.h"

struct memo;

enum memo_state {
    MEMO_NONE,
    MEMO_PENDING,   /* its owner is about to send, or has sent, the end of data */
    MEMO_COMMITTED, /* the destination has it */
    MEMO_IN_DOUBT,  /* the destination may have it: it is delivered again */
};

/* NULL if out of memory. */
struct memo *memo_create(unsigned entries, nsec_t ttl);
void memo_destroy(struct memo *m);

/* Bytes that it takes. */
size_t memo_size(unsigned entries);

/* How many committed entries have made room, or ended with their time: a retry that comes yet
 * delivers again. */
uint64_t memo_forgotten(const struct memo *m);

/* Nothing in it at all. */
bool memo_empty(const struct memo *m);

/* Is there anything between these parties, so that content must be looked at? */
bool memo_knows(const struct memo *m, const struct digest *parties);

/* The state of one recipient of one message. */
enum memo_state memo_look(struct memo *m, const struct digest *parties,
                          const struct digest *content, nsec_t now);

/* Note its state, for that owner (not 0), who has it from then on; MEMO_NONE ends an entry of the
 * owner's, and no other's. False: there is no room; it will not be known. */
MUST_CHECK bool memo_note(struct memo *m, const struct digest *parties,
                          const struct digest *content, enum memo_state state, uint64_t owner,
                          nsec_t now);

/* The owner's client knows: all of its entries end. */
void memo_end(struct memo *m, uint64_t owner);

#endif
