/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's environment: memory, lcores and the buses, once per process.
 *
 * lcore 0 is the control thread, lcore 1 + w is worker w, whatever CPUs they run on. The control
 * thread may use every CPU that no worker owns (all of them, if workers own all).
 *
 * Nothing is left on disk and nothing is shared: several processes run side by side on one host,
 * and none answers to dpdk-proc-info and its kin.
 */
#ifndef SPLITMX_PORT_EAL_H
#define SPLITMX_PORT_EAL_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/check.h"

#define EAL_MAX_WORKERS 64

/* Why something could not be brought up: one sentence, without a full stop or newline, that names
 * what was asked for, what the system answered, and what to do. */
struct port_error {
    char text[512];
};

/* The INI's `workers`: a count, or CPUs. */
struct eal_workers {
    unsigned count;                 /* 1..EAL_MAX_WORKERS */
    bool chosen;                    /* cpus[] says which; else eal_start() picks them */
    uint16_t cpus[EAL_MAX_WORKERS]; /* CPU of each worker */
};

/* `4` is a count; `2-5`, `3,5` and `2-3,8` are CPUs (`4,` is CPU 4 alone). False if it is neither,
 * or names a CPU twice. */
MUST_CHECK bool eal_workers_parse(const char *text, struct eal_workers *out);

struct eal_config {
    const char *program; /* argv[0] */
    struct eal_workers workers;
    bool hugepages;
    uint64_t memory; /* bytes that pools and tables will take (pools_sum().bytes); what
                        DPDK and the ports need beside is added here */
    const char *const
        *devices; /* the `device` of every port; no bus is scanned for anything else */
    unsigned device_count;
};

/*
 * Initialise DPDK. The calling thread becomes the control thread (its affinity changes). Once per
 * process: DPDK cannot start a second time, not even after eal_stop(). False with *why.
 *
 * Afterwards DPDK's own messages, warnings and worse, go to stderr, a line each.
 */
MUST_CHECK bool eal_start(const struct eal_config *config, struct port_error *why);

/* Give everything back. Ports must be closed and workers must have returned. */
void eal_stop(void);

/* The lcore of worker w, for rte_eal_remote_launch(). */
static inline unsigned eal_worker_lcore(unsigned w)
{
    return 1 + w;
}

/* The CPU that worker w was given. */
unsigned eal_worker_cpu(unsigned w);

#endif
