/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers of our own, and the way to the next hop. */
#include "drivers/ip/ip6_output.h"

#include <rte_ip.h>

#include "drivers/ip/neighbour.h"
#include "drivers/ip/stack.h"

#define HOP_LIMIT 64

bool ip6_prepend(struct ip_stack *ip, struct rte_mbuf *m, const struct ip_addr *src,
                 const struct ip_addr *dst, uint8_t protocol, uint8_t hop_limit, uint8_t ecn)
{
    uint16_t payload = (uint16_t)m->pkt_len;
    struct rte_ipv6_hdr *h =
        (struct rte_ipv6_hdr *)(void *)rte_pktmbuf_prepend(m, sizeof(struct rte_ipv6_hdr));
    if (IMPOSSIBLE(h == NULL, &ip->counters[IP_TX_NO_MEMORY])) {
        rte_pktmbuf_free(m);
        return false;
    }
    h->vtc_flow = rte_cpu_to_be_32(UINT32_C(6) << 28 | (uint32_t)(ecn & 3) << 20);
    h->payload_len = rte_cpu_to_be_16(payload);
    h->proto = protocol;
    h->hop_limits = hop_limit;
    memcpy(h->src_addr, src->b, sizeof(h->src_addr));
    memcpy(h->dst_addr, dst->b, sizeof(h->dst_addr));
    m->l2_len = RTE_ETHER_HDR_LEN;
    m->l3_len = sizeof(*h);
    /* Drivers want the family with every offload. */
    if ((m->ol_flags & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG)) != 0)
        m->ol_flags |= RTE_MBUF_F_TX_IPV6;
    return true;
}

void ip6_output(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol, uint8_t ecn)
{
    const struct ip_addr *next_hop = ip_next_hop(i, dst);
    if (next_hop == NULL || !ip_speaks_v6(i)) {
        ip_drop(ip, IP_TX_NO_ROUTE, m);
        return;
    }
    bool tso = (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
    uint32_t most = tso ? UINT16_MAX : i->config.link->mtu - (uint32_t)sizeof(struct rte_ipv6_hdr);
    if (m->pkt_len > most) {
        ip_drop(ip, IP_TX_TOO_BIG, m);
        return;
    }
    if (ip6_prepend(ip, m, src, dst, protocol, HOP_LIMIT, ecn))
        neighbour_output(ip, i, next_hop, m, RTE_ETHER_TYPE_IPV6);
}
