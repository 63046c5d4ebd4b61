/* SPDX-License-Identifier: BSD-3-Clause */
/* One worker's packet memory. */
#include "drivers/base/pools.h"

#include <stdio.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>

#include "drivers/base/poison.h"

/* Buffers that a lcore keeps at hand. A mempool lets its cache grow to one and a half of its size,
 * and beside the worker's there is that of the thread that brings ports up. */
#define CACHE_SIZE (POISON ? 0 : 256)
#define CACHED     (2 * CACHE_SIZE * 3 / 2)

static uint16_t data_room(const struct pools_config *config)
{
    return (uint16_t)(RTE_PKTMBUF_HEADROOM +
                      (config->data_room != 0 ? config->data_room : POOL_DATA_ROOM));
}

static uint64_t object_bytes(uint16_t room)
{
    struct rte_mempool_objsz size;
    return rte_mempool_calc_obj_size((uint32_t)sizeof(struct rte_mbuf) + room, 0, &size);
}

struct pools_sum pools_sum(const struct pools_config *config)
{
    struct pools_sum s;
    s.data_count = config->rings + CACHED + config->budget + config->reserve;
    s.header_count = config->packets_out + CACHED;
    s.indirect_count = 2 * config->packets_out + CACHED;
    s.data_bytes = s.data_count * object_bytes(data_room(config));
    s.header_bytes = s.header_count * object_bytes(RTE_PKTMBUF_HEADROOM + POOL_HEADER_ROOM);
    s.indirect_bytes = s.indirect_count * object_bytes(0);
    s.bytes = s.data_bytes + s.header_bytes + s.indirect_bytes;
    return s;
}

static struct rte_mempool *create(const struct pools_config *config, const char *what,
                                  uint32_t count, uint16_t room)
{
    char name[RTE_MEMPOOL_NAMESIZE];
    snprintf(name, sizeof(name), "%.16s-%s", config->name, what);
    struct rte_pktmbuf_pool_private sizes = {.mbuf_data_room_size = room};
    /* Without hugepages no object may cross a 4 KiB page, unless this is said: one buffer would
     * take a whole page. No device that needs contiguous memory can be used then anyway. */
    unsigned flags = rte_eal_has_hugepages() ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG;
    struct rte_mempool *mp =
        rte_mempool_create_empty(name, count, (unsigned)sizeof(struct rte_mbuf) + room, CACHE_SIZE,
                                 sizeof(sizes), config->socket, flags);
    if (mp == NULL)
        return NULL;
    const char *ops = poison_mempool_ops();
    int error =
        rte_mempool_set_ops_byname(mp, ops != NULL ? ops : rte_mbuf_best_mempool_ops(), NULL);
    if (error == 0) {
        rte_pktmbuf_pool_init(mp, &sizes);
        error = rte_mempool_populate_default(mp);
    }
    if (error < 0) {
        rte_mempool_free(mp);
        rte_errno = -error;
        return NULL;
    }
    rte_mempool_obj_iter(mp, rte_pktmbuf_init, NULL);
    poison_start(mp);
    return mp;
}

int pools_create(struct pools *p, const struct pools_config *config)
{
    struct pools_sum sum = pools_sum(config);
    *p = (struct pools){
        .data_count = sum.data_count,
        .rings = config->rings + CACHED,
        .reserve = config->reserve,
        .truesize = (uint32_t)object_bytes(data_room(config)),
    };
    p->data = create(config, "data", sum.data_count, data_room(config));
    p->header = create(config, "header", sum.header_count, RTE_PKTMBUF_HEADROOM + POOL_HEADER_ROOM);
    p->indirect = create(config, "indirect", sum.indirect_count, 0);
    if (p->data == NULL || p->header == NULL || p->indirect == NULL) {
        int error = rte_errno;
        pools_destroy(p);
        return -error;
    }
    return 0;
}

static void destroy(struct rte_mempool *mp)
{
    if (mp == NULL)
        return;
    poison_end(mp);
    rte_mempool_free(mp);
}

void pools_destroy(struct pools *p)
{
    destroy(p->data);
    destroy(p->header);
    destroy(p->indirect);
    *p = (struct pools){0};
}

void pools_poll(struct pools *p)
{
    /* rte_mempool_in_use_count() would look into the caches of all lcores that DPDK could have;
     * this runs every round. What sits in another thread's cache is part of `rings`. */
    const struct rte_mempool_cache *cache = rte_mempool_default_cache(p->data, rte_lcore_id());
    uint32_t available = rte_mempool_get_ops(p->data->ops_index)->get_count(p->data);
    available += cache != NULL ? cache->len : 0;
    uint32_t out = p->data_count - available;
    p->in_use = out > p->rings ? out - p->rings : 0;
}
