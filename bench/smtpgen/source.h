/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The traffic source: SMTP clients, many at once, in one thread.
 *
 * A closed loop: each session sends its next message when the last one has been answered. An open
 * loop: messages are sent at a set rate, by whichever session is free, and latency counts from the
 * time that each was due.
 */
#ifndef SPLITMX_SMTPGEN_SOURCE_H
#define SPLITMX_SMTPGEN_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/smtpgen/source_config.h"

struct engine;
struct report;

struct source;

/* NULL if out of memory. Counts into *report. */
struct source *source_create(const struct source_config *config, struct engine *e,
                             struct report *report);

/* Resets the connections that are left, those of the idle crowd. */
void source_destroy(struct source *s);

/* Open what is to be opened. False when all is done, or when the source was told to stop and
 * nothing is under way any more. Adds what it did to *work. */
bool source_step(struct source *s, nsec_t now, unsigned *work);

/* Has the warm-up ended, and the report begun anew? */
bool source_is_counting(const struct source *s);

/* Why the source ended before its time; NULL: it did not. */
const char *source_complaint(const struct source *s);

/* No new message is begun; what is under way gets 5 s to end. */
void source_stop(struct source *s, nsec_t now);

#endif
