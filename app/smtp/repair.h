/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bare CRs and LFs in what came by DATA, made CRLF. What a destination understands (RFC 5321
 * §4.5.2) is the content as the client meant it, with each of them replaced. A line may begin
 * behind each, and a dot there is doubled; a dot that only stood for transparency goes where its
 * line has become empty. So no line of a single dot comes into being.
 *
 *     in        LF    CR    LF .      CRLF . LF    CRLF . CR x
 *     out       CRLF  CRLF  CRLF ..   CRLF CRLF    CRLF CRLF x
 *
 * The end of data is found by the scanner (content.h), in the bytes as received. What needs no
 * repair is given out as it is, and nothing is copied.
 */
#ifndef SPLITMX_SMTP_REPAIR_H
#define SPLITMX_SMTP_REPAIR_H

#include <stddef.h>
#include <stdint.h>

#include "drivers/base/check.h"

/* What was given out last. */
enum smtp_repair_place {
    REPAIR_AT_LINE,    /* a CRLF as received; also before the first byte */
    REPAIR_AT_NEW,     /* a CRLF that we have made */
    REPAIR_INSIDE,     /* anything else but ... */
    REPAIR_BEHIND_CR,  /* ... the CR of a CRLF as received, */
    REPAIR_BEHIND_OURS /* ... and the CR that we gave an LF */
};

/* Zeroed: the beginning of the content. */
struct smtp_repair {
    enum smtp_repair_place place;
};

#define SMTP_REPAIR_AHEAD 2

struct smtp_repair_run {
    size_t given;     /* bytes at the front that are given out as they are; may be 0 */
    size_t taken;     /* of the front are done with: `given`, or one more */
    const char *text; /* to be given out behind them; NULL: nothing */
};

/*
 * What is to be done with the front of data[0..len), len > 0, of which all may be passed on.
 * `ahead` is what follows: -1 stands for what the scanner has not seen, and is not looked at.
 * Anything that is not taken comes again in the next call, which may have more or less.
 */
struct smtp_repair_run smtp_repair(struct smtp_repair *r, const uint8_t *data, size_t len,
                                   const int ahead[SMTP_REPAIR_AHEAD]);

#endif
