/* SPDX-License-Identifier: BSD-3-Clause */
/* Choosing local ports. */
#include "drivers/tcp/ports.h"

#include "drivers/tcp/stack.h"

/* Where so many in a row are taken, nearly all are; the data path has no time to look at each. */
#define MOST_TRIES 2048

uint16_t ports_pick(struct tcp *t, const struct ip_addr *source, const struct endpoint *peer)
{
    struct isn_ports where = isn_ports(&t->isn, source, peer);
    uint32_t *counter = &t->port_counters[where.index % TCP_PORT_COUNTERS];
    uint32_t range = (uint32_t)t->config.port_last - t->config.port_first + 1;
    for (uint32_t tried = 0; tried < range && tried < MOST_TRIES; tried++) {
        uint32_t place = (uint32_t)(((uint64_t)where.offset + (*counter)++) % range);
        struct endpoint local = {*source, (uint16_t)(t->config.port_first + place)};
        uint32_t hash = connection_hash(t, &local, peer);
        if (connection_find(t, hash, &local, peer) == NULL &&
            timewait_find(&t->timewait, hash, &local, peer) == NULL)
            return local.port;
    }
    return 0;
}
