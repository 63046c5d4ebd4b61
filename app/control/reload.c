/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading everything again, all or nothing. */
#include "app/control/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/control/state.h"
#include "app/settings.h"
#include "app/worker.h"
#include "config/config.h"
#include "config/memory.h"

void report_free(struct report *r)
{
    free(r->text);
    memset(r, 0, sizeof(*r));
}

/* ------------------------------------------------------------------------ in the background -- */

/* Beside the domains only <postmaster> can change while the program runs. */
static void note_difference(void *context, const char *type, const char *name, const char *key)
{
    if (strcmp(type, "domain") == 0 || (key != NULL && strcmp(key, "postmaster") == 0))
        return;
    fprintf(context, "[%s%s%s]%s%s has changed: it takes effect at the next start\n", type,
            name[0] != '\0' ? " " : "", name, key != NULL ? " " : "", key != NULL ? key : "");
}

static void make_snapshot(struct reload_job *j, const struct config *config,
                          struct config_errors *errors)
{
    struct settings *settings = memory_new(1, sizeof(*settings));
    settings_build(settings, config, errors); /* what the next start would refuse is refused now */
    free(settings);
    struct snapshot_request request = {
        .config = config,
        .locals = j->config->locals,
        .local_count = j->config->local_count,
        .names = j->config->names,
        .workers = j->config->worker_count,
        .old = j->old,
        .oldest_in_use = j->oldest_in_use,
        .force_shrink = j->force_shrink,
        .now = reload_time(),
        .wall = reload_time() * NSEC_PER_SEC,
    };
    j->made = snapshot_make(&request, &j->summary, errors);
    if (config_errors_count(errors) > 0 && j->made != NULL) {
        snapshot_free(j->made);
        j->made = NULL;
    }
}

static void run(struct job *job)
{
    struct reload_job *j = CONTAINER_OF(job, struct reload_job, job);
    struct config_errors *errors = config_errors_new();
    struct config *config = config_load(j->config->path, errors);
    size_t size;
    FILE *text = memory_must(open_memstream(&j->text, &size));
    if (config != NULL)
        make_snapshot(j, config, errors);
    if (j->made != NULL)
        j->file_error = reload_remember(j->config, j->old, j->made);
    if (j->made != NULL)
        config_compare(j->config->running, config, note_difference, text);
    config_errors_print(errors, text);
    fclose(text);
    config_free(config);
    config_errors_free(errors);
}

/* --------------------------------------------------------------------- in the control thread -- */

struct reload *reload_create(const struct reload_config *config)
{
    struct reload *r = memory_new(1, sizeof(*r));
    r->config = *config;
    r->now = snapshot_ref(publisher_current(config->publisher)->snapshot);
    return r;
}

static void tell(struct reload_waiter *waiters, const struct report *report)
{
    struct reload_waiter *next;
    for (struct reload_waiter *w = waiters; w != NULL; w = next) {
        next = w->next;
        w->done(w->context, report);
        free(w);
    }
}

static void free_waiters(struct reload_waiter *waiters)
{
    struct reload_waiter *next;
    for (struct reload_waiter *w = waiters; w != NULL; w = next) {
        next = w->next;
        free(w);
    }
}

static void free_job(struct reload_job *j)
{
    snapshot_free(j->old);
    snapshot_free(j->made);
    free(j->text);
    free(j);
}

bool reload_destroy(struct reload *r)
{
    if (r == NULL)
        return true;
    bool done = (r->job == NULL || job_is_done(&r->job->job)) && fold_is_done(r);
    if (!done)
        return false;
    free_waiters(r->waiters);
    if (r->job != NULL) {
        free_waiters(r->job->waiters);
        free_job(r->job);
    }
    fold_leave(r);
    snapshot_free(r->now);
    free(r);
    return true;
}

void reload_start(struct reload *r, const struct reload_options *options, reload_done_fn *done,
                  void *context)
{
    struct reload_waiter *w = memory_new(1, sizeof(*w)), **last = &r->waiters;
    *w = (struct reload_waiter){done, context, NULL};
    while (*last != NULL)
        last = &(*last)->next;
    *last = w;
    r->wanted = true;
    r->force_shrink = r->force_shrink || options->force_shrink;
}

void reload_hold(struct reload *r, bool held)
{
    r->held = held;
}

bool reload_is_due(const struct reload *r)
{
    return r->wanted && r->job == NULL && r->fold == NULL;
}

static void begin(struct reload *r)
{
    struct reload_job *j = memory_new(1, sizeof(*j));
    j->job = (struct job){.run = run, .priority = JOB_WAITED_FOR};
    j->config = &r->config;
    j->old = snapshot_ref(r->now);
    j->oldest_in_use = reload_oldest_in_use(r);
    j->force_shrink = r->force_shrink;
    j->waiters = r->waiters;
    if (!job_start(&j->job)) {
        free_job(j);
        return; /* in the next round, perhaps */
    }
    r->job = j;
    r->waiters = NULL;
    r->wanted = r->force_shrink = false;
}

static void finish(struct reload *r)
{
    struct reload_job *j = r->job;
    struct report report = {.done = j->made != NULL, .text = j->text};
    if (report.done) {
        struct snapshot *next = snapshot_remade(j->made, j->old, r->now, reload_time());
        reload_publish(r, next);
        if (j->file_error != 0)
            reload_cannot_remember(r, j->file_error);
        report.moved = j->summary.moved;
        report.domains_added = j->summary.domains_added;
        report.domains_removed = j->summary.domains_removed;
        report.mailboxes_added = j->summary.mailboxes_added;
        report.mailboxes_removed = j->summary.mailboxes_removed;
        report.mailboxes_turned = j->summary.mailboxes_turned;
    }
    report.generation = snapshot_generation(r->now);
    r->job = NULL;
    tell(j->waiters, &report);
    free_job(j);
}

void reload_poll(struct reload *r)
{
    publisher_collect(r->config.publisher);
    /* Probes go on from one list to the next: workers must have come to the last one. */
    if (r->job != NULL && job_is_done(&r->job->job) && publisher_is_settled(r->config.publisher))
        finish(r);
    if (r->wanted && r->fold != NULL)
        job_hurry(&r->fold->job);
    else if (reload_is_due(r) && !r->held)
        begin(r);
    fold_poll(r, r->job == NULL && !r->wanted);
}

/* ------------------------------------------------------------------------------------- state -- */

struct reload_state reload_state(const struct reload *r)
{
    struct snapshot_size size = snapshot_size(r->now);
    return (struct reload_state){
        .generation = snapshot_generation(r->now),
        .reloading = r->job != NULL || r->wanted,
        .folding = r->fold != NULL,
        .overlay = size.overlay,
        .grace = size.grace,
        .directory_bytes = size.directory_bytes,
    };
}

const struct snapshot *reload_snapshot(const struct reload *r)
{
    return r->now;
}

uint64_t reload_oldest_in_use(const struct reload *r)
{
    uint64_t oldest = snapshot_generation(r->now);
    for (unsigned w = 0; w < r->config.worker_count; w++) {
        uint64_t of_worker = worker_oldest_generation(r->config.workers[w]);
        oldest = of_worker < oldest ? of_worker : oldest;
    }
    return oldest;
}
