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

#include "bench/smtpgen/engine.h"
#include "bench/smtpgen/message.h"
#include "bench/smtpgen/record.h"
#include "bench/smtpgen/report.h"
#include "bench/smtpgen/targets.h"

struct source_config {
    struct endpoint server;
    uint32_t sessions;          /* at once */
    uint64_t messages;          /* in all; 0: no limit */
    nsec_t duration;            /* 0: no limit */
    nsec_t warm_up;             /* before counting begins */
    double rate;                /* messages a second: an open loop; 0: a closed one */
    nsec_t ramp;                /* until that rate is reached */
    bool even;                  /* evenly spaced; else as chance (a Poisson process) has it */
    struct message_sizes sizes; /* of content */
    uint32_t idle_sessions;     /* besides, that say EHLO and then nothing */
    uint64_t seed;              /* of everything that chance decides */
    uint32_t recipients;        /* per message */
    bool keep;       /* many messages per session; else each has a connection of its own */
    bool pipelining; /* where the server offers it */
    bool bdat;       /* BDAT in place of DATA (RFC 3030), in one chunk */
    bool number;     /* each recipient has a number of its own in front */
    nsec_t pause;    /* after each message of a session */
    bool random;     /* between nothing and that long */
    nsec_t patience; /* for the answer to what was sent last; 0: without end */
    uint32_t pace;   /* bytes of content a second; 0: all at once */
    const char *from, *hostname, *subject;
    struct targets *to;
    struct record_file *records; /* of what was sent; NULL: none are kept */
    uint32_t run;                /* part of every message's id */
    struct ip_addr *addresses;   /* of the clients, in turn; none: as routed */
    unsigned address_count;
};

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
