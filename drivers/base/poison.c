/* SPDX-License-Identifier: BSD-3-Clause */
/* A mempool handler that poisons free objects: DPDK's ring, with AddressSanitizer told. */
#include "drivers/base/poison.h"

#include <stddef.h>

#if POISON

#include <stdio.h>

#include <rte_errno.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include <sanitizer/asan_interface.h>

static int pool_alloc(struct rte_mempool *mp)
{
    char name[RTE_RING_NAMESIZE];
    snprintf(name, sizeof(name), RTE_MEMPOOL_MZ_FORMAT, mp->name);
    mp->pool_data =
        rte_ring_create(name, rte_align32pow2(mp->size + 1), mp->socket_id, RING_F_EXACT_SZ);
    return mp->pool_data != NULL ? 0 : -rte_errno;
}

static void pool_free(struct rte_mempool *mp)
{
    rte_ring_free(mp->pool_data);
}

static int pool_enqueue(struct rte_mempool *mp, void *const *objects, unsigned n)
{
    /* While the pool is made, DPDK writes to objects that are in it already. */
    for (unsigned k = 0; mp->pool_config != NULL && k < n; k++)
        ASAN_POISON_MEMORY_REGION(objects[k], mp->elt_size);
    return rte_ring_enqueue_bulk(mp->pool_data, objects, n, NULL) == n ? 0 : -ENOBUFS;
}

static int pool_dequeue(struct rte_mempool *mp, void **objects, unsigned n)
{
    if (rte_ring_dequeue_bulk(mp->pool_data, objects, n, NULL) != n)
        return -ENOBUFS;
    for (unsigned k = 0; k < n; k++)
        ASAN_UNPOISON_MEMORY_REGION(objects[k], mp->elt_size);
    return 0;
}

static unsigned pool_count(const struct rte_mempool *mp)
{
    return rte_ring_count(mp->pool_data);
}

static const struct rte_mempool_ops poisoning = {
    .name = "splitmx_poison",
    .alloc = pool_alloc,
    .free = pool_free,
    .enqueue = pool_enqueue,
    .dequeue = pool_dequeue,
    .get_count = pool_count,
};
RTE_MEMPOOL_REGISTER_OPS(poisoning);

const char *poison_mempool_ops(void)
{
    return poisoning.name;
}

static void poison(struct rte_mempool *mp, void *arg, void *object, unsigned index)
{
    (void)arg;
    (void)index;
    ASAN_POISON_MEMORY_REGION(object, mp->elt_size);
}

static void unpoison(struct rte_mempool *mp, void *arg, void *object, unsigned index)
{
    (void)arg;
    (void)index;
    ASAN_UNPOISON_MEMORY_REGION(object, mp->elt_size);
}

void poison_start(struct rte_mempool *mp)
{
    mp->pool_config = mp; /* the field is the handler's: any mark will do */
    rte_mempool_obj_iter(mp, poison, NULL);
}

void poison_end(struct rte_mempool *mp)
{
    mp->pool_config = NULL;
    rte_mempool_obj_iter(mp, unpoison, NULL);
}

#else

const char *poison_mempool_ops(void)
{
    return NULL;
}

void poison_start(struct rte_mempool *mp)
{
    (void)mp;
}

void poison_end(struct rte_mempool *mp)
{
    (void)mp;
}

#endif
