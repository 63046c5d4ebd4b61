/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection as a stream (drivers/stream.h): what the application's calls do. */
#ifndef SPLITMX_TCP_STREAM_GLUE_H
#define SPLITMX_TCP_STREAM_GLUE_H

#include "drivers/stream.h"

struct tcp_connection;

void stream_glue_init(struct tcp_connection *c, const struct endpoint *local,
                      const struct endpoint *peer);

#endif
