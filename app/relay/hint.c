/* SPDX-License-Identifier: BSD-3-Clause */
/* Split hints in a table of fixed size. */
#include "app/relay/hint.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define HINTS      1024
#define COVERED    8192 /* recipients, of all hints */
#define BUCKETS    4096 /* a power of two */
#define HINT_INDEX (HINTS - 1)

/* A recipient under a hint. */
struct covered {
    LIST_ENTRY(covered) in_bucket; /* or in the list of free ones */
    LIST_ENTRY(covered) in_hint;
    struct digest recipient;
    struct hint *hint;
};

LIST_HEAD(covered_list, covered);

struct hint {
    TAILQ_ENTRY(hint) by_age; /* or in the list of free ones */
    hint_id id;               /* its place in the table, and how often that was used; 0: free */
    nsec_t expires;
    struct covered_list recipients;
    unsigned count;
    const struct destination *row[HINT_DESTINATIONS]; /* the first has its turn */
};

TAILQ_HEAD(hint_list, hint);

struct hints {
    nsec_t ttl;
    uint64_t uses;
    struct hint_list used; /* the oldest first */
    struct hint_list free;
    struct covered_list uncovered; /* free ones */
    struct covered_list buckets[BUCKETS];
    struct hint hints[HINTS];
    struct covered covered[COVERED];
};

struct hints *hints_create(nsec_t ttl)
{
    struct hints *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return NULL;
    h->ttl = ttl;
    TAILQ_INIT(&h->used);
    TAILQ_INIT(&h->free);
    for (unsigned i = 0; i < HINTS; i++)
        TAILQ_INSERT_TAIL(&h->free, &h->hints[i], by_age);
    for (unsigned i = 0; i < COVERED; i++)
        LIST_INSERT_HEAD(&h->uncovered, &h->covered[i], in_bucket);
    return h;
}

void hints_destroy(struct hints *hints)
{
    free(hints);
}

size_t hints_size(void)
{
    return sizeof(struct hints);
}

bool hints_empty(const struct hints *h)
{
    return TAILQ_EMPTY(&h->used);
}

static struct hint *by_id(const struct hints *h, hint_id id)
{
    const struct hint *hint = &h->hints[id & HINT_INDEX];
    return id != 0 && hint->id == id ? (struct hint *)(uintptr_t)hint : NULL;
}

static void uncover(struct hints *h, struct covered *c)
{
    LIST_REMOVE(c, in_bucket);
    LIST_REMOVE(c, in_hint);
    LIST_INSERT_HEAD(&h->uncovered, c, in_bucket);
}

static void drop(struct hints *h, struct hint *hint)
{
    struct covered *c;
    while ((c = LIST_FIRST(&hint->recipients)) != NULL)
        uncover(h, c);
    TAILQ_REMOVE(&h->used, hint, by_age);
    TAILQ_INSERT_HEAD(&h->free, hint, by_age);
    hint->id = 0;
}

/* All of them live equally long. */
static void expire(struct hints *h, nsec_t now)
{
    struct hint *oldest;
    while ((oldest = TAILQ_FIRST(&h->used)) != NULL && oldest->expires <= now)
        drop(h, oldest);
}

static struct covered *find(const struct hints *h, const struct digest *recipient)
{
    struct covered *c;
    LIST_FOREACH(c, &h->buckets[recipient->words[0] % BUCKETS], in_bucket)
    {
        if (digest_equal(&c->recipient, recipient))
            return c;
    }
    return NULL;
}

hint_id hint_find(struct hints *h, const struct digest *recipient, nsec_t now)
{
    expire(h, now);
    const struct covered *c = find(h, recipient);
    return c != NULL ? c->hint->id : 0;
}

bool hint_is_turn(const struct hints *h, hint_id id, const struct destination *d)
{
    const struct hint *hint = by_id(h, id);
    bool listed = false;
    for (unsigned i = 0; hint != NULL && i < hint->count; i++)
        listed = listed || hint->row[i] == d;
    return !listed || hint->row[0] == d;
}

hint_id hint_begin(struct hints *h, const struct destination *const *destinations, unsigned count,
                   nsec_t now)
{
    expire(h, now);
    if (TAILQ_EMPTY(&h->free))
        drop(h, TAILQ_FIRST(&h->used));
    struct hint *hint = TAILQ_FIRST(&h->free);
    TAILQ_REMOVE(&h->free, hint, by_age);
    TAILQ_INSERT_TAIL(&h->used, hint, by_age);
    hint->id = ++h->uses * HINTS + (hint_id)(hint - h->hints);
    hint->expires = now + h->ttl;
    LIST_INIT(&hint->recipients);
    hint->count = count;
    memcpy(hint->row, destinations, count * sizeof(hint->row[0]));
    return hint->id;
}

void hint_cover(struct hints *h, hint_id id, const struct digest *recipient)
{
    struct hint *hint = by_id(h, id);
    struct covered *c = find(h, recipient);
    if (hint == NULL)
        return;
    if (c != NULL) {
        struct hint *older = c->hint;
        uncover(h, c);
        if (older != hint && LIST_EMPTY(&older->recipients))
            drop(h, older);
    }
    if (LIST_EMPTY(&h->uncovered) && TAILQ_FIRST(&h->used) != hint)
        drop(h, TAILQ_FIRST(&h->used));
    c = LIST_FIRST(&h->uncovered);
    if (c == NULL)
        return;
    LIST_REMOVE(c, in_bucket);
    c->recipient = *recipient;
    c->hint = hint;
    LIST_INSERT_HEAD(&h->buckets[recipient->words[0] % BUCKETS], c, in_bucket);
    LIST_INSERT_HEAD(&hint->recipients, c, in_hint);
}

/* Take the destination out of the row; returns where it stood, or the count if it did not. */
static unsigned step_out(struct hint *hint, const struct destination *d)
{
    unsigned at = 0;
    while (at < hint->count && hint->row[at] != d)
        at++;
    for (unsigned i = at; i + 1 < hint->count; i++)
        hint->row[i] = hint->row[i + 1];
    return at;
}

void hint_settle(struct hints *h, hint_id id, const struct destination *d)
{
    struct hint *hint = by_id(h, id);
    if (hint == NULL || step_out(hint, d) == hint->count)
        return;
    if (--hint->count == 1)
        drop(h, hint);
}

void hint_next(struct hints *h, hint_id id)
{
    struct hint *hint = by_id(h, id);
    if (hint == NULL)
        return;
    const struct destination *had = hint->row[0];
    step_out(hint, had);
    hint->row[hint->count - 1] = had;
}
