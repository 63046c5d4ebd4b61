/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers of our own, and the way to the next hop. */
#include "drivers/ip/ip4_output.h"

#include <rte_ip.h>
#include <rte_jhash.h>

#include "drivers/ip/neighbour.h"
#include "drivers/ip/stack.h"

#define TTL 64

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
