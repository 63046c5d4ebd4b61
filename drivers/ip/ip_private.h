/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this layer share: the stack itself. Nobody outside drivers/ip includes this. */
#ifndef SPLITMX_IP_PRIVATE_H
#define SPLITMX_IP_PRIVATE_H

#include <rte_mbuf.h>

#include "drivers/ip/ip.h"
#include "drivers/ip/neighbour.h"
#include "drivers/ip/reassembly.h"

/* The longest headers that are read in one piece: Ethernet, then two IPv4 headers with options and
 * 8 bytes of ICMP (an error that quotes a datagram), and 16 bytes of the quoted transport. */
#define IP_CONTIGUOUS (14 + 60 + 8 + 60 + 16)

/* A token bucket in nanoseconds of credit. */
struct rate_limit {
    nsec_t full_at; /* when the bucket will be full again */
};

/* One of our links. */
struct ip_interface {
    struct ip_link_config config;
    uint8_t index;
    nsec_t defended; /* when we last defended an address, 0: never (RFC 5227 §2.4) */
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

/* The link's own address of that family from the network that holds `near`, else its first; NULL
 * if it has none. */
const struct ip_addr *ip_source_for(const struct ip_interface *i, const struct ip_addr *near);

/* Is `a` one of the link's own addresses? */
bool ip_interface_owns(const struct ip_interface *i, const struct ip_addr *a);

/* Is `a` reached without a router: in a connected network, or the gateway itself? */
bool ip_interface_connects(const struct ip_interface *i, const struct ip_addr *a);

#endif
