/* SPDX-License-Identifier: BSD-3-Clause */
/* Shares of a destination's connections, and lines of those who wait for one. */
#include "app/relay/turns.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "app/route/hash.h"

#define EXEMPT UINT64_C(1) /* of a network: in the octet that is no part of its prefix */
#define IPV4   UINT64_C(2) /* likewise */

#define PREFIX6_OCTETS 7
#define DOMAIN_SIZE    256

struct share {
    LIST_ENTRY(share) entry;    /* of its bucket, or those that are free */
    TAILQ_ENTRY(share) line;    /* a network's, while somebody of it waits */
    TAILQ_HEAD(, turn) waiting; /* a network's */
    const struct turns *turns;
    uint64_t party;
    enum party_kind kind;
    unsigned held; /* connections */
    unsigned uses; /* held, and who waits; 0: free */
};

LIST_HEAD(share_list, share);

struct shares {
    struct share_list free;
    uint64_t mask;
    struct share_list *buckets;
    struct share all[];
};

static uint32_t share_count(unsigned connections, unsigned waiting)
{
    return PARTY_KINDS * (connections + waiting);
}

static uint32_t bucket_count(uint32_t shares)
{
    return rte_align32pow2(shares);
}

size_t shares_size(unsigned connections, unsigned waiting)
{
    uint32_t count = share_count(connections, waiting);
    return sizeof(struct shares) + count * sizeof(struct share) +
           bucket_count(count) * sizeof(struct share_list);
}

struct shares *shares_create(unsigned connections, unsigned waiting)
{
    uint32_t count = share_count(connections, waiting);
    struct shares *s = calloc(1, shares_size(connections, waiting));
    if (s == NULL)
        return NULL;
    s->buckets = (struct share_list *)&s->all[count];
    s->mask = bucket_count(count) - 1;
    for (uint32_t i = count; i-- > 0;)
        LIST_INSERT_HEAD(&s->free, &s->all[i], entry);
    return s;
}

void shares_destroy(struct shares *s)
{
    free(s);
}

static uint64_t network_of(const struct ip_addr *client, bool exempt)
{
    uint64_t prefix = 0;
    if (ip_addr_is_v4(client)) { /* what is mapped is its end */
        memcpy(&prefix, client->b + 12, 3);
        prefix = prefix << 8 | IPV4;
    } else {
        memcpy(&prefix, client->b, PREFIX6_OCTETS);
        prefix <<= 8;
    }
    return prefix | (exempt ? EXEMPT : 0);
}

/* Different domains are taken for one about as often as two hashes of 64 bits are alike. */
static uint64_t domain_of(const char *recipient)
{
    char domain[DOMAIN_SIZE];
    const char *at = strrchr(recipient, '@');
    size_t len = 0;
    for (at = at != NULL ? at + 1 : ""; at[len] != '\0' && len < sizeof(domain); len++)
        domain[len] = (char)(at[len] >= 'A' && at[len] <= 'Z' ? at[len] | 0x20 : at[len]);
    return hash_bytes(domain, len) | 1;
}

struct parties turns_parties(const struct ip_addr *client, bool exempt, const char *recipient)
{
    return (struct parties){{network_of(client, exempt), domain_of(recipient)}};
}

void turns_start(struct turns *t, struct shares *shares, unsigned connections, unsigned percent)
{
    *t = (struct turns){.shares = shares, .bound = RTE_MAX(connections * percent / 100, 1u)};
    TAILQ_INIT(&t->lines);
}

void turns_meet(struct turns *t, const struct parties *p)
{
    for (unsigned k = 0; k < PARTY_KINDS; k++) {
        if (t->first[k] == 0)
            t->first[k] = p->of[k];
        t->several[k] |= p->of[k] != 0 && p->of[k] != t->first[k];
    }
}

/* ------------------------------------------------------------------------------------ shares -- */

static struct share_list *bucket_of(const struct turns *t, enum party_kind kind, uint64_t party)
{
    uint64_t key[] = {(uintptr_t)t, kind, party};
    return &t->shares->buckets[hash_bytes((const char *)key, sizeof(key)) & t->shares->mask];
}

static struct share *share_find(const struct turns *t, enum party_kind kind, uint64_t party)
{
    struct share *s;
    LIST_FOREACH(s, bucket_of(t, kind, party), entry)
    {
        if (s->turns == t && s->kind == kind && s->party == party)
            return s;
    }
    return NULL;
}

/* One use more. NULL: there are no more. */
static struct share *share_get(const struct turns *t, enum party_kind kind, uint64_t party)
{
    struct share *s = share_find(t, kind, party);
    if (s == NULL) {
        s = LIST_FIRST(&t->shares->free);
        if (s == NULL)
            return NULL;
        LIST_REMOVE(s, entry);
        s->turns = t;
        s->kind = kind;
        s->party = party;
        TAILQ_INIT(&s->waiting);
        LIST_INSERT_HEAD(bucket_of(t, kind, party), s, entry);
    }
    s->uses++;
    return s;
}

static void share_put(const struct turns *t, struct share *s)
{
    if (s == NULL || --s->uses > 0)
        return;
    LIST_REMOVE(s, entry);
    LIST_INSERT_HEAD(&t->shares->free, s, entry);
}

static bool is_bounded(const struct turns *t, enum party_kind kind, uint64_t party)
{
    return t->several[kind] && party != 0 && !(kind == PARTY_NETWORK && (party & EXEMPT));
}

static bool has_enough(const struct turns *t, const struct share *s)
{
    return s->held >= t->bound && is_bounded(t, s->kind, s->party);
}

bool turns_allow(const struct turns *t, const struct parties *p)
{
    for (enum party_kind k = 0; k < PARTY_KINDS; k++) {
        const struct share *s = is_bounded(t, k, p->of[k]) ? share_find(t, k, p->of[k]) : NULL;
        if (s != NULL && has_enough(t, s))
            return false;
    }
    return true;
}

void turns_take(struct turns *t, const struct parties *p, struct holders *holders)
{
    for (enum party_kind k = 0; k < PARTY_KINDS; k++) {
        struct share *s = p->of[k] != 0 ? share_get(t, k, p->of[k]) : NULL;
        if (s != NULL)
            s->held++;
        holders->share[k] = s;
    }
}

void turns_give_back(struct turns *t, struct holders *holders)
{
    for (enum party_kind k = 0; k < PARTY_KINDS; k++) {
        if (holders->share[k] == NULL)
            continue;
        holders->share[k]->held--;
        share_put(t, holders->share[k]);
        holders->share[k] = NULL;
    }
}

/* ------------------------------------------------------------------------------------- lines -- */

bool turns_wait(struct turns *t, struct turn *turn)
{
    struct share *network = share_get(t, PARTY_NETWORK, turn->parties.of[PARTY_NETWORK]);
    struct share *domain = share_get(t, PARTY_DOMAIN, turn->parties.of[PARTY_DOMAIN]);
    if (network == NULL || domain == NULL) {
        share_put(t, network);
        share_put(t, domain);
        return false;
    }
    turn->share[PARTY_NETWORK] = network;
    turn->share[PARTY_DOMAIN] = domain;
    if (TAILQ_EMPTY(&network->waiting))
        TAILQ_INSERT_TAIL(&t->lines, network, line);
    TAILQ_INSERT_TAIL(&network->waiting, turn, entry);
    return true;
}

void turns_leave(struct turns *t, struct turn *turn)
{
    struct share *network = turn->share[PARTY_NETWORK];
    TAILQ_REMOVE(&network->waiting, turn, entry);
    if (TAILQ_EMPTY(&network->waiting))
        TAILQ_REMOVE(&t->lines, network, line);
    share_put(t, network);
    share_put(t, turn->share[PARTY_DOMAIN]);
}

static struct turn *find_next(const struct turns *t)
{
    struct share *network;
    struct turn *turn;
    TAILQ_FOREACH (network, &t->lines, line) {
        if (has_enough(t, network))
            continue;
        TAILQ_FOREACH (turn, &network->waiting, entry) {
            if (!has_enough(t, turn->share[PARTY_DOMAIN]))
                return turn;
        }
    }
    return NULL;
}

bool turns_wanted(const struct turns *t)
{
    return find_next(t) != NULL;
}

struct turn *turns_next(struct turns *t)
{
    struct turn *turn = find_next(t);
    if (turn == NULL)
        return NULL;
    struct share *network = turn->share[PARTY_NETWORK];
    TAILQ_REMOVE(&t->lines, network, line);
    TAILQ_INSERT_TAIL(&t->lines, network, line);
    turns_leave(t, turn);
    return turn;
}
