/* SPDX-License-Identifier: BSD-3-Clause */
/* Work in the background: a thread of its own for each, beside no worker. */
#ifndef SPLITMX_CONTROL_JOB_H
#define SPLITMX_CONTROL_JOB_H

#include <stdbool.h>

#include "drivers/base/check.h"

enum job_priority {
    JOB_WAITED_FOR, /* somebody wants the result: behind the control thread */
    JOB_IDLE,       /* only what no other thread on its CPUs wants */
};

struct job {
    void (*run)(struct job *job); /* in the thread; what it works on is the job's alone meanwhile */
    enum job_priority priority;
    bool done;  /* see job_is_done() */
    int thread; /* its number in the kernel; 0: not yet known */
};

/* The thread has the CPUs of the one that calls, which are no worker's. False: there are no more
 * threads to be had. */
MUST_CHECK bool job_start(struct job *job);

/* Somebody waits for an idle job now. Without the right to raise priorities (RLIMIT_NICE) nothing
 * changes. */
void job_hurry(const struct job *job);

/* Has run() returned? */
bool job_is_done(const struct job *job);

#endif
