/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a sink does wrong on purpose: for each point of a session, how often it refuses, leaves,
 * resets the connection, or takes its time. The points are the commands of smtp-sink(1), and one of
 * ours: CONTENT, the moment when a message's first bytes arrive.
 *
 *     hard "RCPT, DATA:10"      every RCPT and one DATA in ten is answered 5xx
 *     reset "CONTENT:0.5"       one message in two hundred has its connection reset on the way
 *     delay ".:2.5"             the end of data is answered 2.5 s late
 *     delay "RCPT:0.1:50"       by a random multiple of 0.1 s: as often as a die of 100 sides is
 *                               thrown until it shows 50 or more (0..99)
 */
#ifndef SPLITMX_SMTPGEN_FAULTS_H
#define SPLITMX_SMTPGEN_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/check.h"
#include "drivers/base/timer.h"

#define FAULT_POINTS(X)                                                                            \
    X(CONNECT, "CONNECT")                                                                          \
    X(HELO, "HELO")                                                                                \
    X(EHLO, "EHLO")                                                                                \
    X(MAIL, "MAIL")                                                                                \
    X(RCPT, "RCPT")                                                                                \
    X(DATA, "DATA")                                                                                \
    X(BDAT, "BDAT")                                                                                \
    X(CONTENT, "CONTENT")                                                                          \
    X(DOT, ".")                                                                                    \
    X(RSET, "RSET")                                                                                \
    X(NOOP, "NOOP")                                                                                \
    X(QUIT, "QUIT")
#define FAULT_POINT_ENUM(NAME, text) FAULT_AT_##NAME,
enum fault_point { FAULT_POINTS(FAULT_POINT_ENUM) FAULT_POINT_COUNT };

/* Where several are possible at one point, the dice are cast in this order. */
enum fault {
    FAULT_RESET, /* RST */
    FAULT_CLOSE, /* the connection is closed without a word */
    FAULT_LEAVE, /* 421, and it is closed */
    FAULT_HARD,  /* refused for good */
    FAULT_SOFT,  /* refused for now */
    FAULT_NONE,
};

struct faults {
    uint32_t points;                              /* a bit for each that has a fault or a delay */
    uint32_t odds[FAULT_POINT_COUNT][FAULT_NONE]; /* per million */
    nsec_t delay[FAULT_POINT_COUNT];              /* 0: none */
    uint8_t multiple[FAULT_POINT_COUNT];          /* what ends the dice, 1..99; 0: always once */
};

/* Adds POINT[:PERCENT] and so on, between commas or blanks, without regard to case. */
MUST_CHECK bool faults_add(struct faults *f, enum fault fault, const char *text);

/* Adds POINT:SECONDS[:ODDS]. */
MUST_CHECK bool faults_add_delay(struct faults *f, const char *text);

static inline bool faults_any(const struct faults *f, enum fault_point point)
{
    return (f->points >> point & 1) != 0;
}

/* What happens at `point` this time; *random is the state of a generator, not zero. */
enum fault faults_draw(const struct faults *f, enum fault_point point, uint64_t *random);

/* After how long. */
nsec_t faults_draw_delay(const struct faults *f, enum fault_point point, uint64_t *random);

#endif
