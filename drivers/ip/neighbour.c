/* SPDX-License-Identifier: BSD-3-Clause */
/* The neighbour cache: a bounded table, its states, and the packets that wait for an answer. */
#include "drivers/ip/neighbour.h"

#include <stdlib.h>

#include <rte_ip.h>
#include <rte_jhash.h>

#include "drivers/ip/ethernet.h"
#include "drivers/ip/stack.h"

#define ASK_INTERVAL   NSEC_PER_SEC /* RFC 1122 §2.3.2.1: at most one a second; RFC 4861 §10 */
#define ASK_TIMES      3
#define REACHABLE_TIME (30 * NSEC_PER_SEC) /* RFC 4861 §10; times 0.5 to 1.5 */

/* Neighbours that merely asked us something leave this part of the table to those whom we need. */
#define ROOM_FOR_OURS(size) ((size) / 4)

static uint32_t bucket_of(const struct ip_stack *ip, uint8_t link, const struct ip_addr *addr)
{
    uint32_t words[4]; /* an address in a packet is not aligned */
    memcpy(words, addr->b, sizeof(words));
    return rte_jhash_32b(words, COUNT_OF(words), ip->seed + link) & ip->neighbours.mask;
}

static struct neighbour *lookup(const struct ip_stack *ip, uint8_t link, const struct ip_addr *addr)
{
    struct neighbour *n = ip->neighbours.buckets[bucket_of(ip, link, addr)];
    while (n != NULL && (n->link != link || !ip_addr_equal(&n->addr, addr)))
        n = n->next;
    return n;
}

static void ask(struct neighbour *n)
{
    struct ip_interface *i = &n->ip->interfaces[n->link];
    const struct rte_ether_addr *whom = n->state == NEIGHBOUR_INCOMPLETE ? NULL : &n->mac;
    n->asked++;
    n->ip->neighbours.solicit(n->ip, i, &n->addr, whom);
    timer_arm(n->ip->wheel, &n->timer, n->ip->now + ASK_INTERVAL);
}

static uint16_t ether_type_of(const struct neighbour *n)
{
    return ip_addr_is_v4(&n->addr) ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;
}

static struct rte_mbuf *dequeue(struct neighbour *n)
{
    if (n->queued == 0)
        return NULL;
    struct rte_mbuf *m = n->queue[n->first];
    n->first = (uint8_t)((n->first + 1) % NEIGHBOUR_QUEUE);
    n->queued--;
    n->ip->neighbours.waiting--;
    return m;
}

static void enqueue(struct neighbour *n, struct rte_mbuf *m)
{
    struct ip_stack *ip = n->ip;
    if (n->queued == NEIGHBOUR_QUEUE)
        ip_drop(ip, IP_NEIGHBOUR_QUEUE_FULL, dequeue(n));
    if (ip->neighbours.waiting == IP_MAX_WAITING) {
        ip_drop(ip, IP_NEIGHBOUR_QUEUE_FULL, m);
        return;
    }
    n->queue[(n->first + n->queued) % NEIGHBOUR_QUEUE] = m;
    n->queued++;
    ip->neighbours.waiting++;
}

/* All changes of state happen here. */
static void enter(struct neighbour *n, enum neighbour_state state)
{
    struct ip_stack *ip = n->ip;
    struct rte_mbuf *m;
    n->state = (uint8_t)state;
    n->asked = 0;
    switch (state) {
    case NEIGHBOUR_FREE:
        timer_disarm(ip->wheel, &n->timer);
        break;
    case NEIGHBOUR_INCOMPLETE:
    case NEIGHBOUR_PROBE:
        ask(n);
        break;
    case NEIGHBOUR_REACHABLE:
        timer_arm(ip->wheel, &n->timer,
                  ip->now + REACHABLE_TIME / 2 + ip_random(ip) % REACHABLE_TIME);
        break;
    case NEIGHBOUR_STALE:
        timer_disarm(ip->wheel, &n->timer);
        break;
    }
    if (state == NEIGHBOUR_REACHABLE || state == NEIGHBOUR_STALE)
        while ((m = dequeue(n)) != NULL)
            ethernet_send(ip, &ip->interfaces[n->link], m, &n->mac, ether_type_of(n));
}

static void forget(struct neighbour *n)
{
    struct ip_stack *ip = n->ip;
    struct neighbour **at = &ip->neighbours.buckets[bucket_of(ip, n->link, &n->addr)];
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    enter(n, NEIGHBOUR_FREE);
    n->next = ip->neighbours.free;
    ip->neighbours.free = n;
    ip->neighbours.used--;
}

/* Where a packet that waits is going: it starts at its IP header. */
static struct ip_addr destination_of(const struct rte_mbuf *m, bool v4)
{
    struct ip_addr dst;
    if (v4)
        return ip_addr_from_v4(rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *)->dst_addr);
    memcpy(dst.b, rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *)->dst_addr, sizeof(dst.b));
    return dst;
}

/* Nobody answered: every packet that waited is dropped, and its sender is told. */
static void give_up(struct neighbour *n)
{
    struct ip_stack *ip = n->ip;
    struct rte_mbuf *waiting[NEIGHBOUR_QUEUE];
    unsigned count = 0;
    bool v4 = ip_addr_is_v4(&n->addr);
    while ((waiting[count] = dequeue(n)) != NULL)
        if (++count == NEIGHBOUR_QUEUE)
            break;
    forget(n);
    for (unsigned k = 0; k < count; k++) {
        struct ip_addr dst = destination_of(waiting[k], v4);
        ip_drop(ip, IP_NEIGHBOUR_FAILED, waiting[k]);
        if (ip->upper.no_neighbour != NULL)
            ip->upper.no_neighbour(ip->upper.user, &dst);
    }
}

static void timeout(struct timer *t, nsec_t now)
{
    struct neighbour *n = CONTAINER_OF(t, struct neighbour, timer);
    if (now > n->ip->now)
        n->ip->now = now;
    switch ((enum neighbour_state)n->state) {
    case NEIGHBOUR_REACHABLE:
        enter(n, NEIGHBOUR_STALE);
        break;
    case NEIGHBOUR_PROBE:
        if (n->asked < ASK_TIMES)
            ask(n);
        else
            enter(n, NEIGHBOUR_INCOMPLETE);
        break;
    case NEIGHBOUR_INCOMPLETE:
        if (n->asked < ASK_TIMES)
            ask(n);
        else
            give_up(n);
        break;
    case NEIGHBOUR_FREE:
    case NEIGHBOUR_STALE:
        break; /* their timers are not armed */
    }
}

/* Second chance: the hand passes over what was used since it last came by. */
static void forget_one(struct ip_stack *ip)
{
    struct neighbour_cache *c = &ip->neighbours;
    for (uint32_t steps = 0; steps < 2 * c->size; steps++) {
        struct neighbour *n = &c->entries[c->hand];
        c->hand = (c->hand + 1) % c->size;
        if (n->state != NEIGHBOUR_STALE)
            continue;
        if (!n->used) {
            forget(n);
            return;
        }
        n->used = false;
    }
}

/* A new entry, or NULL (counted) if the table is full of neighbours in use. */
static struct neighbour *insert(struct ip_stack *ip, uint8_t link, const struct ip_addr *addr)
{
    struct neighbour_cache *c = &ip->neighbours;
    if (c->free == NULL)
        forget_one(ip);
    struct neighbour *n = c->free;
    if (n == NULL) {
        ip_count(ip, IP_NEIGHBOURS_FULL);
        return NULL;
    }
    c->free = n->next;
    c->used++;
    n->addr = *addr;
    n->link = link;
    n->used = true;
    struct neighbour **head = &c->buckets[bucket_of(ip, link, addr)];
    n->next = *head;
    *head = n;
    return n;
}

void neighbour_output(struct ip_stack *ip, struct ip_interface *i, const struct ip_addr *addr,
                      struct rte_mbuf *m, uint16_t ether_type)
{
    struct neighbour *n = lookup(ip, i->index, addr);
    if (n == NULL) {
        n = insert(ip, i->index, addr);
        if (n == NULL) {
            rte_pktmbuf_free(m);
            return;
        }
        enter(n, NEIGHBOUR_INCOMPLETE);
    }
    n->used = true;
    if (n->state == NEIGHBOUR_INCOMPLETE) {
        enqueue(n, m);
        return;
    }
    if (n->state == NEIGHBOUR_STALE)
        enter(n, NEIGHBOUR_PROBE);
    ethernet_send(ip, i, m, &n->mac, ether_type);
}

void neighbour_learn(struct ip_stack *ip, struct ip_interface *i, const struct ip_addr *addr,
                     const struct rte_ether_addr *mac, enum neighbour_word word, bool override)
{
    struct neighbour_cache *c = &ip->neighbours;
    struct neighbour *n = lookup(ip, i->index, addr);
    if (n == NULL) {
        if (mac == NULL || word != NEIGHBOUR_QUESTION ||
            c->size - c->used <= ROOM_FOR_OURS(c->size))
            return;
        n = insert(ip, i->index, addr);
        if (n == NULL)
            return;
        n->mac = *mac;
        n->used = false;
        enter(n, NEIGHBOUR_STALE);
        return;
    }
    bool asked = n->state == NEIGHBOUR_INCOMPLETE || n->state == NEIGHBOUR_PROBE;
    bool unknown = n->state == NEIGHBOUR_INCOMPLETE;
    if (mac == NULL) {
        if (unknown)
            return;
        mac = &n->mac;
    }
    bool same = !unknown && rte_is_same_ether_addr(&n->mac, mac);
    if (!unknown && !same && !override) {
        if (n->state == NEIGHBOUR_REACHABLE)
            enter(n, NEIGHBOUR_STALE);
        return;
    }
    n->mac = *mac;
    if (word == NEIGHBOUR_ANSWER && asked)
        enter(n, NEIGHBOUR_REACHABLE);
    else if (!same)
        enter(n, NEIGHBOUR_STALE);
}

bool neighbours_init(struct ip_stack *ip, uint32_t size, neighbour_solicit *solicit)
{
    struct neighbour_cache *c = &ip->neighbours;
    uint32_t buckets = rte_align32pow2(size);
    c->solicit = solicit;
    c->size = size;
    c->mask = buckets - 1;
    c->entries = calloc(size, sizeof(*c->entries));
    c->buckets = calloc(buckets, sizeof(struct neighbour *));
    if (c->entries == NULL || c->buckets == NULL)
        return false;
    for (uint32_t k = size; k-- > 0;) {
        struct neighbour *n = &c->entries[k];
        n->ip = ip;
        timer_init(&n->timer, timeout);
        n->next = c->free;
        c->free = n;
    }
    return true;
}

void neighbours_free(struct ip_stack *ip)
{
    struct neighbour_cache *c = &ip->neighbours;
    for (uint32_t k = 0; c->entries != NULL && k < c->size; k++) {
        struct neighbour *n = &c->entries[k];
        timer_disarm(ip->wheel, &n->timer);
        while (n->queued > 0)
            rte_pktmbuf_free(dequeue(n));
    }
    free(c->entries);
    free(c->buckets);
}

enum neighbour_state neighbour_state_of(const struct ip_stack *ip, uint8_t link,
                                        const struct ip_addr *addr)
{
    const struct neighbour *n = lookup(ip, link, addr);
    return n != NULL ? (enum neighbour_state)n->state : NEIGHBOUR_FREE;
}

bool neighbours_sane(const struct ip_stack *ip)
{
    const struct neighbour_cache *c = &ip->neighbours;
    uint32_t used = 0, unused = 0, waiting = 0;
    for (uint32_t b = 0; b <= c->mask; b++)
        for (const struct neighbour *n = c->buckets[b]; n != NULL; n = n->next) {
            bool timed = n->state != NEIGHBOUR_STALE;
            if (n->state == NEIGHBOUR_FREE || timer_armed(&n->timer) != timed ||
                bucket_of(ip, n->link, &n->addr) != b || ++used > c->size)
                return false;
            if (n->queued > 0 && n->state != NEIGHBOUR_INCOMPLETE)
                return false;
            waiting += n->queued;
        }
    for (const struct neighbour *n = c->free; n != NULL; n = n->next)
        if (n->state != NEIGHBOUR_FREE || n->queued > 0 || ++unused > c->size)
            return false;
    return used == c->used && used + unused == c->size && waiting == c->waiting &&
           waiting <= IP_MAX_WAITING;
}
