/* SPDX-License-Identifier: BSD-3-Clause */
/* What one stack consists of. Nobody outside drivers/ip includes this. */
#ifndef SPLITMX_IP_STACK_H
#define SPLITMX_IP_STACK_H

#include <rte_ether.h>
#include <rte_ip_frag.h>
#include <rte_mbuf.h>

#include "drivers/base/timer.h"
#include "drivers/ip/config.h"
#include "drivers/ip/counters.h"
#include "drivers/ip/interface.h"
#include "drivers/ip/upper.h"

/* A token bucket in nanoseconds of credit. */
struct rate_limit {
    nsec_t full_at; /* when the bucket will be full again */
};

struct ip_stack;
struct neighbour;

/* Of neighbour.c: who is reached by which MAC address. */
struct neighbour_cache {
    struct neighbour *entries; /* `size` of them */
    struct neighbour **buckets;
    struct neighbour *free;
    uint32_t size, used, mask;
    uint32_t waiting; /* packets in all queues; at most IP_MAX_WAITING */
    uint32_t hand;    /* of the clock that picks what to forget */
    /* neighbour_solicit of neighbour.h: by ARP or by ND */
    void (*solicit)(struct ip_stack *ip, struct ip_interface *i, const struct ip_addr *addr,
                    const struct rte_ether_addr *whom);
};

/* Of reassembly.c: fragments that wait for the rest of their datagrams. */
struct reassembly {
    struct rte_ip_frag_tbl *table;
    struct timer timer; /* armed while a fragment may be waiting */
    nsec_t last;        /* when the last fragment came */
    struct rte_ip_frag_death_row dead;
};

struct ip_stack {
    nsec_t now;
    uint64_t random;
    struct pools *pools;
    struct timer_wheel *wheel;
    struct ip_upper upper;
    unsigned interface_count;
    unsigned announcements_left;
    struct timer announce_timer;
    struct rate_limit icmp_errors, icmp_echoes;
    uint16_t identification[256]; /* by a hash of the destination: one peer learns nothing of
                                     another's traffic */
    uint32_t seed;
    struct neighbour_cache neighbours;
    struct reassembly reassembly;
    struct ip_interface interfaces[IP_MAX_LINKS];
    uint64_t counters[IP_COUNTER_COUNT];
};

static inline void ip_count(struct ip_stack *ip, enum ip_counter which)
{
    ip->counters[which]++;
}

/* Count why, and give the packet back. */
static inline void ip_drop(struct ip_stack *ip, enum ip_counter why, struct rte_mbuf *m)
{
    ip_count(ip, why);
    rte_pktmbuf_free(m);
}

/* SplitMix64 (Steele et al. 2014): for jitter and identifiers, not for secrets. */
static inline uint64_t ip_random(struct ip_stack *ip)
{
    uint64_t z = (ip->random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* May one more be sent? `burst` at once, then one per `interval`. */
static inline bool rate_limit_allows(struct rate_limit *r, nsec_t now, nsec_t interval,
                                     unsigned burst)
{
    nsec_t from = r->full_at > now ? r->full_at : now;
    if (from - now > (burst - 1) * interval)
        return false;
    r->full_at = from + interval;
    return true;
}

/* RFC 1812 §4.3.2.8 and RFC 4443 §2.4 (f) ask for a limit; a thousand a second is what Linux allows
 * itself. Both families share it. */
static inline bool ip_may_send_error(struct ip_stack *ip)
{
    return rate_limit_allows(&ip->icmp_errors, ip->now, NSEC_PER_SEC / 1000, 50);
}

static inline bool ip_may_answer_echo(struct ip_stack *ip)
{
    return rate_limit_allows(&ip->icmp_echoes, ip->now, NSEC_PER_SEC / 10000, 1000);
}

/* An address conflict is answered once in a while (RFC 5227 §2.4 (b)). */
static inline bool ip_may_defend(struct ip_stack *ip, struct ip_interface *i)
{
    if (i->defended != 0 && ip->now - i->defended < 10 * NSEC_PER_SEC)
        return false;
    i->defended = ip->now;
    return true;
}

/* Is `a` one of our own addresses, on whichever link? */
static inline bool ip_stack_owns(const struct ip_stack *ip, const struct ip_addr *a)
{
    for (unsigned k = 0; k < ip->interface_count; k++)
        if (ip_interface_owns(&ip->interfaces[k], a))
            return true;
    return false;
}

#endif
