/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Split hints: messages to several destinations that could not agree. The retry of such a message
 * goes to one destination alone, each in turn, so that each one's own answer reaches the client.
 *
 * A hint covers recipients (of one sender, from one network of clients) and lists the destinations
 * that have not had their say; the first of them has its turn. A destination leaves the list with
 * an answer that ends its recipients' retries, and goes to the end of it with any other. The last
 * one needs no hint. A destination is known by its address in memory alone, which nobody follows:
 * two that are the same server, and tell it of the client in different ways, have a turn each. A
 * hint that is wrong or lost costs a delay, never a message: so they are bounded, and the oldest
 * makes room.
 */
#ifndef SPLITMX_RELAY_HINT_H
#define SPLITMX_RELAY_HINT_H

#include "app/relay/digest.h"
#include "drivers/base/timer.h"

#define HINT_DESTINATIONS 16

struct destination;
struct hint;
struct hints;

/* A hint may be gone by the time that it is asked for again: 0 is none. */
typedef uint64_t hint_id;

/* NULL if out of memory. */
struct hints *hints_create(nsec_t ttl);
void hints_destroy(struct hints *hints);

/* Bytes that they take. */
size_t hints_size(void);

/* None at all: what all but nobody has to look further than. */
bool hints_empty(const struct hints *hints);

/* The hint that covers a recipient, by digest_of_parties() without a destination; 0: none. */
hint_id hint_find(struct hints *hints, const struct digest *recipient, nsec_t now);

/* Is it this destination's turn? True also if the hint is gone, or knows nothing of the destination:
 * the recipient has moved there since. */
bool hint_is_turn(const struct hints *hints, hint_id id, const struct destination *d);

/* Begin a hint for these (at most HINT_DESTINATIONS), in their order of turns. */
hint_id hint_begin(struct hints *hints, const struct destination *const *destinations,
                   unsigned count, nsec_t now);

/* One more recipient of it, taken from any older hint. */
void hint_cover(struct hints *hints, hint_id id, const struct digest *recipient);

/* The destination has answered for good: its recipients will not come again. */
void hint_settle(struct hints *hints, hint_id id, const struct destination *d);

/* Nothing came of this turn: the next one's. */
void hint_next(struct hints *hints, hint_id id);

#endif
