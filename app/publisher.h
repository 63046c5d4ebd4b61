/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the control thread to the workers: the snapshot in force, and what goes with it.
 *
 *     control:  publish --> collect: free what no worker can look at any more
 *     worker:   quiescent --> current: adopt it --> settled, in this round or a later one
 *
 * RCU (rte_rcu_qsbr): a worker says between two rounds that it looks at nothing, and takes what is
 * current then; while it sleeps it is offline. Nobody waits for anybody.
 */
#ifndef SPLITMX_PUBLISHER_H
#define SPLITMX_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include "app/relay/probe.h"
#include "app/route/snapshot.h"
#include "drivers/base/check.h"

/* Immutable. */
struct publication {
    uint64_t generation;
    struct snapshot *snapshot;
    struct probe_list **probes; /* by worker */
    struct publication *next;   /* the one that took its place; control thread's */
    uint64_t token;             /* likewise: of RCU, when it did */
};

struct publisher {
    const struct publication *current;
    struct rte_rcu_qsbr *rcu;
    uint64_t *settled; /* by worker: the generation that it has nothing left to do for */
    unsigned workers;
    struct publication *oldest; /* not collected yet, by `next` up to the current one */
};

/* -------------------------------------------------------------------------- control thread -- */

/* With the first snapshot, whose reference it takes over. All workers count as looking at it. */
struct publisher *publisher_create(unsigned workers, struct snapshot *first);

/* After the workers' relays are gone. NULL is allowed. */
void publisher_destroy(struct publisher *p);

/* Have all workers come to the end of what the current snapshot brought? */
bool publisher_is_settled(const struct publisher *p);

/* Put the snapshot, sealed, into force; takes over its reference. Unless its domains are those of
 * the current one, that must be settled. */
void publisher_publish(struct publisher *p, struct snapshot *s);

/* Free what can be freed. Now and then. */
void publisher_collect(struct publisher *p);

/* ---------------------------------------------------------------------------------- worker -- */

static inline const struct publication *publisher_current(const struct publisher *p)
{
    return __atomic_load_n(&p->current, __ATOMIC_ACQUIRE);
}

static inline void publisher_quiescent(struct publisher *p, unsigned worker)
{
    rte_rcu_qsbr_quiescent(p->rcu, worker);
}

static inline void publisher_offline(struct publisher *p, unsigned worker)
{
    rte_rcu_qsbr_thread_offline(p->rcu, worker);
}

static inline void publisher_online(struct publisher *p, unsigned worker)
{
    rte_rcu_qsbr_thread_online(p->rcu, worker);
}

static inline void publisher_settled(struct publisher *p, unsigned worker, uint64_t generation)
{
    __atomic_store_n(&p->settled[worker], generation, __ATOMIC_RELEASE);
}

#endif
