/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Expressions compiled in a process of their own, where they may take no more than so much time and
 * memory: a few characters can ask for gigabytes, or for hours.
 *
 * That process is this program, started again (/proc/self/exe) with an argument that it looks for
 * before main(): a fork alone would not do, as others of our threads may hold a lock of the heap
 * just then, and a reload has such threads. It is started when it is needed first, and stays for
 * what else is to be compiled, until compiler_rest() or our end.
 */
#ifndef SPLITMX_ROUTE_COMPILER_H
#define SPLITMX_ROUTE_COMPILER_H

#include "drivers/base/check.h"

struct hs_database;

struct compiler_limits {
    unsigned seconds;   /* of CPU time */
    unsigned mebibytes; /* beyond what the process takes anyway */
};

struct compiler_job {
    const char *const *texts; /* each is to match a whole local part */
    const unsigned *flags;    /* Hyperscan's */
    unsigned count;           /* at least 1 */
    struct compiler_limits limits;

    /* Called for each expression that Hyperscan refuses, with its words; COMPILER_REFUSED only. An
     * index of `count` stands for all of them together. */
    void (*refused)(void *context, unsigned index, const char *why);
    void *context;
};

enum compiler_verdict {
    COMPILER_DONE,
    COMPILER_REFUSED,
    COMPILER_TOO_LONG,    /* more time than the limits */
    COMPILER_TOO_LARGE,   /* more memory than the limits */
    COMPILER_DIED,        /* of something else */
    COMPILER_UNAVAILABLE, /* there is no such process: errno */
};

/* Compile all into one database, whose matches have the expressions' indices. Any thread but a
 * worker; one at a time, others wait. */
MUST_CHECK enum compiler_verdict compiler_run(const struct compiler_job *job,
                                              struct hs_database **out);

/* End the process, if there is one. */
void compiler_rest(void);

#endif
