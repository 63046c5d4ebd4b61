/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMPv6: echoes answered, errors received and told to TCP, refusals sent. */
#include "drivers/ip/icmp6.h"

#include <netinet/in.h>

#include <rte_ip.h>

#include "drivers/ip/ethernet.h"
#include "drivers/ip/icmp6_header.h"
#include "drivers/ip/ip6_output.h"
#include "drivers/ip/mld.h"
#include "drivers/ip/nd.h"
#include "drivers/ip/stack.h"

#define MINIMUM_MTU      1280 /* RFC 8200 §5: what every link carries */
#define QUOTED_TRANSPORT 8    /* bytes of ours that a quote must have to be believed */

enum icmp6_type {
    TYPE_UNREACHABLE = 1,
    TYPE_TOO_BIG = 2,
    TYPE_TIME_EXCEEDED = 3,
    TYPE_PARAMETER_PROBLEM = 4,
    TYPE_ECHO_REQUEST = 128,
    TYPE_ECHO_REPLY = 129,
};

static void transmit(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                     const struct ip_addr *src, const struct ip_addr *dst)
{
    icmp6_finish(m, src, dst);
    ip_count(ip, IP_TX_ICMP);
    ip6_output(ip, i, m, src, dst, IPPROTO_ICMPV6, 0);
}

/* The request goes back as it came, but for its headers (RFC 4443 §4.2); to a group's the answer
 * comes from an address of our own. */
static void answer_echo(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                        const struct ip_datagram *d)
{
    const struct ip_addr *src = ip_addr_is_group(&d->dst) ? ip_source_for(i, &d->src) : &d->dst;
    if (src == NULL || !ip_may_answer_echo(ip)) {
        ip_drop(ip, IP_TX_ICMP_LIMITED, m);
        return;
    }
    m = ethernet_own(ip, m);
    if (m == NULL)
        return;
    rte_pktmbuf_adj(m, d->payload_offset);
    m->ol_flags = 0;
    rte_pktmbuf_mtod(m, struct icmp6_header *)->type = TYPE_ECHO_REPLY;
    transmit(ip, i, m, src, &d->src);
}

/* What an error means for the connection that it is about. */
static enum ip_unreachable verdict_of(const struct icmp6_header *icmp)
{
    if (icmp->type == TYPE_TOO_BIG)
        return IP_TOO_BIG;
    bool hard = (icmp->type == TYPE_UNREACHABLE && icmp->code == 4) ||
                (icmp->type == TYPE_PARAMETER_PROBLEM && icmp->code == 1);
    return hard ? IP_PORT_UNREACHABLE : IP_HOST_UNREACHABLE;
}

/*
 * An error counts only if it quotes a TCP segment of ours (RFC 5927 §4; the sequence number is for
 * TCP to check). Nothing that we send has extension headers. False if it does not.
 */
static bool report_error(struct ip_stack *ip, const struct rte_mbuf *m, const struct ip_datagram *d,
                         const struct icmp6_header *icmp)
{
    const struct rte_ipv6_hdr *quote = (const struct rte_ipv6_hdr *)(const void *)(icmp + 1);
    uint32_t room = RTE_MIN(d->payload_len, (uint32_t)m->data_len - d->payload_offset) -
                    (uint32_t)sizeof(*icmp);
    if (room < sizeof(*quote) + QUOTED_TRANSPORT ||
        (rte_be_to_cpu_32(quote->vtc_flow) >> 28) != 6 || quote->proto != IPPROTO_TCP)
        return false;
    struct ip_addr src, dst;
    memcpy(src.b, quote->src_addr, sizeof(src.b));
    memcpy(dst.b, quote->dst_addr, sizeof(dst.b));
    if (!ip_addr_equal(&src, &d->dst) || ip_stack_owns(ip, &dst) || ip_addr_is_v4(&dst))
        return false;
    enum ip_unreachable what = verdict_of(icmp);
    uint32_t mtu = what == IP_TOO_BIG ? rte_be_to_cpu_32(icmp->word) : 0; /* RFC 8201 §4 */
    if (ip->upper.unreachable != NULL)
        ip->upper.unreachable(ip->upper.user, &src, &dst, (const uint8_t *)(quote + 1),
                              room - (uint32_t)sizeof(*quote), what,
                              (uint16_t)RTE_MIN(mtu, (uint32_t)UINT16_MAX));
    return true;
}

void icmp6_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                   const struct ip_datagram *d)
{
    if (d->payload_len < ICMP6_HEADER_SIZE || m->data_len < d->payload_offset + ICMP6_HEADER_SIZE ||
        !icmp6_checksum_good(m, d)) {
        ip_count(ip, IP_RX_ICMP);
        ip_drop(ip, IP_RX_ICMP_BAD, m);
        return;
    }
    const struct icmp6_header *icmp =
        rte_pktmbuf_mtod_offset(m, const struct icmp6_header *, d->payload_offset);
    if (nd_is_type(icmp->type)) {
        nd_receive(ip, i, m, d);
        return;
    }
    if (icmp->type == MLD_QUERY) {
        mld_receive(ip, i, m, d);
        return;
    }
    ip_count(ip, IP_RX_ICMP);
    if (ip_addr_is_any(&d->src) || ip_stack_owns(ip, &d->src)) {
        ip_drop(ip, IP_RX_BAD_SOURCE, m);
        return;
    }
    if (icmp->type == TYPE_ECHO_REQUEST && icmp->code == 0) {
        answer_echo(ip, i, m, d);
        return;
    }
    bool error = icmp->type >= TYPE_UNREACHABLE && icmp->type <= TYPE_PARAMETER_PROBLEM;
    if (error && !report_error(ip, m, d, icmp))
        ip_count(ip, IP_RX_ICMP_BAD);
    rte_pktmbuf_free(m);
}

static struct icmp6_header error_header(const struct icmp6_refusal *refusal)
{
    static const struct icmp6_header by_why[] = {
        [ICMP6_REFUSED_PORT] = {.type = TYPE_UNREACHABLE, .code = 4},
        [ICMP6_BAD_FIELD] = {.type = TYPE_PARAMETER_PROBLEM, .code = 0},
        [ICMP6_BAD_NEXT_HEADER] = {.type = TYPE_PARAMETER_PROBLEM, .code = 1},
        [ICMP6_BAD_OPTION] = {.type = TYPE_PARAMETER_PROBLEM, .code = 2},
    };
    struct icmp6_header header = by_why[refusal->why];
    header.word = rte_cpu_to_be_32(refusal->pointer);
    return header;
}

void icmp6_refuse(struct ip_stack *ip, struct ip_interface *i, const struct rte_mbuf *m,
                  const struct icmp6_refusal *refusal)
{
    const struct rte_ipv6_hdr *h =
        rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, RTE_ETHER_HDR_LEN);
    struct ip_addr to, from;
    memcpy(to.b, h->src_addr, sizeof(to.b));
    memcpy(from.b, h->dst_addr, sizeof(from.b));
    bool group = ip_addr_is_group(&from);
    const struct ip_addr *src = group ? ip_source_for(i, &to) : &from;
    if (ip_addr_is_any(&to) || ip_stack_owns(ip, &to) || src == NULL ||
        (group && refusal->why != ICMP6_BAD_OPTION))
        return;
    if (!ip_may_send_error(ip)) {
        ip_count(ip, IP_TX_ICMP_LIMITED);
        return;
    }
    /* RFC 4443 §2.4 (c): as much of the packet as fits. */
    uint32_t room = MINIMUM_MTU - (uint32_t)sizeof(*h) - ICMP6_HEADER_SIZE;
    struct rte_mbuf *reply = pools_exhausted(ip->pools)
                                 ? NULL
                                 : rte_pktmbuf_copy(m, ip->pools->data, RTE_ETHER_HDR_LEN, room);
    if (reply == NULL) {
        ip_count(ip, IP_TX_NO_MEMORY);
        return;
    }
    reply->ol_flags = 0;
    struct icmp6_header *icmp =
        (struct icmp6_header *)(void *)rte_pktmbuf_prepend(reply, ICMP6_HEADER_SIZE);
    *icmp = error_header(refusal);
    transmit(ip, i, reply, src, &to);
}
