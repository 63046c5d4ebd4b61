/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a sink sees of one message: for whom it is, which one of smtpgen's it is, and the digest of
 * its content from the X-Smtpgen field on; what relays have put in front of that does not count.
 */
#ifndef SPLITMX_SMTPGEN_INSPECTION_H
#define SPLITMX_SMTPGEN_INSPECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/smtpgen/digest.h"
#include "bench/smtpgen/record.h"
#include "drivers/base/check.h"

#define INSPECTION_HEADER_MAX 8192 /* bytes in front of the field, at most */

/* All zero is one that has seen nothing. */
struct inspection {
    char *addresses; /* of recipients, each with a NUL behind it */
    size_t len, room;
    unsigned recipients;
    char *header; /* what came before the field was found */
    size_t header_len;
    bool found, given_up;
    uint32_t run, number;
    struct digest digest;
};

/* The next message. Keeps its memory. */
void inspection_reset(struct inspection *i);
void inspection_free(struct inspection *i);

/* A RCPT line. False if out of memory. */
MUST_CHECK bool inspection_recipient(struct inspection *i, const char *line, size_t len);

/* The next bytes of content, as on the wire. */
void inspection_content(struct inspection *i, const uint8_t *data, size_t len);

/* At the end: writes a record. `listener`: ADDRESS:PORT. */
void inspection_record(struct inspection *i, struct record_file *f, const char *listener);

#endif
