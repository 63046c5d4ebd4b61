/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of a session (RFC 5321 §4.1.1), taken from its stream. Private to session*.c. */
#ifndef SPLITMX_RELAY_SESSION_COMMANDS_H
#define SPLITMX_RELAY_SESSION_COMMANDS_H

#include <stdbool.h>

struct session;

/* Take one command in SESSION_COMMAND. False: there is nothing to do until something happens, or
 * the session is gone. */
bool session_take_command(struct session *s);

/* It is early, as of session_is_early(): the session is over. */
void session_refuse_early(struct session *s);

/* A chunk that nobody took has come: answer it with s->refusal. False: the session is gone. */
bool session_refuse_chunk(struct session *s);

#endif
