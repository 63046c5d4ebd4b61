/* SPDX-License-Identifier: BSD-3-Clause */
/* ND: solicitations, advertisements, announcements and conflicts. What is learnt goes to the
 * neighbour cache. */
#include "drivers/ip/nd.h"

#include <netinet/in.h>

#include <rte_ip.h>

#include "drivers/ip/ethernet.h"
#include "drivers/ip/icmp6_header.h"
#include "drivers/ip/ip6_output.h"
#include "drivers/ip/neighbour.h"
#include "drivers/ip/stack.h"

#define HOP_LIMIT   255 /* RFC 4861 §7.1: no router has passed it on */
#define MESSAGE_MAX 1024

enum nd_type {
    TYPE_ROUTER_SOLICITATION = 133,
    TYPE_ROUTER_ADVERTISEMENT = 134,
    TYPE_SOLICITATION = 135,
    TYPE_ADVERTISEMENT = 136,
    TYPE_REDIRECT = 137,
};

enum nd_option_type {
    OPTION_SOURCE_MAC = 1,
    OPTION_TARGET_MAC = 2,
};

/* Of advertisements. */
#define FLAG_SOLICITED UINT32_C(0x40000000)
#define FLAG_OVERRIDE  UINT32_C(0x20000000)

/* A solicitation or advertisement, without its options. */
struct nd_message {
    uint8_t type, code;
    rte_be16_t checksum;
    rte_be32_t flags;
    uint8_t target[16];
} __rte_packed;

struct nd_option {
    uint8_t type;
    uint8_t units; /* of 8 bytes */
    struct rte_ether_addr mac;
};
_Static_assert(sizeof(struct nd_option) == 8, "RFC 2464 §6");

static const struct ip_addr nobody;
static const struct ip_addr all_nodes = {.b = {0xff, 0x02, [15] = 1}};

static struct rte_ether_addr group_mac(const struct ip_addr *group)
{
    struct rte_ether_addr mac = {{0x33, 0x33, 0, 0, 0, 0}};
    memcpy(mac.addr_bytes + 2, group->b + 12, 4);
    return mac;
}

/* What is said, by whom, and to whom. */
struct saying {
    enum nd_type type;
    uint32_t flags;
    const struct ip_addr *target;
    const struct ip_addr *src, *dst;
    const struct rte_ether_addr *to; /* NULL: the group dst */
};

static void say(struct ip_stack *ip, struct ip_interface *i, const struct saying *s)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(ip->pools->header);
    if (m == NULL) {
        ip_count(ip, IP_TX_NO_MEMORY);
        return;
    }
    struct nd_message *message =
        (struct nd_message *)(void *)rte_pktmbuf_append(m, sizeof(struct nd_message));
    *message = (struct nd_message){.type = (uint8_t)s->type, .flags = rte_cpu_to_be_32(s->flags)};
    memcpy(message->target, s->target->b, sizeof(message->target));
    if (!ip_addr_is_any(s->src)) { /* RFC 4861 §4.3: nobody has no MAC address */
        struct nd_option *option =
            (struct nd_option *)(void *)rte_pktmbuf_append(m, sizeof(struct nd_option));
        *option = (struct nd_option){
            .type = s->type == TYPE_SOLICITATION ? OPTION_SOURCE_MAC : OPTION_TARGET_MAC,
            .units = 1,
            .mac = i->config.link->mac,
        };
    }
    icmp6_finish(m, s->src, s->dst);
    struct rte_ether_addr mac = s->to != NULL ? *s->to : group_mac(s->dst);
    if (!ip6_prepend(ip, m, s->src, s->dst, IPPROTO_ICMPV6, HOP_LIMIT, 0))
        return;
    ip_count(ip, IP_TX_ND);
    ethernet_send(ip, i, m, &mac, RTE_ETHER_TYPE_IPV6);
}

void nd_ask(struct ip_stack *ip, struct ip_interface *i, const struct ip_addr *addr,
            const struct rte_ether_addr *whom)
{
    struct ip_addr group = ip_solicited_nodes(addr);
    const struct ip_addr *source = ip_source_for(i, addr);
    if (source != NULL)
        say(ip, i,
            &(struct saying){.type = TYPE_SOLICITATION,
                             .target = addr,
                             .src = source,
                             .dst = whom != NULL ? addr : &group,
                             .to = whom});
}

void nd_detect_duplicates(struct ip_stack *ip, struct ip_interface *i)
{
    const struct ip_addr *ours;
    for (unsigned k = 0; (ours = ip_interface_address6(i, k)) != NULL; k++) {
        struct ip_addr group = ip_solicited_nodes(ours);
        say(ip, i,
            &(struct saying){
                .type = TYPE_SOLICITATION, .target = ours, .src = &nobody, .dst = &group});
    }
}

static void announce(struct ip_stack *ip, struct ip_interface *i, const struct ip_addr *addr)
{
    say(ip, i,
        &(struct saying){.type = TYPE_ADVERTISEMENT,
                         .flags = FLAG_OVERRIDE,
                         .target = addr,
                         .src = addr,
                         .dst = &all_nodes});
}

void nd_announce(struct ip_stack *ip, struct ip_interface *i)
{
    const struct ip_addr *ours;
    for (unsigned k = 0; (ours = ip_interface_address6(i, k)) != NULL; k++)
        announce(ip, i, ours);
}

/* We keep the address, and say so. */
static void conflict(struct ip_stack *ip, struct ip_interface *i, const struct ip_addr *addr)
{
    ip_count(ip, IP_RX_CONFLICT);
    if (ip_may_defend(ip, i))
        announce(ip, i, addr);
}

/* The MAC address in an option of that type. False if an option is malformed (RFC 4861 §7.1.1: the
 * whole message is); *mac NULL if there is none. */
static bool find_mac(const uint8_t *option, uint32_t len, enum nd_option_type type,
                     const struct rte_ether_addr **mac)
{
    *mac = NULL;
    while (len > 0) {
        if (len < 8 || option[1] == 0 || len < option[1] * 8u)
            return false;
        if (option[0] == type)
            *mac = &((const struct nd_option *)(const void *)option)->mac;
        len -= option[1] * 8u;
        option += option[1] * 8u;
    }
    return *mac == NULL || rte_is_valid_assigned_ether_addr(*mac);
}

/* RFC 4861 §7.2.3, §7.2.4. */
static bool solicited(struct ip_stack *ip, struct ip_interface *i, const struct nd_message *message,
                      const struct ip_datagram *d, const struct rte_ether_addr *from)
{
    struct ip_addr target;
    const struct rte_ether_addr *mac;
    memcpy(target.b, message->target, sizeof(target.b));
    if (!find_mac((const uint8_t *)(message + 1), d->payload_len - (uint32_t)sizeof(*message),
                  OPTION_SOURCE_MAC, &mac))
        return false;
    bool probe = ip_addr_is_any(&d->src);
    if (probe && (mac != NULL || !ip_addr_is_group(&d->dst)))
        return false;
    if (!ip_interface_owns(i, &target) || ip_addr_is_v4(&target)) {
        ip_count(ip, IP_RX_NOT_OURS);
        return true;
    }
    if (probe) { /* somebody is about to take our address (RFC 4862 §5.4.3) */
        conflict(ip, i, &target);
        return true;
    }
    if (ip_interface_owns(i, &d->src)) {
        conflict(ip, i, &d->src);
        return true;
    }
    if (!ip_interface_connects(i, &d->src))
        return false;
    if (mac != NULL)
        neighbour_learn(ip, i, &d->src, mac, NEIGHBOUR_QUESTION, true);
    say(ip, i,
        &(struct saying){.type = TYPE_ADVERTISEMENT,
                         .flags = FLAG_SOLICITED | FLAG_OVERRIDE,
                         .target = &target,
                         .src = &target,
                         .dst = &d->src,
                         .to = mac != NULL ? mac : from});
    return true;
}

/* RFC 4861 §7.2.5. */
static bool advertised(struct ip_stack *ip, struct ip_interface *i,
                       const struct nd_message *message, const struct ip_datagram *d)
{
    struct ip_addr target;
    const struct rte_ether_addr *mac;
    uint32_t flags = rte_be_to_cpu_32(message->flags);
    memcpy(target.b, message->target, sizeof(target.b));
    if (!find_mac((const uint8_t *)(message + 1), d->payload_len - (uint32_t)sizeof(*message),
                  OPTION_TARGET_MAC, &mac))
        return false;
    bool answer = (flags & FLAG_SOLICITED) != 0;
    if (ip_addr_is_any(&d->src) || (answer && ip_addr_is_group(&d->dst)))
        return false;
    if (ip_interface_owns(i, &target)) {
        conflict(ip, i, &target);
        return true;
    }
    if (ip_addr_is_v4(&target) || !ip_interface_connects(i, &target))
        return false;
    neighbour_learn(ip, i, &target, mac, answer ? NEIGHBOUR_ANSWER : NEIGHBOUR_HEARSAY,
                    (flags & FLAG_OVERRIDE) != 0);
    return true;
}

bool nd_is_type(uint8_t type)
{
    return type >= TYPE_ROUTER_SOLICITATION && type <= TYPE_REDIRECT;
}

/* False if the message is malformed (RFC 4861 §7.1). */
static bool process(struct ip_stack *ip, struct ip_interface *i, const struct rte_mbuf *m,
                    const struct ip_datagram *d)
{
    const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
    const struct rte_ipv6_hdr *h = (const struct rte_ipv6_hdr *)(const void *)(eth + 1);
    const struct nd_message *message =
        rte_pktmbuf_mtod_offset(m, const struct nd_message *, d->payload_offset);
    if (h->hop_limits != HOP_LIMIT || message->code != 0)
        return false;
    if (rte_is_same_ether_addr(&eth->src_addr, &i->config.link->mac))
        return true; /* an echo of our own */
    if (message->type != TYPE_SOLICITATION && message->type != TYPE_ADVERTISEMENT) {
        if (message->type != TYPE_ROUTER_SOLICITATION)
            ip_count(ip, IP_RX_ND_IGNORED);
        return true;
    }
    if (d->payload_len < sizeof(*message) || message->target[0] == 0xff)
        return false;
    if (message->type == TYPE_SOLICITATION)
        return solicited(ip, i, message, d, &eth->src_addr);
    return advertised(ip, i, message, d);
}

void nd_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                const struct ip_datagram *d)
{
    ip_count(ip, IP_RX_ND);
    if (m->pkt_len > MESSAGE_MAX) {
        ip_drop(ip, IP_RX_ND_BAD, m);
        return;
    }
    m = ethernet_pull_up(ip, m, MESSAGE_MAX);
    if (m == NULL)
        return;
    if (!process(ip, i, m, d))
        ip_count(ip, IP_RX_ND_BAD);
    rte_pktmbuf_free(m);
}
