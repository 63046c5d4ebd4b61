/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of connections in TIME-WAIT. */
#include "drivers/tcp/timewait.h"

#include <stdlib.h>

uint32_t timewait_buckets(uint32_t records)
{
    uint32_t buckets = 16;
    while (buckets < records)
        buckets *= 2;
    return buckets;
}

bool timewait_create(struct timewait_table *t, uint32_t records)
{
    uint32_t buckets = timewait_buckets(records);
    *t = (struct timewait_table){.mask = buckets - 1};
    TAILQ_INIT(&t->order);
    TAILQ_INIT(&t->free);
    t->records = calloc(records, sizeof(*t->records));
    t->buckets = calloc(buckets, sizeof(struct timewait *));
    if (t->records == NULL || t->buckets == NULL) {
        timewait_destroy(t);
        return false;
    }
    for (uint32_t i = 0; i < records; i++)
        TAILQ_INSERT_TAIL(&t->free, &t->records[i], order);
    return true;
}

void timewait_destroy(struct timewait_table *t)
{
    free(t->records);
    free(t->buckets);
    t->records = NULL;
    t->buckets = NULL;
}

void timewait_remove(struct timewait_table *t, struct timewait *w)
{
    struct timewait **link = &t->buckets[w->hash & t->mask];
    while (*link != w)
        link = &(*link)->chain;
    *link = w->chain;
    TAILQ_REMOVE(&t->order, w, order);
    TAILQ_INSERT_HEAD(&t->free, w, order);
    t->count--;
}

bool timewait_add(struct timewait_table *t, const struct timewait *record)
{
    bool full = TAILQ_EMPTY(&t->free);
    if (full && TAILQ_EMPTY(&t->order))
        return true; /* a table of no records */
    if (full)
        timewait_remove(t, TAILQ_FIRST(&t->order));
    struct timewait *w = TAILQ_FIRST(&t->free);
    TAILQ_REMOVE(&t->free, w, order);
    *w = *record;
    struct timewait **bucket = &t->buckets[w->hash & t->mask];
    w->chain = *bucket;
    *bucket = w;
    TAILQ_INSERT_TAIL(&t->order, w, order);
    t->count++;
    return full;
}

void timewait_restart(struct timewait_table *t, struct timewait *w, nsec_t expires)
{
    w->expires = expires;
    TAILQ_REMOVE(&t->order, w, order);
    TAILQ_INSERT_TAIL(&t->order, w, order);
}

struct timewait *timewait_find(const struct timewait_table *t, uint32_t hash,
                               const struct endpoint *local, const struct endpoint *peer)
{
    struct timewait *w = t->buckets[hash & t->mask];
    while (w != NULL &&
           !(w->hash == hash && endpoint_equal(&w->local, local) && endpoint_equal(&w->peer, peer)))
        w = w->chain;
    return w;
}

nsec_t timewait_expire(struct timewait_table *t, nsec_t now)
{
    struct timewait *w;
    while ((w = TAILQ_FIRST(&t->order)) != NULL && w->expires <= now)
        timewait_remove(t, w);
    return w != NULL ? w->expires : UINT64_MAX;
}
