/* SPDX-License-Identifier: BSD-3-Clause */
/* Folding the overlay into the set, and what has ended out of the grace, beside the mail. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/control/state.h"
#include "app/route/amend.h"
#include "app/route/grace_file.h"
#include "config/memory.h"

#define FOLD_MANY  4096 /* changes: more do not fit into a core's cache beside the rest */
#define FOLD_QUIET 5    /* s after the last batch: more may come, and be compiled with it */
#define FOLD_AGAIN 60   /* s */

static void run(struct job *job)
{
    struct fold_job *j = CONTAINER_OF(job, struct fold_job, job);
    j->folded = snapshot_fold(j->before, j->now, &j->why);
    if (j->folded != NULL && j->ended && j->grace_path != NULL &&
        !grace_file_prepare(j->grace_path, snapshot_grace(j->folded)))
        j->file_error = errno;
}

static void free_job(struct fold_job *j)
{
    snapshot_free(j->before);
    snapshot_free(j->folded);
    free(j->why);
    free(j);
}

static bool is_worth_it(const struct reload *r, uint64_t now)
{
    uint32_t overlay = snapshot_size(r->now).overlay;
    if (now < r->next_fold)
        return false;
    return overlay >= FOLD_MANY || (overlay > 0 && now >= r->changed_at + FOLD_QUIET) ||
           grace_first_end(snapshot_grace(r->now)) <= now;
}

static void begin(struct reload *r, uint64_t now)
{
    struct fold_job *j = memory_new(1, sizeof(*j));
    j->job = (struct job){.run = run, .priority = JOB_IDLE};
    j->before = snapshot_ref(r->now);
    j->now = now;
    j->ended = grace_first_end(snapshot_grace(r->now)) <= now;
    j->grace_path = r->config.grace_path;
    if (job_start(&j->job))
        r->fold = j;
    else
        free_job(j);
}

/* The file need not hold what has ended; but what has been appended since stays. */
static void replace_file(const struct reload *r, const struct fold_job *j)
{
    if (!j->ended || j->grace_path == NULL || snapshot_grace(r->now) != snapshot_grace(j->before))
        return;
    int why = j->file_error;
    if (why == 0 && !grace_file_commit(j->grace_path))
        why = errno;
    if (why != 0)
        reload_cannot_remember(r, why);
}

static void finish(struct reload *r, uint64_t now)
{
    struct fold_job *j = r->fold;
    r->fold = NULL;
    if (j->folded != NULL) {
        replace_file(r, j);
        reload_publish(r, snapshot_folded(j->folded, j->before, r->now));
    } else {
        char text[512];
        snprintf(text, sizeof(text), "changes stay in the overlay, they do not compile: %s",
                 j->why);
        r->config.say(r->config.context, text);
    }
    if (j->ended || j->folded == NULL)
        r->next_fold = now + FOLD_AGAIN;
    free_job(j);
}

void fold_poll(struct reload *r, bool may_begin)
{
    uint64_t now = reload_time();
    if (r->fold != NULL && job_is_done(&r->fold->job))
        finish(r, now);
    else if (r->fold == NULL && may_begin && is_worth_it(r, now))
        begin(r, now);
}

bool fold_is_done(const struct reload *r)
{
    return r->fold == NULL || job_is_done(&r->fold->job);
}

void fold_leave(struct reload *r)
{
    if (r->fold != NULL)
        free_job(r->fold);
}
