/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4: what a received header must look like, and who gets the payload. */
#include "drivers/ip/ip4.h"

#include <netinet/in.h>

#include <rte_ip.h>

#include "drivers/ip/ethernet.h"
#include "drivers/ip/icmp.h"
#include "drivers/ip/reassembly.h"
#include "drivers/ip/stack.h"

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
           ip_stack_owns(ip, src);
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
