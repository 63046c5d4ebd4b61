/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of one worker's relay share: objects and jitter. */
#include "app/relay/state.h"

#include <string.h>

#include <rte_mempool.h>

void *relay_object_get(struct rte_mempool *pool, size_t clear)
{
    void *object;
    if (rte_mempool_get(pool, &object) != 0)
        return NULL;
    memset(object, 0, clear);
    return object;
}

void relay_object_put(struct rte_mempool *pool, void *object)
{
    rte_mempool_put(pool, object);
}

uint64_t relay_random(struct relay *r)
{
    /* xorshift64 */
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return r->random;
}

nsec_t relay_jitter(struct relay *r, nsec_t base)
{
    return base - base / 4 + relay_random(r) % (base / 2 + 1);
}

struct span relay_date(struct relay *r, uint64_t wall)
{
    uint64_t second = wall / NSEC_PER_SEC;
    if (r->date_second != second || r->date[0] == '\0') {
        smtp_date_format((int64_t)second, r->date);
        r->date_second = second;
    }
    return (struct span){r->date, strlen(r->date)};
}
