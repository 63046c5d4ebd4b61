/* SPDX-License-Identifier: BSD-3-Clause */
/* When names are looked up again, and what is said of it. */
#include "app/control/resolver.h"

#include <stdlib.h>
#include <string.h>

#include "app/control/job.h"
#include "config/memory.h"
#include "drivers/base/timer.h"

struct resolver {
    struct job job;
    struct names *names;
    uint64_t interval; /* s */
    uint64_t next;     /* s; 0: when there is a name */
    bool under_way;
    void (*tell)(void *context, const char *text);
    void *context;
    char *news; /* the job's result */
};

struct resolver *resolver_create(struct names *names, uint64_t interval,
                                 void (*tell)(void *context, const char *text), void *context)
{
    struct resolver *r = memory_new(1, sizeof(*r));
    *r = (struct resolver){
        .names = names,
        .interval = interval / NSEC_PER_SEC,
        .tell = tell,
        .context = context,
    };
    return r;
}

bool resolver_destroy(struct resolver *r)
{
    if (r == NULL)
        return true;
    if (r->under_way && !job_is_done(&r->job))
        return false;
    free(r->news);
    free(r);
    return true;
}

static void run(struct job *job)
{
    struct resolver *r = CONTAINER_OF(job, struct resolver, job);
    r->news = names_refresh(r->names);
}

static void finish(struct resolver *r)
{
    size_t len = strlen(r->news);
    if (len > 0) {
        r->news[len - 1] = '\0';
        r->tell(r->context, r->news);
    }
    free(r->news);
    r->news = NULL;
    r->under_way = false;
}

void resolver_poll(struct resolver *r, uint64_t now)
{
    if (r->under_way) {
        if (!job_is_done(&r->job))
            return;
        finish(r);
        r->next = now + r->interval;
    }
    if (!names_any(r->names))
        return;
    if (r->next == 0)
        r->next = now + r->interval;
    if (now < r->next)
        return;
    r->job = (struct job){.run = run, .priority = JOB_WAITED_FOR};
    r->next = now + r->interval;
    r->under_way = job_start(&r->job);
}
