/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Content that comes by BDAT (RFC 3030 §2), made what it would be by DATA: dots doubled, one end
 * behind the last chunk. So all that knows content knows it.
 *
 *     in the stream:    chunk | BDAT n | chunk | BDAT n LAST | chunk | next command
 *     given to others:  content, stuffed ------------------- CRLF . CRLF
 *
 * Chunks are no lines: the scanner may withhold a CRLF that ends one, which cannot stay in the
 * stream, as the next command is behind it. It is held here.
 */
#ifndef SPLITMX_RELAY_CHUNKS_H
#define SPLITMX_RELAY_CHUNKS_H

#include "app/smtp/content.h"
#include "app/smtp/stuffing.h"
#include "drivers/base/check.h"
#include "drivers/stream.h"

#define CHUNKS_HELD 2 /* CR and LF may come in different segments */

struct chunks {
    bool on;        /* content comes by BDAT */
    bool last;      /* the chunk is the last */
    bool binary;    /* no lines: nothing is withheld, and no newline is bare (RFC 3030 §3) */
    bool announced; /* legs that get chunks, too, have its BDAT */
    uint64_t size;  /* of the chunk */
    uint64_t left;  /* of it, not consumed from the stream yet */
    uint64_t ahead; /* of that, scanned */
    struct smtp_stuffing scan, pass;
    unsigned held_count;
    struct slice held[CHUNKS_HELD];
};

/* BDAT: the next chunk comes. */
void chunks_begin(struct chunks *c, uint64_t size, bool last);

/* Scan what has arrived of it; behind the last one, the end of data. */
void chunks_scan(struct chunks *c, struct stream *client, struct smtp_content *content);

/* Take what comes next of what was scanned, at most `most` (> 0) bytes of it as given to others: a
 * reference, for the caller to release. Of these, the first `*octets` are octets of the chunk: not
 * the first of two dots, nor what was held. False: there is nothing. */
MUST_CHECK bool chunks_take(struct chunks *c, struct stream *client, uint32_t most,
                            struct slice *part, uint32_t *octets);

/* Has all of the chunk been scanned? */
bool chunks_is_complete(const struct chunks *c);

/* The chunk is complete, and all of it is taken but what the scanner withholds: hold the next part
 * of that, all octets, which is borrowed. False: there is none, and the stream is at the next
 * command. */
MUST_CHECK bool chunks_hold(struct chunks *c, struct stream *client, struct slice *part);

/* The message is over. */
void chunks_drop(struct chunks *c);

#endif
