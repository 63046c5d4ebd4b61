/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is said on the control socket: JSON objects (RFC 8259), one a line.
 *
 *     request    {"do": "route", "id": 7, "addresses": ["bob@example.com"]}
 *     answer     {"id": 7, "ok": {...}}
 *            or  {"id": 7, "error": {"code": "not-found", "text": "..."}}
 *     before it, perhaps   {"id": 7, "progress": "..."}
 *
 * `id` is the client's, and may be left out. A request has no members but those that its command
 * knows: a misspelt one is an error, not a default.
 */
#ifndef SPLITMX_CONTROL_PROTOCOL_H
#define SPLITMX_CONTROL_PROTOCOL_H

#include <stdbool.h>

#include <jansson.h>

#include "app/control/socket.h"
#include "drivers/base/check.h"

#define PROTOCOL_ERRORS(X)                                                                         \
    X(PROTOCOL_BAD_JSON, "bad-json", "lines that are not a JSON object")                           \
    X(PROTOCOL_BAD_REQUEST, "bad-request", "requests with members that are wrong or missing")      \
    X(PROTOCOL_UNKNOWN, "unknown-command", "requests for something that there is not")             \
    X(PROTOCOL_NOT_FOUND, "not-found", "requests for a domain or mailbox that there is not")       \
    X(PROTOCOL_REFUSED, "refused", "requests that would do harm, or contradict the configuration") \
    X(PROTOCOL_FAILED, "failed", "requests that failed on a file or on memory")
#define PROTOCOL_ERROR_ENUM(name, code, sentence) name,
enum protocol_error { PROTOCOL_ERRORS(PROTOCOL_ERROR_ENUM) PROTOCOL_ERROR_COUNT };

/* A request that is to be answered once, now or later. */
struct call {
    struct protocol *protocol;
    struct peer *peer;
    json_t *request;
};

typedef void protocol_command_fn(void *user, struct call *call);

#define PROTOCOL_MEMBERS 8

struct protocol_command {
    const char *name;
    protocol_command_fn *run;
    const char *members[PROTOCOL_MEMBERS]; /* beside "do" and "id" */
};

struct protocol {
    const struct protocol_command *commands;
    unsigned command_count;
    void *user;
    uint64_t answered;
    uint64_t errors[PROTOCOL_ERROR_COUNT];
};

/* The socket's callback; `user` is the struct protocol. */
socket_line_fn protocol_line;

/* Answer, and free the call. Takes over `result`. */
void call_answer(struct call *call, json_t *result);
void call_fail(struct call *call, enum protocol_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A word on the way. */
void call_progress(struct call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Members of the request. False: the call has failed, and is freed; an optional one that is missing
 * leaves *out as it is. */
MUST_CHECK bool call_text(struct call *call, const char *name, bool required, const char **out);
MUST_CHECK bool call_flag(struct call *call, const char *name, bool *out);
MUST_CHECK bool call_texts(struct call *call, const char *name, json_t **out); /* array of texts */

#endif
