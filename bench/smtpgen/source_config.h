/* SPDX-License-Identifier: BSD-3-Clause */
/* What a source is to do. */
#ifndef SPLITMX_SMTPGEN_SOURCE_CONFIG_H
#define SPLITMX_SMTPGEN_SOURCE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/smtpgen/message.h"
#include "bench/smtpgen/record.h"
#include "bench/smtpgen/targets.h"
#include "drivers/base/addr.h"
#include "drivers/base/timer.h"

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

#endif
