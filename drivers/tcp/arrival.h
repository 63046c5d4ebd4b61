/* SPDX-License-Identifier: BSD-3-Clause */
/* A segment on its way in: verified, its header read, its payload not yet anybody's. */
#ifndef SPLITMX_TCP_ARRIVAL_H
#define SPLITMX_TCP_ARRIVAL_H

#include "drivers/ip/ip.h"
#include "drivers/tcp/chunk.h"
#include "drivers/tcp/segment.h"

/* mbuf segments of one packet whose sums are kept: a GSO frame of 64 kB has 32. */
#define ARRIVAL_SUMS 33

struct arrival {
    struct rte_mbuf *m; /* NULL once its payload was taken */
    struct ip_datagram datagram;
    struct segment segment;
    uint32_t largest; /* bytes of payload of the largest segment on the wire, if it is several */
    uint8_t sums;     /* how many are known */
    uint16_t buffers; /* of the packet; known once it was taken */
    uint16_t sum[ARRIVAL_SUMS];
};

enum arrival_result { ARRIVAL_GOOD, ARRIVAL_BAD_HEADER, ARRIVAL_BAD_CHECKSUM };

/* Read the header and verify the checksum, where the port has not; what is computed for that is
 * kept for transmission. */
MUST_CHECK enum arrival_result arrival_read(struct arrival *a, struct rte_mbuf *m,
                                            const struct ip_datagram *d);

/* Turn the payload into chunks, one per mbuf segment, and let go of the rest. False, with nothing
 * taken, if out of nodes. */
MUST_CHECK bool arrival_take(struct arrival *a, struct node_pool *nodes, struct chunk_list *out);

/* Free what was not taken. */
void arrival_release(struct arrival *a);

#endif
