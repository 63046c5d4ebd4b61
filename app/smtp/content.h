/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The content of a message after DATA (RFC 5321 §4.5.2), scanned as it streams.
 *
 * The scanner says how far the content may be passed on. It always withholds what could still
 * become the end of data, so that a message that is aborted was never complete:
 *
 *     offset 0                    safe          scanned
 *     |---- may be passed on -----|-- withheld --|
 *
 * `withheld` is a proper prefix of CRLF.CRLF (at the very beginning: of .CRLF), hence at most 4
 * bytes. At the end of data: safe is where the final CRLF.CRLF begins (offset 0 for an empty
 * message), and scanned is just after it. Dots are passed on as received: DATA to DATA needs no
 * unstuffing.
 *
 * End of data is CRLF.CRLF and nothing else. A CR without LF or an LF without CR is *bare*; it
 * never ends anything, and `safe` stays on the first of them for good, unless they are `mended`
 * (repair.h). A CR that was scanned last is not bare yet.
 *
 * How the content is cut into calls makes no difference to any of this.
 */
#ifndef SPLITMX_SMTP_CONTENT_H
#define SPLITMX_SMTP_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMTP_MESSAGE_ID_MAX 250
#define SMTP_CONTENT_MARKS  64

/* Lines end in CRLF only. The dot that transparency puts in front of a line does not count among
 * its octets (RFC 5321 §4.5.3.1.6), and the line of the final dot is no line. */
struct smtp_content {
    uint64_t scanned;     /* bytes seen since DATA */
    uint64_t safe;        /* of those, may be passed on */
    uint64_t line;        /* octets in the current line so far */
    uint64_t longest;     /* octets in the longest line that has ended, with its CRLF */
    uint8_t state;        /* of the matcher for CRLF.CRLF: see content.c */
    uint8_t header_state; /* of the look at the header section: see header.c */
    uint8_t header_field; /* likewise */
    uint8_t header_at;    /* likewise */
    bool ended;           /* the end of data was seen */
    bool bare;            /* a bare CR or LF was seen */
    bool mended;          /* the caller's: bare CR and LF are repaired, and may be passed on */
    bool eightbit;        /* a byte above 127 was seen */
    bool nul;             /* a NUL was seen */
    bool identified;      /* a Message-ID field was seen */
    uint8_t mark_count;   /* of `marks`: the newest that there are, hops put theirs in front */
    uint16_t hops;        /* Received fields */
    uint64_t mark;        /* being read */
    uint16_t message_id_len;
    uint64_t marks[SMTP_CONTENT_MARKS];
    char message_id[SMTP_MESSAGE_ID_MAX]; /* of the first Message-ID field, angle brackets included,
                                             unfolded, truncated; printable ASCII: other bytes are
                                             '?' */
};

/* At the 354. */
void smtp_content_start(struct smtp_content *c);

/*
 * Scan the next bytes. Returns how many belong to the content and its end: all of them, or, when
 * this call found the end (c->ended), fewer: the rest is the client's next command. Calling it
 * after the end takes nothing.
 */
size_t smtp_content_scan(struct smtp_content *c, const uint8_t *data, size_t len);

/* True if the message had no bytes at all: the end of data came as .CRLF right after DATA. */
bool smtp_content_empty(const struct smtp_content *c);

#endif
