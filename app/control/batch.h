/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Batches of mailboxes from the control socket: in force at once, then in the mailbox file on disk,
 * and only then answered. One that the file does not take is taken back. They are done one after
 * the other, in the order in which they came.
 *
 *     mailbox-add     {domain, addresses, dry_run?, wait?}       an entry, without `!`
 *     mailbox-remove  {domain, addresses, dry_run?, wait?}       no entry
 *     mailbox-move    {domain, addresses, to, dry_run?, wait?}   local: an entry without `!`
 *                                                                external: one with it
 *
 * With `wait` the answer comes when no transaction has a verdict from before.
 */
#ifndef SPLITMX_CONTROL_BATCH_H
#define SPLITMX_CONTROL_BATCH_H

#include "app/control/protocol.h"

struct batches;
struct control;

struct batches *batches_create(struct control *control);

/* Those under way are given up: what is in force and in no file yet is for the next start to lose.
 * NULL is allowed. */
void batches_destroy(struct batches *b);

protocol_command_fn batch_add, batch_remove, batch_move; /* user: the struct control */

/* Go on with what is under way. Once a round. */
void batches_poll(struct batches *b);

#endif
