/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One worker's packet memory, and how much of it may be promised to peers.
 *
 *   data      2 KiB buffers: what ports receive into, and copies that we make (replies, commands,
 *             coalesced small segments)
 *   header    small buffers: one per transmitted packet (Ethernet + IP + TCP headers)
 *   indirect  no buffer of their own: segments of a transmitted packet that point into `data`
 *
 * The budget is the data pool itself, so that truesize is exact: a buffer is pinned from the moment
 * it leaves the pool until its last reference is gone, however few of its bytes are in use.
 *
 *   |<------------------------------ data pool: `data_count` -------------------------------->|
 *   | RX/TX rings and caches | reserve | pinned (in use) | promised to peers | still to promise |
 *
 * At the budget, payload is dropped and counted; headers and ACKs are processed out of the reserve.
 */
#ifndef SPLITMX_BASE_POOLS_H
#define SPLITMX_BASE_POOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/base/check.h"

struct rte_mempool;

#define POOL_DATA_ROOM   2048 /* bytes of a data buffer, without headroom */
#define POOL_HEADER_ROOM 128  /* bytes of a header buffer beside RTE_PKTMBUF_HEADROOM */

struct pools_config {
    const char *name;     /* unique in the process, at most 16 characters, e.g. "w0" */
    int socket;           /* NUMA node or SOCKET_ID_ANY */
    uint32_t rings;       /* data buffers that sit in RX and TX rings of all ports */
    uint32_t budget;      /* data buffers that connections may pin */
    uint32_t reserve;     /* data buffers kept for processing headers and ACKs at the budget */
    uint32_t packets_out; /* packets that may sit in TX rings and software queues */
    uint16_t data_room;   /* bytes; 0: POOL_DATA_ROOM */
};

struct pools {
    struct rte_mempool *data, *header, *indirect;
    uint32_t data_count; /* size of the data pool */
    uint32_t rings;      /* of which for rings and caches */
    uint32_t reserve;
    uint32_t promised; /* buffers promised to peers in open receive windows */
    uint32_t in_use;   /* buffers out of the pool beyond the rings: as of pools_poll(), and
                          pools_took() since */
    uint32_t truesize; /* bytes of memory one data buffer takes, headers included */
};

/* What pools_create() will allocate, for --check: bytes, and the four counts. */
struct pools_sum {
    uint64_t bytes;
    uint64_t data_bytes, header_bytes, indirect_bytes;
    uint32_t data_count, header_count, indirect_count;
};
struct pools_sum pools_sum(const struct pools_config *config);

/* 0, or -rte_errno. Without a partial result. */
MUST_CHECK int pools_create(struct pools *p, const struct pools_config *config);
void pools_destroy(struct pools *p);

/* Refresh in_use: once per round of the worker. */
void pools_poll(struct pools *p);

/* True while pinned memory is at the budget: received payload must be dropped. */
static inline bool pools_exhausted(const struct pools *p)
{
    return p->in_use + p->rings + p->reserve >= p->data_count;
}

/* True while even replies and commands of our own must wait: they may use half of the reserve, what
 * is received and dropped again the other half. */
static inline bool pools_depleted(const struct pools *p)
{
    return p->in_use + p->rings + p->reserve / 2 >= p->data_count;
}

/* `count` buffers were taken, or kept: between two polls the budget must not be overrun. */
static inline void pools_took(struct pools *p, uint32_t count)
{
    p->in_use += count;
}

/* Buffers that are nobody's, and promised to nobody. */
static inline uint32_t pools_left(const struct pools *p)
{
    uint32_t taken = p->rings + p->reserve + p->in_use + p->promised;
    return taken < p->data_count ? p->data_count - taken : 0;
}

/*
 * Promise at most `want` buffers to a peer: returns how many were granted, possibly 0. A promise is
 * given back with pools_unpromise() when its data has arrived (it is pinned then) or its connection
 * ends.
 */
static inline uint32_t pools_promise(struct pools *p, uint32_t want)
{
    uint32_t left = pools_left(p);
    uint32_t grant = want < left ? want : left;
    p->promised += grant;
    return grant;
}

static inline void pools_unpromise(struct pools *p, uint32_t count)
{
    p->promised -= count < p->promised ? count : p->promised;
}

#endif
