/* SPDX-License-Identifier: BSD-3-Clause */
/* Snapshots go to the workers, and come back when nobody looks at them any more. */
#include "app/publisher.h"

#include <stdlib.h>

#include "config/memory.h"

static struct publication *publication_new(const struct publisher *p, struct snapshot *s,
                                           const struct publication *before)
{
    bool shared = before != NULL && snapshot_same_domains(s, before->snapshot);
    struct publication *new = memory_new(1, sizeof(*new));
    new->generation = snapshot_generation(s);
    new->snapshot = s;
    new->probes = memory_new(p->workers, sizeof(struct probe_list *));
    for (unsigned w = 0; w < p->workers; w++)
        new->probes[w] = shared ? before->probes[w]
                                : probe_list_new(s, before != NULL ? before->probes[w] : NULL);
    return new;
}

static void publication_free(const struct publisher *p, struct publication *old)
{
    const struct publication *next = old->next;
    for (unsigned w = 0; w < p->workers; w++)
        if (next == NULL || next->probes[w] != old->probes[w])
            probe_list_free(old->probes[w], next != NULL ? next->probes[w] : NULL);
    snapshot_free(old->snapshot);
    free(old->probes);
    free(old);
}

struct publisher *publisher_create(unsigned workers, struct snapshot *first)
{
    struct publisher *p = memory_new(1, sizeof(*p));
    p->workers = workers;
    p->settled = memory_new(workers, sizeof(*p->settled));
    size_t size = rte_rcu_qsbr_get_memsize(workers);
    p->rcu =
        memory_must(aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE)));
    if (rte_rcu_qsbr_init(p->rcu, workers) != 0)
        abort();
    p->oldest = publication_new(p, first, NULL);
    p->current = p->oldest;
    for (unsigned w = 0; w < workers; w++) {
        p->settled[w] = p->current->generation;
        if (rte_rcu_qsbr_thread_register(p->rcu, w) != 0)
            abort();
        rte_rcu_qsbr_thread_online(p->rcu, w);
    }
    return p;
}

void publisher_destroy(struct publisher *p)
{
    if (p == NULL)
        return;
    while (p->oldest != NULL) {
        struct publication *old = p->oldest;
        p->oldest = old->next;
        publication_free(p, old);
    }
    free(p->rcu);
    free(p->settled);
    free(p);
}

static bool all_settled(const struct publisher *p, uint64_t generation)
{
    for (unsigned w = 0; w < p->workers; w++)
        if (__atomic_load_n(&p->settled[w], __ATOMIC_ACQUIRE) < generation)
            return false;
    return true;
}

bool publisher_is_settled(const struct publisher *p)
{
    return all_settled(p, p->current->generation);
}

void publisher_publish(struct publisher *p, struct snapshot *s)
{
    struct publication *old = p->oldest;
    while (old->next != NULL)
        old = old->next;
    old->next = publication_new(p, s, old);
    __atomic_store_n(&p->current, old->next, __ATOMIC_RELEASE);
    old->token = rte_rcu_qsbr_start(p->rcu);
}

void publisher_collect(struct publisher *p)
{
    while (p->oldest->next != NULL && rte_rcu_qsbr_check(p->rcu, p->oldest->token, false) == 1 &&
           all_settled(p, p->oldest->next->generation)) {
        struct publication *old = p->oldest;
        p->oldest = old->next;
        publication_free(p, old);
    }
}
