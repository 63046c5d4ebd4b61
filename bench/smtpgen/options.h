/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of smtpgen. */
#ifndef SPLITMX_SMTPGEN_OPTIONS_H
#define SPLITMX_SMTPGEN_OPTIONS_H

#include <stdbool.h>

#include "bench/smtpgen/engine.h"
#include "bench/smtpgen/sink.h"
#include "bench/smtpgen/source.h"
#include "bench/smtpgen/targets.h"

enum role {
    ROLE_SOURCE = 1 << 0,
    ROLE_SINK = 1 << 1,
    ROLE_BOTH = ROLE_SOURCE | ROLE_SINK,
};

struct options {
    enum role role;
    struct engine_config engine;
    struct source_config source;
    struct sink_config sink;
    struct targets to;
    const char *records, *sink_records; /* files; NULL: none */
    bool verify;                        /* what was sent against what was received, in memory */
    char *expect;                       /* CLASS=ADDRESS:PORT,... */
    struct ip_addr addresses[IP_MAX_ADDRESSES]; /* of source.addresses */
    const char *json; /* file for the results, "-": standard output; NULL: none */
    bool progress;
};

/* argv[0] is the subcommand. False with a message on standard error, after which the program ends
 * with *code; also after --help. */
MUST_CHECK bool options_parse(struct options *o, enum role role, int argc, char **argv, int *code);

void options_free(struct options *o);

#endif
