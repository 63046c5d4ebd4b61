/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The content of generated messages. What differs from message to message is one line in front; the
 * rest is prepared once per size in packet memory and sent by reference.
 *
 *     X-Smtpgen: 0012d687-000000000042       written for each message
 *     From: ... Subject: ... and the body    shared, up to and including CRLF.CRLF
 */
#ifndef SPLITMX_SMTPGEN_MESSAGE_H
#define SPLITMX_SMTPGEN_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/smtpgen/digest.h"
#include "drivers/base/check.h"
#include "drivers/base/pools.h"
#include "drivers/base/slice.h"

#define MESSAGE_ID_LINE 36 /* bytes of the first line, with its CRLF */

struct message {
    size_t size;          /* of the content, the first line and the last CRLF included */
    struct slice *slices; /* of the shared part */
    unsigned count;
    struct digest_tail tail; /* of all behind the first line */
};

/* `size`: bytes of content, at least MESSAGE_SIZE_MIN. False if packet memory is out. */
#define MESSAGE_SIZE_MIN 256
MUST_CHECK bool message_prepare(struct message *m, struct pools *pools, size_t size,
                                const char *from, const char *subject);
void message_release(struct message *m);

/* Messages of several sizes, each as often as its weight says. */
#define MESSAGE_SIZES_MAX 16
struct message_sizes {
    unsigned count;
    uint64_t size[MESSAGE_SIZES_MAX];
    unsigned weight[MESSAGE_SIZES_MAX];
};

#define MESSAGE_END_OF_DATA 3 /* bytes behind the content, at the end of the shared part */

/* The first line of message `id` of run `run`: MESSAGE_ID_LINE bytes, without a NUL. */
void message_id_line(uint32_t run, uint64_t id, char out[MESSAGE_ID_LINE]);

#endif
