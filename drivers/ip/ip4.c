/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4: what a received header must look like, who gets the payload, and headers of our own. */
#include "drivers/ip/ip4.h"

#include <netinet/in.h>

#include <rte_ip.h>
#include <rte_jhash.h>

#include "drivers/ip/ethernet.h"
#include "drivers/ip/icmp.h"
#include "drivers/ip/ip_private.h"

#define TTL 64

#define OPTION_END  0
#define OPTION_NOP  1
#define OPTION_LSRR 131
#define OPTION_SSRR 137

/* RFC 1122 §3.2.1.8: options are parsed and ignored; source routes are refused (RFC 7126 §4.3). */
static bool options_acceptable(const uint8_t *option, unsigned len)
{
    while (len > 0 && option[0] != OPTION_END) {
        unsigned size = 1;
        if (option[0] != OPTION_NOP) {
            if (len < 2 || option[1] < 2 || option[1] > len)
                return false;
            if (option[0] == OPTION_LSRR || option[0] == OPTION_SSRR)
                return false;
            size = option[1];
        }
        option += size;
        len -= size;
    }
    return true;
}

static bool checksum_good(const struct ip_interface *i, const struct rte_mbuf *m,
                          const struct rte_ipv4_hdr *h)
{
    if (i->config.link->caps.rx_ip_checksum) {
        uint64_t said = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
        if (said == RTE_MBUF_F_RX_IP_CKSUM_GOOD || said == RTE_MBUF_F_RX_IP_CKSUM_NONE)
            return true;
        if (said == RTE_MBUF_F_RX_IP_CKSUM_BAD)
            return false;
    }
    return rte_ipv4_cksum(h) == 0;
}

/* The first or last address of a connected network: a broadcast in old and new times (RFC 1122
 * §3.3.6). A /31 or /32 has none (RFC 3021). */
static bool is_directed_broadcast(const struct ip_interface *i, uint32_t addr)
{
    for (unsigned k = 0; k < i->config.address_count; k++) {
        const struct ip_prefix *net = &i->config.networks[k];
        if (!ip_addr_is_v4(&net->addr) || net->len < 96 || net->len > 126)
            continue;
        uint32_t host = UINT32_MAX >> (net->len - 96);
        uint32_t base = rte_be_to_cpu_32(ip_addr_to_v4(&net->addr));
        if ((addr & ~host) == base && ((addr & host) == 0 || (addr & host) == host))
            return true;
    }
    return false;
}

/* RFC 1122 §3.2.1.3: no host sends from these. */
static bool source_is_martian(const struct ip_stack *ip, const struct ip_interface *i,
                              const struct ip_addr *src)
{
    uint32_t a = rte_be_to_cpu_32(ip_addr_to_v4(src));
    uint32_t net = a >> 24;
    return net == 0 || net == IN_LOOPBACKNET || net >= 224 || is_directed_broadcast(i, a) ||
           ip_is_local(ip, src);
}

/* Drops what no host should have sent here, and says why; IP_COUNTER_COUNT: nothing is wrong. */
static enum ip_counter judge(const struct ip_stack *ip, const struct ip_interface *i,
                             const struct rte_mbuf *m)
{
    const struct rte_ipv4_hdr *h =
        rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
    if (m->data_len < RTE_ETHER_HDR_LEN + sizeof(*h))
        return IP_RX_RUNT;
    unsigned header_len = rte_ipv4_hdr_len(h);
    uint16_t total = rte_be_to_cpu_16(h->total_length);
    if ((h->version_ihl >> 4) != 4 || header_len < sizeof(*h) || total < header_len)
        return IP_RX_BAD_HEADER;
    if (m->pkt_len < RTE_ETHER_HDR_LEN + (uint32_t)total)
        return IP_RX_RUNT;
    if (!checksum_good(i, m, h))
        return IP_RX_BAD_CHECKSUM;
    if (!options_acceptable((const uint8_t *)(h + 1), header_len - (unsigned)sizeof(*h)))
        return IP_RX_BAD_HEADER;
    /* RFC 1122 §3.3.4.2, strong model: an address belongs to its link. */
    struct ip_addr dst = ip_addr_from_v4(h->dst_addr);
    if (!ip_interface_owns(i, &dst))
        return IP_RX_NOT_OURS;
    struct ip_addr src = ip_addr_from_v4(h->src_addr);
    if (source_is_martian(ip, i, &src))
        return IP_RX_BAD_SOURCE;
    return IP_COUNTER_COUNT;
}

/* A whole datagram with good headers. */
static void deliver(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m, bool vouched)
{
    const struct rte_ipv4_hdr *h =
        rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
    uint16_t offset = (uint16_t)(RTE_ETHER_HDR_LEN + rte_ipv4_hdr_len(h));
    struct ip_datagram d = {
        .src = ip_addr_from_v4(h->src_addr),
        .dst = ip_addr_from_v4(h->dst_addr),
        .payload_offset = offset,
        .payload_len = m->pkt_len - offset,
        .ecn = h->type_of_service & 3,
        .link = i->index,
        .checksum_good = vouched,
    };
    if (h->next_proto_id == IPPROTO_TCP && ip->upper.segment != NULL) {
        ip->upper.segment(ip->upper.user, m, &d);
    } else if (h->next_proto_id == IPPROTO_ICMP) {
        icmp_receive(ip, i, m, &d);
    } else {
        ip_count(ip, IP_RX_PROTOCOL);
        icmp_refuse(ip, i, m,
                    h->next_proto_id == IPPROTO_UDP ? ICMP_REFUSED_PORT : ICMP_REFUSED_PROTOCOL);
        rte_pktmbuf_free(m);
    }
}

void ip4_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m)
{
    enum ip_counter wrong = judge(ip, i, m);
    if (wrong != IP_COUNTER_COUNT) {
        ip_drop(ip, wrong, m);
        return;
    }
    const struct rte_ipv4_hdr *h =
        rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
    uint32_t padding = m->pkt_len - RTE_ETHER_HDR_LEN - rte_be_to_cpu_16(h->total_length);
    if (padding > 0)
        ethernet_trim(m, padding);

    /* NONE: the checksum in the packet is not finished, but the data is known to be intact. */
    uint64_t said = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
    bool vouched = i->config.link->caps.rx_tcp_checksum &&
                   (said == RTE_MBUF_F_RX_L4_CKSUM_GOOD || said == RTE_MBUF_F_RX_L4_CKSUM_NONE);
    uint16_t fragment = rte_be_to_cpu_16(h->fragment_offset);
    if ((fragment & (RTE_IPV4_HDR_OFFSET_MASK | RTE_IPV4_HDR_MF_FLAG)) != 0) {
        m = reassembly_add(ip, m);
        if (m != NULL)
            m = ethernet_pull_up(ip, m, IP_CONTIGUOUS);
        if (m == NULL)
            return;
        vouched = false;
    }
    deliver(ip, i, m, vouched);
}

/* RFC 6864: with DF set the value means nothing, but there are middleboxes that clear DF. */
static uint16_t next_identification(struct ip_stack *ip, uint32_t dst)
{
    uint32_t slot = rte_jhash_1word(dst, ip->seed) % COUNT_OF(ip->identification);
    return ip->identification[slot]++;
}

void ip4_output(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol, uint8_t ecn)
{
    const struct link *link = i->config.link;
    const struct ip_addr *next_hop = ip_next_hop(i, dst);
    if (next_hop == NULL) {
        ip_drop(ip, IP_TX_NO_ROUTE, m);
        return;
    }
    uint32_t total = m->pkt_len + (uint32_t)sizeof(struct rte_ipv4_hdr);
    bool tso = (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
    if (total > (tso ? UINT16_MAX : link->mtu)) {
        ip_drop(ip, IP_TX_TOO_BIG, m);
        return;
    }
    struct rte_ipv4_hdr *h =
        (struct rte_ipv4_hdr *)(void *)rte_pktmbuf_prepend(m, sizeof(struct rte_ipv4_hdr));
    if (IMPOSSIBLE(h == NULL, &ip->counters[IP_TX_NO_MEMORY])) {
        rte_pktmbuf_free(m);
        return;
    }
    *h = (struct rte_ipv4_hdr){
        .version_ihl = RTE_IPV4_VHL_DEF,
        .type_of_service = ecn & 3,
        .total_length = rte_cpu_to_be_16((uint16_t)total),
        .fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
        .time_to_live = TTL,
        .next_proto_id = protocol,
        .src_addr = ip_addr_to_v4(src),
        .dst_addr = ip_addr_to_v4(dst),
    };
    h->packet_id = rte_cpu_to_be_16(next_identification(ip, h->dst_addr));
    m->l2_len = RTE_ETHER_HDR_LEN;
    m->l3_len = sizeof(*h);
    /* Drivers want the family with every offload, and TSO has the device write this checksum too.
     */
    if ((m->ol_flags & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG)) != 0)
        m->ol_flags |= RTE_MBUF_F_TX_IPV4;
    if (link->caps.tx_ip_checksum || tso)
        m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
    else
        h->hdr_checksum = rte_ipv4_cksum(h);
    neighbour_output(ip, i, next_hop, m, RTE_ETHER_TYPE_IPV4);
}

struct ip_addr ip4_destination(const struct rte_mbuf *m)
{
    return ip_addr_from_v4(rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *)->dst_addr);
}
