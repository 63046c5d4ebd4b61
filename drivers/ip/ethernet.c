/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet II framing: what comes in is judged here, what goes out gets its header here. */
#include "drivers/ip/ethernet.h"

#include <rte_ether.h>

#include "drivers/ip/stack.h"

struct rte_mbuf *ethernet_pull_up(struct ip_stack *ip, struct rte_mbuf *m, uint16_t n)
{
    if (n > m->pkt_len)
        n = (uint16_t)m->pkt_len;
    if (m->data_len >= n)
        return m;

    struct rte_mbuf *head = rte_pktmbuf_alloc(ip->pools->data);
    if (head == NULL) {
        ip_drop(ip, IP_RX_NO_MEMORY, m);
        return NULL;
    }
    head->ol_flags = m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED;
    head->ol_flags |= m->ol_flags & (RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
    head->port = m->port;
    head->pkt_len = m->pkt_len;
    uint16_t nb_segs = m->nb_segs;
    char *to = rte_pktmbuf_mtod(head, char *);
    while (head->data_len < n) {
        uint16_t left = (uint16_t)(n - head->data_len);
        uint16_t part = left < m->data_len ? left : m->data_len;
        memcpy(to + head->data_len, rte_pktmbuf_mtod(m, const char *), part);
        head->data_len = (uint16_t)(head->data_len + part);
        m->data_off = (uint16_t)(m->data_off + part);
        m->data_len = (uint16_t)(m->data_len - part);
        if (m->data_len == 0) {
            struct rte_mbuf *next = m->next;
            rte_pktmbuf_free_seg(m);
            nb_segs--;
            m = next;
            if (m == NULL)
                break;
        }
    }
    head->next = m;
    head->nb_segs = (uint16_t)(nb_segs + 1);
    return head;
}

struct rte_mbuf *ethernet_own(struct ip_stack *ip, struct rte_mbuf *m)
{
    if (RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1)
        return m;
    struct rte_mbuf *copy = rte_pktmbuf_copy(m, ip->pools->data, 0, UINT32_MAX);
    if (copy == NULL)
        ip_drop(ip, IP_RX_NO_MEMORY, m);
    else
        rte_pktmbuf_free(m);
    return copy;
}

void ethernet_trim(struct rte_mbuf *m, uint32_t n)
{
    uint32_t left = m->pkt_len - n;
    struct rte_mbuf *last = m;
    m->pkt_len = left;
    m->nb_segs = 1;
    while (last->data_len < left) {
        left -= last->data_len;
        last = last->next;
        m->nb_segs++;
    }
    last->data_len = (uint16_t)left;
    rte_pktmbuf_free(last->next);
    last->next = NULL;
}

/* Why a frame is not for us, or is none that we read; IP_COUNTER_COUNT: nothing is wrong. */
static enum ip_counter judge(const struct ip_interface *i, const struct rte_mbuf *m)
{
    const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
    if (m->data_len < RTE_ETHER_HDR_LEN)
        return IP_RX_RUNT;
    uint16_t type = rte_be_to_cpu_16(eth->ether_type);
    bool unicast = rte_is_same_ether_addr(&eth->dst_addr, &i->config.link->mac);
    bool group = type == RTE_ETHER_TYPE_IPV6 && ethernet_is_group6(&eth->dst_addr);
    if (!unicast && !group && !rte_is_broadcast_ether_addr(&eth->dst_addr))
        return IP_RX_NOT_OURS;
    if ((m->ol_flags & (RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_QINQ_STRIPPED)) != 0)
        return IP_RX_VLAN;
    switch (type) {
    case RTE_ETHER_TYPE_IPV4:
        /* RFC 1122 §3.3.6: no datagram that came by a link-layer broadcast, as none of ours is. */
        return unicast ? IP_COUNTER_COUNT : IP_RX_NOT_OURS;
    case RTE_ETHER_TYPE_IPV6:
        if (!ip_speaks_v6(i))
            return IP_RX_ETHERTYPE;
        return unicast || group ? IP_COUNTER_COUNT : IP_RX_NOT_OURS;
    case RTE_ETHER_TYPE_ARP:
        return IP_COUNTER_COUNT;
    case RTE_ETHER_TYPE_VLAN:
    case RTE_ETHER_TYPE_QINQ:
    case RTE_ETHER_TYPE_QINQ1:
        return IP_RX_VLAN;
    default:
        return IP_RX_ETHERTYPE;
    }
}

uint16_t ethernet_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf **m)
{
    ip_count(ip, IP_RX_FRAMES);
    *m = ethernet_pull_up(ip, *m, IP_CONTIGUOUS);
    if (*m == NULL)
        return 0;
    enum ip_counter wrong = judge(i, *m);
    if (wrong != IP_COUNTER_COUNT) {
        ip_drop(ip, wrong, *m);
        return 0;
    }
    return rte_be_to_cpu_16(rte_pktmbuf_mtod(*m, const struct rte_ether_hdr *)->ether_type);
}

void ethernet_send(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                   const struct rte_ether_addr *to, uint16_t ether_type)
{
    struct rte_ether_hdr *eth =
        (struct rte_ether_hdr *)(void *)rte_pktmbuf_prepend(m, RTE_ETHER_HDR_LEN);
    if (IMPOSSIBLE(eth == NULL, &ip->counters[IP_TX_NO_MEMORY])) {
        rte_pktmbuf_free(m);
        return;
    }
    eth->dst_addr = *to;
    eth->src_addr = i->config.link->mac;
    eth->ether_type = rte_cpu_to_be_16(ether_type);
    ip_count(ip, IP_TX_FRAMES);
    i->config.link->ops->transmit(i->config.link, m);
}
