/* SPDX-License-Identifier: BSD-3-Clause */
/* One worker's packet memory. */
#include "drivers/base/pools.h"

#include <stdio.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#define CACHE_SIZE 256

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
    s.data_count = config->rings + CACHE_SIZE + config->budget + config->reserve;
    s.header_count = config->packets_out + CACHE_SIZE;
    s.indirect_count = 2 * config->packets_out + CACHE_SIZE;
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
    return rte_mempool_create(name, count, (unsigned)sizeof(struct rte_mbuf) + room, CACHE_SIZE,
                              sizeof(sizes), rte_pktmbuf_pool_init, &sizes, rte_pktmbuf_init, NULL,
                              config->socket, flags);
}

int pools_create(struct pools *p, const struct pools_config *config)
{
    struct pools_sum sum = pools_sum(config);
    *p = (struct pools){
        .data_count = sum.data_count,
        .rings = config->rings + CACHE_SIZE,
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

void pools_destroy(struct pools *p)
{
    rte_mempool_free(p->data);
    rte_mempool_free(p->header);
    rte_mempool_free(p->indirect);
    *p = (struct pools){0};
}

void pools_poll(struct pools *p)
{
    uint32_t out = rte_mempool_in_use_count(p->data);
    p->in_use = out > p->rings ? out - p->rings : 0;
}
