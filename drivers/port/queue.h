/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's end of a port: one queue pair, and the software queue in front of its transmit ring.
 *
 *   pending[]:   | prepared, or waited |      new      |
 *                ^ head                                ^ head + count        (mod PORT_QUEUE)
 *
 * Frames enter at the end and leave from the head, in order. The first `prepared` ones have been
 * shown to the driver, the first `waited` ones have found the ring full and are counted as such.
 */
#ifndef SPLITMX_PORT_QUEUE_H
#define SPLITMX_PORT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/port/link.h"
#include "drivers/port/port.h"

#define PORT_QUEUE 1024 /* frames that may wait in software; a power of two */

struct port_queue {
    struct link link; /* first: the operations find their queue by it */
    const bool *up;   /* of the port; written by the control thread */
    struct pools *pools;
    uint16_t port, queue; /* DPDK's numbers */
    bool prepare;         /* the driver wants to see frames with offloads first */
    uint32_t head, count, prepared, waited;
    uint64_t counters[PORT_COUNTER_COUNT];
    struct rte_mbuf *pending[PORT_QUEUE];
};

/* The link's operations. */
extern const struct link_ops port_queue_ops;

/* Give back all frames that wait. */
void port_queue_clear(struct port_queue *q);

/* The cursors agree. */
bool port_queue_sane(const struct port_queue *q);

#endif
