/* SPDX-License-Identifier: BSD-3-Clause */
/* Choosing local ports. */
#include "drivers/tcp/ports.h"

#include "drivers/tcp/seq.h"
#include "drivers/tcp/stack.h"

/* Where so many in a row are taken, nearly all are; the data path has no time to look at each, nor
 * to find that out again in the next moment. */
#define MOST_TRIES 2048
#define FUTILE     (10 * NSEC_PER_MSEC)

/* May a new connection of ours follow what `w` is left of (RFC 6191 §2, seen from the other side)?
 * Our timestamps on the new one stand later than all that the peer may have seen on the old. */
static bool may_follow(const struct tcp *t, const struct timewait *w)
{
    return w->ts_ok && seq_after(tcp_timestamp(t, w->ts_offset), w->ts_sent);
}

uint16_t ports_pick(struct tcp *t, const struct ip_addr *source, const struct endpoint *peer,
                    struct timewait **old)
{
    struct isn_ports where = isn_ports(&t->isn, source, peer);
    struct port_row *row = &t->ports[where.index % PORT_ROWS];
    uint32_t range = (uint32_t)t->config.port_last - t->config.port_first + 1;
    if (row->futile == where.offset && t->now < row->futile_until)
        return 0;
    for (uint32_t tried = 0; tried < range && tried < MOST_TRIES; tried++) {
        uint32_t place = (uint32_t)(((uint64_t)where.offset + row->counter++) % range);
        struct endpoint local = {*source, (uint16_t)(t->config.port_first + place)};
        uint32_t hash = connection_hash(t, &local, peer);
        t->counters[TCP_PORTS_TRIED]++;
        if (connection_find(t, hash, &local, peer) != NULL)
            continue;
        *old = timewait_find(&t->timewait, hash, &local, peer);
        if (*old == NULL || may_follow(t, *old))
            return local.port;
    }
    row->futile = where.offset;
    row->futile_until = t->now + FUTILE;
    return 0;
}
