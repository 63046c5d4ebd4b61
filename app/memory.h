/* SPDX-License-Identifier: BSD-3-Clause */
/* How much memory the configuration asks for: the sum that --check prints and that start-up
 * reserves. */
#ifndef SPLITMX_MEMORY_H
#define SPLITMX_MEMORY_H

#include <stdint.h>
#include <stdio.h>

#include "app/settings.h"
#include "drivers/base/pools.h"
#include "drivers/port/port.h"

struct memory_plan {
    struct pools_config pools; /* of one worker; without its name */
    struct pools_sum sum;      /* likewise */
    uint64_t buffer;           /* bytes of one data buffer, headers included */
    uint64_t objects; /* bytes of sessions, transactions, recipients, connections of one worker */
    uint64_t tcp;     /* bytes of connections and queue records of one worker: plain memory */
    uint64_t bytes;   /* of DPDK's memory, of all workers */
};

/* `ports`: the configurations of all ports, in the settings' order. */
struct memory_plan memory_plan(const struct settings *s, const struct port_config *ports);

/* The sum as a table. */
void memory_print(const struct memory_plan *plan, const struct settings *s, FILE *out);

#endif
