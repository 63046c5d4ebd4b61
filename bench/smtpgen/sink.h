/* SPDX-License-Identifier: BSD-3-Clause */
/* The traffic sink: an SMTP server that keeps nothing, and accepts everything but for the faults
 * that it is asked to play. */
#ifndef SPLITMX_SMTPGEN_SINK_H
#define SPLITMX_SMTPGEN_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/smtpgen/engine.h"
#include "bench/smtpgen/faults.h"
#include "bench/smtpgen/record.h"
#include "bench/smtpgen/report.h"

#define SINK_LISTENERS 16

struct sink_config {
    struct endpoint listen[SINK_LISTENERS];
    unsigned listen_count;
    uint32_t sessions; /* at once */
    const char *hostname;
    struct record_file *records; /* of what was received; NULL: none are kept */
    bool no_esmtp, no_pipelining, no_8bitmime, no_enhanced_codes; /* not offered */
    struct faults faults;
    const char *hard, *soft; /* how a command is refused, without CRLF; begins with the code */
    uint64_t seed;           /* of the faults' dice */
};

struct sink;

/* NULL if out of memory, or if an endpoint is taken. Counts into *report. */
struct sink *sink_create(const struct sink_config *config, struct engine *e, struct report *report);

/* Resets the connections that are left. */
void sink_destroy(struct sink *s);

/* Connections that are open. */
uint32_t sink_open(const struct sink *s);

#endif
