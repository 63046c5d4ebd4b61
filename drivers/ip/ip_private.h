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
    struct ip_addr link_local; /* all zeroes: this link speaks no IPv6 */
    uint8_t index;
    struct timer mld_timer; /* of the answer to a query for our groups */
    nsec_t defended;        /* when we last defended an address, 0: never (RFC 5227 §2.4) */
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

static inline bool ip_speaks_v6(const struct ip_interface *i)
{
    return !ip_addr_is_any(&i->link_local);
}

static inline bool ip_addr_is_group(const struct ip_addr *a)
{
    return a->b[0] == 0xff;
}

/* The link's own address of that family from the network that holds `near`, else its first; NULL
 * if it has none. */
const struct ip_addr *ip_source_for(const struct ip_interface *i, const struct ip_addr *near);

/* Is `a` one of the link's own addresses, link-local included? */
bool ip_interface_owns(const struct ip_interface *i, const struct ip_addr *a);

/* Is `a` reached without a router: in a connected network, or the gateway itself? */
bool ip_interface_connects(const struct ip_interface *i, const struct ip_addr *a);

/* Who on that link gets a packet for dst: dst itself, or the gateway of its family; NULL if there
 * is none. */
const struct ip_addr *ip_next_hop(const struct ip_interface *i, const struct ip_addr *dst);

#endif
