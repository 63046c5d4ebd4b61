/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client side: one SMTP server session over a stream (RFC 5321 §4.1.4, §4.3).
 *
 * Commands are taken one at a time, with one exception: RCPTs run ahead of their answers, so that a
 * client which pipelines them (RFC 2920) costs one round trip to the destination. Every other
 * command waits until the replies before it have been said.
 */
#ifndef SPLITMX_RELAY_SESSION_H
#define SPLITMX_RELAY_SESSION_H

#include <stddef.h>

#include "drivers/stream.h"

struct relay;
struct session;

enum session_state {
    SESSION_COMMAND, /* reads commands */
    SESSION_PROXY,   /* has not said a word: a load balancer has to name the client first */
    SESSION_DATA,    /* DATA came: waits for the legs' 354 */
    SESSION_CONTENT, /* said 354: content flows to the legs */
    SESSION_SWALLOW, /* nobody takes the chunk of a BDAT: swallows it, then answers */
    SESSION_DRAIN,   /* the message has failed: swallows content up to its end, then answers */
    SESSION_COMMIT,  /* the end of data came: waits for the answer */
    SESSION_GONE,    /* its stream is closed; the object is reaped between rounds */
};

/* A connection was accepted: the accept callback of a listener, user = struct entrance. */
void session_accept(struct stream *s, void *user);

/* Run what was woken. Once per round, after the streams' events. */
void sessions_run(struct relay *r);

/* Return the objects of sessions that have ended: between rounds, when no frame can refer to one.
 */
void sessions_reap(struct relay *r);

/* Bytes of an object, for the pool. */
size_t session_size(void);

/* Tell idle clients 421 and close; the others as soon as their transaction is over. */
void sessions_shutdown(struct relay *r);

/* RST to every client, transactions aborted. Returns how many there were. */
unsigned sessions_abort(struct relay *r);

#endif
