/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection as a stream (drivers/stream.h): what the application's calls do. */
#ifndef SPLITMX_TCP_STREAM_GLUE_H
#define SPLITMX_TCP_STREAM_GLUE_H

#include "drivers/stream.h"

struct tcp_connection;

extern const struct stream_ops stream_glue_ops;

/* The peer acknowledged `bytes` more: the application hears of it, and may queue as much as the
 * congestion window can use, within a fair share of memory (share.h). */
void stream_glue_acked(struct tcp_connection *c, uint32_t bytes);

#endif
