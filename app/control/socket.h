/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control socket: a Unix stream socket whose clients send lines and are sent lines. Who may do
 * that is said by the mode of the socket's file; who did is known from the kernel (SO_PEERCRED).
 *
 * Nothing here waits. All functions are the control thread's.
 */
#ifndef SPLITMX_CONTROL_SOCKET_H
#define SPLITMX_CONTROL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "drivers/base/counters.h"

#define SOCKET_CLIENTS 32 /* at once; more are told so and closed */
#define SOCKET_LINE_MAX                                                                            \
    (size_t)(32 * 1024 * 1024) /* bytes of a line; a longer one ends its client */
#define SOCKET_UNREAD  (size_t)(64 * 1024 * 1024) /* bytes that a client may leave unread */
#define SOCKET_SILENCE 300                        /* seconds without a word, and none owed to it */

struct control_socket;

/* A client. Whoever answers it later holds a reference: the object outlives the connection. */
struct peer;

/* A line came, without its LF; it may be written to until this returns. */
typedef void socket_line_fn(void *user, struct peer *peer, char *line, size_t len);

struct socket_config {
    const char *path; /* its directory is made if it is missing; a file that nobody listens on is
                         replaced */
    mode_t mode;
    socket_line_fn *line;
    void *user;
};

/* NULL, with a sentence in *why (static, or in a buffer until the next call). */
struct control_socket *socket_open(const struct socket_config *config, const char **why);
void socket_close(struct control_socket *s); /* NULL is allowed */

/* A descriptor that is readable when socket_serve() has something to do. */
int socket_descriptor(const struct control_socket *s);

/* Take and give what there is. `now`: seconds of any monotonic clock. */
void socket_serve(struct control_socket *s, uint64_t now);

/* Send a line: text without a newline, to which one is added. A peer that is gone, or reads too
 * slowly to be worth it, hears nothing. */
void peer_send(struct peer *p, const char *text, size_t len);

const struct ucred *peer_credentials(const struct peer *p);

/* An answer is owed: the peer is not taken for silent, and its object stays. */
struct peer *peer_ref(struct peer *p);
void peer_unref(struct peer *p);

/* What has happened. */
#define SOCKET_COUNTERS(X)                                                                         \
    X(SOCKET_ACCEPTED, "clients of the control socket")                                            \
    X(SOCKET_REFUSED, "clients refused: too many")                                                 \
    X(SOCKET_LINES, "lines received")                                                              \
    X(SOCKET_TOO_LONG, "clients closed: a line had no end")                                        \
    X(SOCKET_SLOW, "clients closed: they did not read their answers")                              \
    X(SOCKET_SILENT, "clients closed: they said nothing")

enum socket_counter { SOCKET_COUNTERS(COUNTER_ENUM) SOCKET_COUNTER_COUNT };
extern const struct counter_list socket_counter_list;
const uint64_t *socket_counters(const struct control_socket *s);

#endif
