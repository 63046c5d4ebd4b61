/* SPDX-License-Identifier: BSD-3-Clause */
/* The checksum covers the message and a pseudo header with its addresses. */
#include "drivers/ip/icmp6_header.h"

#include <netinet/in.h>

#include <rte_ip.h>

/* One's complement sum of the pseudo header of RFC 8200 §8.1. */
static uint32_t pseudo_sum(const struct ip_addr *src, const struct ip_addr *dst, uint32_t len)
{
    uint32_t tail[2] = {rte_cpu_to_be_32(len), rte_cpu_to_be_32(IPPROTO_ICMPV6)};
    return (uint32_t)rte_raw_cksum(src->b, sizeof(src->b)) + rte_raw_cksum(dst->b, sizeof(dst->b)) +
           rte_raw_cksum(tail, sizeof(tail));
}

static uint16_t fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

bool icmp6_checksum_good(const struct rte_mbuf *m, const struct ip_datagram *d)
{
    uint16_t sum;
    return rte_raw_cksum_mbuf(m, d->payload_offset, d->payload_len, &sum) == 0 &&
           fold(pseudo_sum(&d->src, &d->dst, d->payload_len) + sum) == 0xffff;
}

void icmp6_finish(struct rte_mbuf *m, const struct ip_addr *src, const struct ip_addr *dst)
{
    struct icmp6_header *icmp = rte_pktmbuf_mtod(m, struct icmp6_header *);
    uint16_t sum = 0;
    icmp->checksum = 0;
    (void)rte_raw_cksum_mbuf(m, 0, m->pkt_len, &sum); /* fails only beyond the packet's end */
    icmp->checksum = (uint16_t)~fold(pseudo_sum(src, dst, m->pkt_len) + sum);
}
