/* SPDX-License-Identifier: BSD-3-Clause */
/* What reloads and batches share. Private to control/. */
#ifndef SPLITMX_CONTROL_STATE_H
#define SPLITMX_CONTROL_STATE_H

#include "app/control/job.h"
#include "app/control/reload.h"
#include "app/publisher.h"

/* Somebody who waits for a reload. */
struct reload_waiter {
    reload_done_fn *done;
    void *context;
    struct reload_waiter *next;
};

/* Files become a snapshot, in the background. */
struct reload_job {
    struct job job;
    const struct reload_config *config;
    struct snapshot *old; /* a reference */
    uint64_t oldest_in_use;
    bool force_shrink;
    struct reload_waiter *waiters;
    /* What came of it. */
    struct snapshot *made; /* NULL: errors */
    struct snapshot_summary summary;
    char *text;
};

struct reload {
    struct reload_config config;
    struct snapshot *now;          /* a reference */
    struct reload_job *job;        /* NULL: no reload is under way */
    struct reload_waiter *waiters; /* for the next one */
    bool wanted, force_shrink;     /* likewise */
};

/* Put a snapshot into force, whose reference it takes over. */
void reload_publish(struct reload *r, struct snapshot *s);

#endif
