/* SPDX-License-Identifier: BSD-3-Clause */
/* A hash table of entries, found by their parties or by their owner. */
#include "app/relay/memo.h"

#include <stdlib.h>
#include <sys/queue.h>

struct memo_entry {
    LIST_ENTRY(memo_entry) by_parties; /* in a bucket, or free */
    LIST_ENTRY(memo_entry) by_owner;   /* in a bucket */
    TAILQ_ENTRY(memo_entry) by_age;    /* unless it is pending */
    struct digest parties, content;
    enum memo_state state;
    bool delivered; /* it was committed once: what comes of a delivery repeated is no less */
    uint64_t owner;
    nsec_t expires;
};

LIST_HEAD(memo_list, memo_entry);

struct memo {
    nsec_t ttl;
    uint64_t mask; /* buckets - 1 */
    unsigned used;
    uint64_t forgotten;
    struct memo_list free;
    TAILQ_HEAD(, memo_entry) aged; /* the oldest first */
    struct memo_list *parties, *owners;
    struct memo_entry *entries;
};

static size_t buckets_for(unsigned entries)
{
    size_t buckets = 1;
    while (buckets < entries)
        buckets *= 2;
    return buckets;
}

size_t memo_size(unsigned entries)
{
    return sizeof(struct memo) + entries * sizeof(struct memo_entry) +
           2 * buckets_for(entries) * sizeof(struct memo_list);
}

struct memo *memo_create(unsigned entries, nsec_t ttl)
{
    struct memo *m = calloc(1, sizeof(*m));
    if (m == NULL)
        return NULL;
    size_t buckets = buckets_for(entries);
    m->ttl = ttl;
    m->mask = buckets - 1;
    TAILQ_INIT(&m->aged);
    m->parties = calloc(buckets, sizeof(*m->parties));
    m->owners = calloc(buckets, sizeof(*m->owners));
    m->entries = calloc(entries, sizeof(*m->entries));
    if (m->parties == NULL || m->owners == NULL || m->entries == NULL) {
        memo_destroy(m);
        return NULL;
    }
    for (unsigned i = 0; i < entries; i++)
        LIST_INSERT_HEAD(&m->free, &m->entries[i], by_parties);
    return m;
}

void memo_destroy(struct memo *m)
{
    if (m == NULL)
        return;
    free(m->parties);
    free(m->owners);
    free(m->entries);
    free(m);
}

bool memo_empty(const struct memo *m)
{
    return m->used == 0;
}

static struct memo_list *with_parties(const struct memo *m, const struct digest *parties)
{
    return &m->parties[parties->words[0] & m->mask];
}

static struct memo_list *with_owner(const struct memo *m, uint64_t owner)
{
    return &m->owners[owner & m->mask];
}

static void drop(struct memo *m, struct memo_entry *e)
{
    if (e->state != MEMO_PENDING)
        TAILQ_REMOVE(&m->aged, e, by_age);
    LIST_REMOVE(e, by_parties);
    LIST_REMOVE(e, by_owner);
    LIST_INSERT_HEAD(&m->free, e, by_parties);
    m->used--;
}

static void forget(struct memo *m, struct memo_entry *e)
{
    m->forgotten += e->state == MEMO_COMMITTED;
    drop(m, e);
}

uint64_t memo_forgotten(const struct memo *m)
{
    return m->forgotten;
}

/* All of them live equally long. */
static void expire(struct memo *m, nsec_t now)
{
    struct memo_entry *oldest;
    while ((oldest = TAILQ_FIRST(&m->aged)) != NULL && oldest->expires <= now)
        forget(m, oldest);
}

static struct memo_entry *find(const struct memo *m, const struct digest *parties,
                               const struct digest *content)
{
    struct memo_entry *e;
    LIST_FOREACH(e, with_parties(m, parties), by_parties)
    {
        if (digest_equal(&e->parties, parties) &&
            (content == NULL || digest_equal(&e->content, content)))
            return e;
    }
    return NULL;
}

bool memo_knows(const struct memo *m, const struct digest *parties)
{
    return find(m, parties, NULL) != NULL;
}

enum memo_state memo_look(struct memo *m, const struct digest *parties,
                          const struct digest *content, nsec_t now)
{
    expire(m, now);
    const struct memo_entry *e = find(m, parties, content);
    return e != NULL ? e->state : MEMO_NONE;
}

/* A new entry, pending as yet; NULL: all are. */
static struct memo_entry *create(struct memo *m, const struct digest *parties,
                                 const struct digest *content)
{
    if (LIST_EMPTY(&m->free) && !TAILQ_EMPTY(&m->aged))
        forget(m, TAILQ_FIRST(&m->aged));
    struct memo_entry *e = LIST_FIRST(&m->free);
    if (e == NULL)
        return NULL;
    LIST_REMOVE(e, by_parties);
    m->used++;
    e->parties = *parties;
    e->content = *content;
    e->state = MEMO_PENDING;
    e->delivered = false;
    e->owner = 0;
    LIST_INSERT_HEAD(with_parties(m, parties), e, by_parties);
    LIST_INSERT_HEAD(with_owner(m, 0), e, by_owner);
    return e;
}

bool memo_note(struct memo *m, const struct digest *parties, const struct digest *content,
               enum memo_state state, uint64_t owner, nsec_t now)
{
    expire(m, now);
    struct memo_entry *e = find(m, parties, content);
    if (state == MEMO_NONE && (e == NULL || e->owner != owner))
        return true;
    if (e != NULL && e->delivered && state != MEMO_PENDING)
        state = MEMO_COMMITTED;
    if (state == MEMO_NONE) {
        drop(m, e);
        return true;
    }
    if (e == NULL && (e = create(m, parties, content)) == NULL)
        return false;
    if (e->state != MEMO_PENDING)
        TAILQ_REMOVE(&m->aged, e, by_age);
    LIST_REMOVE(e, by_owner);
    e->state = state;
    e->delivered |= state == MEMO_COMMITTED;
    e->owner = owner;
    e->expires = now + m->ttl;
    LIST_INSERT_HEAD(with_owner(m, owner), e, by_owner);
    if (state != MEMO_PENDING)
        TAILQ_INSERT_TAIL(&m->aged, e, by_age);
    return true;
}

void memo_end(struct memo *m, uint64_t owner)
{
    struct memo_entry *e = LIST_FIRST(with_owner(m, owner)), *next;
    for (; e != NULL; e = next) {
        next = LIST_NEXT(e, by_owner);
        if (e->owner == owner)
            drop(m, e);
    }
}
