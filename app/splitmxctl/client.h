/* SPDX-License-Identifier: BSD-3-Clause */
/* The other end of the control socket: a request goes out, its answer comes back. */
#ifndef SPLITMX_SPLITMXCTL_CLIENT_H
#define SPLITMX_SPLITMXCTL_CLIENT_H

#include <jansson.h>

#include "drivers/base/check.h"

/* A connected socket; -1 with errno. */
MUST_CHECK int client_connect(const char *path);

/*
 * Send the request and wait for its answer, which is the caller's; words on the way go to standard
 * error unless `quiet`. NULL: the program went away, or did not speak JSON.
 */
json_t *client_ask(int fd, const json_t *request, int quiet);

#endif
