/* SPDX-License-Identifier: BSD-3-Clause */
/* Work in the background. */
#include "app/control/job.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE 10 /* of work that is waited for: logs are drained first */

/* Not allowed to? Then it runs as others do. */
static void lower_priority(enum job_priority priority)
{
    const struct sched_param none = {0};
    if (priority == JOB_IDLE)
        pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
    else
        setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
}

static void *thread(void *context)
{
    struct job *job = context;
    __atomic_store_n(&job->thread, gettid(), __ATOMIC_RELAXED);
    lower_priority(job->priority);
    job->run(job);
    __atomic_store_n(&job->done, true, __ATOMIC_RELEASE);
    return NULL;
}

bool job_start(struct job *job)
{
    pthread_t id;
    pthread_attr_t detached;
    job->done = false;
    job->thread = 0;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    bool ok = pthread_create(&id, &detached, thread, job) == 0;
    pthread_attr_destroy(&detached);
    return ok;
}

void job_hurry(const struct job *job)
{
    const struct sched_param none = {0};
    int id = __atomic_load_n(&job->thread, __ATOMIC_RELAXED);
    if (id != 0 && !job_is_done(job))
        sched_setscheduler(id, SCHED_OTHER, &none);
}

bool job_is_done(const struct job *job)
{
    return __atomic_load_n(&job->done, __ATOMIC_ACQUIRE);
}
