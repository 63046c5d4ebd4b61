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
    int file_error; /* errno of remembering who has moved */
    char *text;
};

/* The overlay becomes part of the set, in the background. */
struct fold_job {
    struct job job;
    const char *grace_path;
    struct snapshot *before; /* a reference */
    uint64_t now;
    bool ended;              /* some of the grace has: the file is written anew, too */
    struct snapshot *folded; /* NULL: why not */
    int file_error;          /* errno; 0: the file is ready beside the old one */
    char *why;
};

struct reload {
    struct reload_config config;
    struct snapshot *now;          /* a reference */
    struct reload_job *job;        /* NULL: no reload is under way */
    struct reload_waiter *waiters; /* for the next one */
    bool wanted, force_shrink;     /* likewise */
    bool held;                     /* see reload_hold() */
    struct fold_job *fold;         /* NULL: none is under way */
    uint64_t changed_at;           /* when the last batch came, in seconds */
    uint64_t next_fold;            /* not before, after one that failed or that ended some grace */
};

/* Put a snapshot into force, whose reference it takes over. */
void reload_publish(struct reload *r, struct snapshot *s);

/* Remember who has moved between two snapshots. Returns errno. */
int reload_remember(const struct reload_config *c, const struct snapshot *older,
                    const struct snapshot *newer);

/* Tell the operator that it could not be remembered. */
void reload_cannot_remember(const struct reload *r, int why);

/* Seconds since the epoch. */
uint64_t reload_time(void);

/* Finish a fold, or begin one where it is worth it and `may_begin`. */
void fold_poll(struct reload *r, bool may_begin);

/* At the end: is none under way? Then forget what came of the last. */
bool fold_is_done(const struct reload *r);
void fold_leave(struct reload *r);

#endif
