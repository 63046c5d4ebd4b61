/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a run counted: a plain value that the source or the sink fills, and its three faces: a line
 * each second, a table at the end, and JSON.
 */
#ifndef SPLITMX_SMTPGEN_REPORT_H
#define SPLITMX_SMTPGEN_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "bench/smtpgen/histogram.h"
#include "drivers/stream.h"

/* Every message that a source began is accepted, refused, failed or in doubt, or still under way.
 * A message that a sink began is accepted, refused or failed. */
#define REPORT_COUNTS(X)                                                                           \
    X(connections, "connections established")                                                      \
    X(connections_failed, "connections that could not be established")                             \
    X(connections_lost, "connections that ended before their QUIT")                                \
    X(messages_accepted, "messages answered 2xx after their content")                              \
    X(messages_refused, "messages answered 4xx or 5xx at any step")                                \
    X(messages_failed, "messages whose connection ended before their content had")                 \
    X(messages_in_doubt, "messages whose content was sent and never answered")                     \
    X(recipients_accepted, "recipients answered 2xx")                                              \
    X(recipients_refused, "recipients answered 4xx or 5xx")                                        \
    X(content_bytes, "bytes of accepted messages")                                                 \
    X(gave_up, "sessions closed by an impatient client")                                           \
    X(late, "arrivals that had to wait for a session")                                             \
    X(faults, "faults that the sink played")

/* Of the port and the stack below. */
#define REPORT_WIRE_COUNTS(X)                                                                      \
    X(packets_in, "packets received")                                                              \
    X(packets_out, "packets sent")                                                                 \
    X(bytes_in, "bytes of Ethernet frames received")                                               \
    X(bytes_out, "bytes of Ethernet frames sent")                                                  \
    X(retransmits, "TCP segments sent again")                                                      \
    X(missed, "packets dropped by the port on receive")

#define REPORT_PHASES(X)                                                                           \
    X(CONNECT, connect, "connect: SYN to 220")                                                     \
    X(ENVELOPE, envelope, "envelope: MAIL and RCPT")                                               \
    X(DATA, data, "DATA to 354")                                                                   \
    X(CONTENT, content, "content to its reply")                                                    \
    X(MESSAGE, message, "whole message")
#define REPORT_PHASE_ENUM(NAME, name, text) REPORT_##NAME,
enum report_phase { REPORT_PHASES(REPORT_PHASE_ENUM) REPORT_PHASE_COUNT };

#define REPORT_FIELD(name, text) uint64_t name;

struct report_counts {
    REPORT_COUNTS(REPORT_FIELD)
};

struct report_wire {
    REPORT_WIRE_COUNTS(REPORT_FIELD)
};

/* Where the last line of progress stood. */
struct report_mark {
    struct report_counts counts;
    struct report_wire wire;
    uint64_t cycles_total, cycles_busy;
    double seconds;
};

struct report {
    const char *role;             /* "source" or "sink" */
    const char *const *arguments; /* as given, ends in NULL; borrowed */
    uint32_t run;
    bool open_loop; /* latency counts from the intended time, so it needs no correction */
    double seconds; /* that were measured, without the warm-up */

    struct report_counts counts;
    uint64_t replies[1000];                     /* refusals by code */
    uint64_t stream_errors[STREAM_ERROR_COUNT]; /* connections_failed and _lost by cause */
    struct report_wire wire;
    uint64_t cycles_total, cycles_busy; /* TSC, of the loop; busy: of rounds that found work */

    uint64_t sessions_now; /* connections that are open */
    uint64_t waiting_now;  /* arrivals that wait for a session (open loop) */
    uint64_t waiting_max;

    struct histogram latency[REPORT_PHASE_COUNT]; /* of successful phases, ns */
    struct report_mark mark;                      /* of report_progress() */
};

/* The warm-up ends: forgets what was counted, not what the run is nor how it stands now. The caller
 * takes new bases for `wire` and `cycles_…`, which it sets. */
void report_restart(struct report *r);

/* The table. Figures that were not measured (no packets, no cycles, no sample) are left out. */
void report_print(const struct report *r, FILE *out);

/* The same as JSON, a new reference. Latencies in microseconds; counts by the names above. */
json_t *report_json(const struct report *r);

/* Writes it to a file, "-" for standard output. False with errno. */
MUST_CHECK bool report_json_write(json_t *json, const char *path);

/*
 * What happened since the last such line, as one line, which replaces that on a terminal; `seconds`
 * is the time since the start, the warm-up included.
 */
void report_progress(struct report *r, double seconds, FILE *out);

#endif
