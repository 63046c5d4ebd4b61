/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transparency (RFC 5321 §4.5.2) for content that has none: what came by BDAT goes on by DATA, with
 * a second dot in front of each line that begins with one. Lines begin behind CRLF only, and at the
 * beginning.
 *
 * The dot is doubled by giving it out twice, so nothing has to be written and nothing is copied:
 *
 *     in      ..text CRLF | . | more            out     runs of the bytes themselves
 *     run     ..text CRLF .                     taken   all but the dot
 *     run     .more                             taken   all
 */
#ifndef SPLITMX_SMTP_STUFFING_H
#define SPLITMX_SMTP_STUFFING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/base/check.h"

struct smtp_stuffing {
    bool inside;  /* what comes next does not begin a line */
    bool cr;      /* the last byte was a CR */
    bool doubled; /* the dot that comes next was given out once */
};

/* Zeroed: the beginning of the content. At the start of a line? */
static inline bool smtp_stuffing_at_line(const struct smtp_stuffing *s)
{
    return !s->inside;
}

/*
 * The bytes at the front of data (len > 0) that are to be given out as they are: returns how many,
 * at least one, and in *taken how many of them are done with. What is left comes again in the next
 * call, which may have more or less of what follows.
 */
MUST_CHECK size_t smtp_stuffing_run(struct smtp_stuffing *s, const uint8_t *data, size_t len,
                                    size_t *taken);

#endif
