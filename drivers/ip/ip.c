/* SPDX-License-Identifier: BSD-3-Clause */
/* The network layer's face: its life, its round, and which way leads where. */
#include "drivers/ip/ip.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "drivers/ip/arp.h"
#include "drivers/ip/ethernet.h"
#include "drivers/ip/ip4.h"
#include "drivers/ip/ip4_output.h"
#include "drivers/ip/ip6.h"
#include "drivers/ip/ip6_output.h"
#include "drivers/ip/mld.h"
#include "drivers/ip/nd.h"
#include "drivers/ip/neighbour.h"
#include "drivers/ip/reassembly.h"
#include "drivers/ip/stack.h"

#define BURST                 32
#define ANNOUNCEMENTS         2 /* RFC 5227 §1.1 */
#define ANNOUNCEMENT_INTERVAL (2 * NSEC_PER_SEC)

COUNTER_LIST_DEFINE(ip_counter_list, "ip", IP_COUNTERS)

static void announce_all(struct ip_stack *ip)
{
    bool first = ip->announcements_left == ANNOUNCEMENTS;
    for (unsigned k = 0; k < ip->interface_count; k++) {
        arp_announce(ip, &ip->interfaces[k]);
        mld_join(ip, &ip->interfaces[k]);
        if (first)
            nd_detect_duplicates(ip, &ip->interfaces[k]);
        else
            nd_announce(ip, &ip->interfaces[k]);
    }
    if (--ip->announcements_left > 0)
        timer_arm(ip->wheel, &ip->announce_timer, ip->now + ANNOUNCEMENT_INTERVAL);
}

static void announce_again(struct timer *t, nsec_t now)
{
    struct ip_stack *ip = CONTAINER_OF(t, struct ip_stack, announce_timer);
    if (now > ip->now)
        ip->now = now;
    announce_all(ip);
}

static void solicit(struct ip_stack *ip, struct ip_interface *i, const struct ip_addr *addr,
                    const struct rte_ether_addr *whom)
{
    if (ip_addr_is_v4(addr))
        arp_ask(ip, i, addr, whom);
    else
        nd_ask(ip, i, addr, whom);
}

struct ip_stack *ip_create(const struct ip_config *config, nsec_t now)
{
    struct ip_stack *ip = calloc(1, sizeof(*ip));
    if (ip == NULL)
        return NULL;
    ip->now = now;
    ip->random = config->seed;
    ip->pools = config->pools;
    ip->wheel = config->wheel;
    ip->seed = (uint32_t)ip_random(ip);
    timer_init(&ip->announce_timer, announce_again);
    for (unsigned k = 0; k < COUNT_OF(ip->identification); k++)
        ip->identification[k] = (uint16_t)ip_random(ip);
    ip->interface_count = config->link_count;
    for (unsigned k = 0; k < config->link_count; k++) {
        ip_interface_init(&ip->interfaces[k], &config->links[k], (uint8_t)k);
        mld_init(&ip->interfaces[k]);
    }
    if (!neighbours_init(ip, config->neighbour_entries, solicit) ||
        !reassembly_init(ip, config->reassembly_flows)) {
        ip_destroy(ip);
        return NULL;
    }
    return ip;
}

void ip_destroy(struct ip_stack *ip)
{
    if (ip == NULL)
        return;
    timer_disarm(ip->wheel, &ip->announce_timer);
    for (unsigned k = 0; k < ip->interface_count; k++)
        mld_free(ip, &ip->interfaces[k]);
    reassembly_free(ip);
    neighbours_free(ip);
    free(ip);
}

void ip_set_upper(struct ip_stack *ip, const struct ip_upper *upper)
{
    ip->upper = *upper;
}

void ip_set_now(struct ip_stack *ip, nsec_t now)
{
    ip->now = now;
}

void ip_announce(struct ip_stack *ip)
{
    ip->announcements_left = ANNOUNCEMENTS;
    announce_all(ip);
}

static void receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m)
{
    switch (ethernet_receive(ip, i, &m)) {
    case RTE_ETHER_TYPE_IPV4:
        ip4_receive(ip, i, m);
        break;
    case RTE_ETHER_TYPE_IPV6:
        ip6_receive(ip, i, m);
        break;
    case RTE_ETHER_TYPE_ARP:
        arp_receive(ip, i, m);
        break;
    }
}

unsigned ip_receive(struct ip_stack *ip)
{
    struct rte_mbuf *frames[BURST];
    unsigned total = 0;
    for (unsigned k = 0; k < ip->interface_count; k++) {
        struct ip_interface *i = &ip->interfaces[k];
        uint16_t count = i->config.link->ops->receive(i->config.link, frames, BURST);
        for (uint16_t f = 0; f < count; f++)
            rte_prefetch0(rte_pktmbuf_mtod(frames[f], void *));
        for (uint16_t f = 0; f < count; f++)
            receive(ip, i, frames[f]);
        total += count;
    }
    if (total > 0 && ip->upper.burst_end != NULL)
        ip->upper.burst_end(ip->upper.user);
    return total;
}

void ip_flush(struct ip_stack *ip)
{
    for (unsigned k = 0; k < ip->interface_count; k++)
        ip->interfaces[k].config.link->ops->flush(ip->interfaces[k].config.link);
}

bool ip_is_local(const struct ip_stack *ip, const struct ip_addr *a)
{
    return ip_stack_owns(ip, a);
}

static bool is_unique_local(const struct ip_addr *a)
{
    return (a->b[0] & 0xfe) == 0xfc; /* fc00::/7, RFC 4193 */
}

/* RFC 6724 §5 as far as the addresses of one link differ: rule 2, scope; rule 6, unique local or
 * not. Else the first. */
static const struct ip_addr *source_towards(const struct ip_interface *i, const struct ip_addr *dst)
{
    const struct ip_addr *first = NULL;
    if (ip_addr_is_link_local(dst))
        return ip_speaks_v6(i) ? &i->link_local : NULL;
    for (unsigned k = 0; k < i->config.address_count; k++) {
        const struct ip_addr *ours = &i->config.addresses[k];
        if (ip_addr_is_v4(ours) != ip_addr_is_v4(dst) || ip_addr_is_link_local(ours))
            continue;
        if (is_unique_local(ours) == is_unique_local(dst))
            return ours;
        if (first == NULL)
            first = ours;
    }
    return first;
}

/* The best link towards dst: the longest connected network, else the first with a gateway. `owner`:
 * only links that own this address. A link-local dst is on the owner's link only, and a link-local
 * owner's packets pass no router (RFC 4007 §6). */
static const struct ip_interface *choose(const struct ip_stack *ip, const struct ip_addr *owner,
                                         const struct ip_addr *dst)
{
    const struct ip_interface *best = NULL, *router = NULL;
    int longest = -1;
    if (owner == NULL && ip_addr_is_link_local(dst))
        return NULL;
    for (unsigned k = 0; k < ip->interface_count; k++) {
        const struct ip_interface *i = &ip->interfaces[k];
        if ((owner != NULL && !ip_interface_owns(i, owner)) || source_towards(i, dst) == NULL)
            continue;
        int length = ip_interface_network_length(i, dst);
        if (length > longest) {
            longest = length;
            best = i;
        }
        if (router == NULL && ip_interface_gateway(i, dst) != NULL &&
            (owner == NULL || !ip_addr_is_link_local(owner)))
            router = i;
    }
    return best != NULL ? best : router;
}

bool ip_route(const struct ip_stack *ip, const struct ip_addr *src, const struct ip_addr *dst,
              struct ip_route *out)
{
    bool bound = src != NULL && !ip_addr_is_any(src);
    if (bound && (!ip_is_local(ip, src) || ip_addr_is_v4(src) != ip_addr_is_v4(dst)))
        return false;
    if (ip_addr_is_any(dst) || ip_is_local(ip, dst))
        return false;
    /* The link of our address first (RFC 1122 §3.3.4.2): an answer leaves where the question came
     * in. */
    const struct ip_interface *i = choose(ip, bound ? src : NULL, dst);
    if (i == NULL && bound && !ip_addr_is_link_local(src))
        i = choose(ip, NULL, dst);
    if (i == NULL)
        return false;
    *out = (struct ip_route){
        .link = i->index,
        .mtu = i->config.link->mtu,
        .caps = i->config.link->caps,
        .source = bound ? *src : *source_towards(i, dst),
    };
    return true;
}

bool ip_route_next_source(const struct ip_stack *ip, struct ip_route *r)
{
    const struct ip_link_config *link = &ip->interfaces[r->link].config;
    bool behind = false;
    for (unsigned k = 0; k < link->address_count; k++) {
        const struct ip_addr *a = &link->addresses[k];
        if (behind && ip_addr_is_v4(a) == ip_addr_is_v4(&r->source) &&
            ip_addr_is_link_local(a) == ip_addr_is_link_local(&r->source) &&
            is_unique_local(a) == is_unique_local(&r->source)) {
            r->source = *a;
            return true;
        }
        behind = behind || ip_addr_equal(a, &r->source);
    }
    return false;
}

void ip_output(struct ip_stack *ip, struct rte_mbuf *m, uint8_t link, const struct ip_addr *src,
               const struct ip_addr *dst, uint8_t ecn)
{
    if (ip_addr_is_v4(dst))
        ip4_output(ip, &ip->interfaces[link], m, src, dst, IPPROTO_TCP, ecn);
    else
        ip6_output(ip, &ip->interfaces[link], m, src, dst, IPPROTO_TCP, ecn);
}

const uint64_t *ip_counters(const struct ip_stack *ip)
{
    return ip->counters;
}
