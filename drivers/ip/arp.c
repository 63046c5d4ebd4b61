/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP: questions, answers, announcements and conflicts. What is learnt goes to the neighbour cache.
 */
#include "drivers/ip/arp.h"

#include <rte_arp.h>

#include "drivers/ip/ethernet.h"
#include "drivers/ip/neighbour.h"
#include "drivers/ip/stack.h"

static const struct rte_ether_addr nobody = {{0, 0, 0, 0, 0, 0}};
static const struct rte_ether_addr everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static void say(struct ip_stack *ip, struct ip_interface *i, const struct rte_ether_addr *to,
                uint16_t opcode, uint32_t sender, const struct rte_ether_addr *target_mac,
                uint32_t target)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(ip->pools->header);
    if (m == NULL) {
        ip_count(ip, IP_TX_NO_MEMORY);
        return;
    }
    struct rte_arp_hdr *arp =
        (struct rte_arp_hdr *)(void *)rte_pktmbuf_append(m, sizeof(struct rte_arp_hdr));
    *arp = (struct rte_arp_hdr){
        .arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER),
        .arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4),
        .arp_hlen = RTE_ETHER_ADDR_LEN,
        .arp_plen = sizeof(uint32_t),
        .arp_opcode = rte_cpu_to_be_16(opcode),
        .arp_data = {.arp_sha = i->config.link->mac,
                     .arp_sip = sender,
                     .arp_tha = *target_mac,
                     .arp_tip = target},
    };
    ip_count(ip, IP_TX_ARP);
    ethernet_send(ip, i, m, to, RTE_ETHER_TYPE_ARP);
}

void arp_ask(struct ip_stack *ip, struct ip_interface *i, const struct ip_addr *addr,
             const struct rte_ether_addr *whom)
{
    const struct ip_addr *source = ip_source_for(i, addr);
    if (source != NULL)
        say(ip, i, whom != NULL ? whom : &everybody, RTE_ARP_OP_REQUEST, ip_addr_to_v4(source),
            &nobody, ip_addr_to_v4(addr));
}

/* RFC 5227 §3 says why an announcement is a question, not an answer. */
static void announce(struct ip_stack *ip, struct ip_interface *i, const struct ip_addr *addr)
{
    uint32_t ours = ip_addr_to_v4(addr);
    say(ip, i, &everybody, RTE_ARP_OP_REQUEST, ours, &nobody, ours);
}

void arp_announce(struct ip_stack *ip, struct ip_interface *i)
{
    for (unsigned k = 0; k < i->config.address_count; k++)
        if (ip_addr_is_v4(&i->config.addresses[k]))
            announce(ip, i, &i->config.addresses[k]);
}

/* RFC 5227 §2.4 (b): we keep the address, and say so. */
static void conflict(struct ip_stack *ip, struct ip_interface *i, const struct ip_addr *addr)
{
    ip_count(ip, IP_RX_CONFLICT);
    if (ip_may_defend(ip, i))
        announce(ip, i, addr);
}

static bool well_formed(const struct rte_mbuf *m, const struct rte_arp_hdr *arp)
{
    return m->data_len >= RTE_ETHER_HDR_LEN + sizeof(*arp) &&
           arp->arp_hardware == rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) &&
           arp->arp_protocol == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) &&
           arp->arp_hlen == RTE_ETHER_ADDR_LEN && arp->arp_plen == sizeof(uint32_t) &&
           (arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST) ||
            arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REPLY)) &&
           rte_is_valid_assigned_ether_addr(&arp->arp_data.arp_sha);
}

static void process(struct ip_stack *ip, struct ip_interface *i, const struct rte_arp_hdr *arp)
{
    const struct rte_ether_addr mac = arp->arp_data.arp_sha;
    const struct ip_addr sender = ip_addr_from_v4(arp->arp_data.arp_sip);
    const struct ip_addr target = ip_addr_from_v4(arp->arp_data.arp_tip);
    bool question = arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST);
    bool for_us = ip_interface_owns(i, &target);

    if (rte_is_same_ether_addr(&mac, &i->config.link->mac))
        return; /* an echo of our own */
    if (ip_interface_owns(i, &sender)) {
        conflict(ip, i, &sender);
        return;
    }
    /* A sender of 0.0.0.0 probes whether the address is free (RFC 5227 §2.1.1): there is nothing to
     * learn, but an answer to give. */
    if (!ip_addr_is_any(&sender) && ip_interface_connects(i, &sender)) {
        bool to_our_mac = rte_is_same_ether_addr(&arp->arp_data.arp_tha, &i->config.link->mac);
        enum neighbour_word word = NEIGHBOUR_HEARSAY;
        if (for_us && question)
            word = NEIGHBOUR_QUESTION;
        else if (for_us && to_our_mac)
            word = NEIGHBOUR_ANSWER;
        neighbour_learn(ip, i, &sender, &mac, word, true);
    }
    if (question && for_us)
        say(ip, i, &mac, RTE_ARP_OP_REPLY, ip_addr_to_v4(&target), &mac, ip_addr_to_v4(&sender));
    else if (!for_us && !ip_addr_equal(&sender, &target))
        ip_count(ip, IP_RX_NOT_OURS);
}

void arp_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m)
{
    ip_count(ip, IP_RX_ARP);
    const struct rte_arp_hdr *arp =
        rte_pktmbuf_mtod_offset(m, const struct rte_arp_hdr *, RTE_ETHER_HDR_LEN);
    if (well_formed(m, arp))
        process(ip, i, arp);
    else
        ip_count(ip, IP_RX_ARP_BAD);
    rte_pktmbuf_free(m);
}
