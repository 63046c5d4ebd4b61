/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP: echoes answered, errors received and told to TCP, refusals sent. */
#include "drivers/ip/icmp.h"

#include <netinet/in.h>

#include <rte_icmp.h>
#include <rte_ip.h>

#include "drivers/ip/ethernet.h"
#include "drivers/ip/ip4_output.h"
#include "drivers/ip/stack.h"

#define TYPE_UNREACHABLE   3
#define TYPE_TIME_EXCEEDED 11

#define QUOTED_TRANSPORT 8 /* bytes behind the quoted IPv4 header that everybody sends back */

/* One's complement sum of a whole message (RFC 1071): 0 if the checksum in it is right. */
static bool checksum_good(const struct rte_mbuf *m, const struct ip_datagram *d)
{
    uint16_t sum;
    return rte_raw_cksum_mbuf(m, d->payload_offset, d->payload_len, &sum) == 0 && sum == 0xffff;
}

/* The request goes back as it came, but for its headers (RFC 1122 §3.2.2.6). */
static void answer_echo(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                        const struct ip_datagram *d)
{
    if (!ip_may_answer_echo(ip)) {
        ip_drop(ip, IP_TX_ICMP_LIMITED, m);
        return;
    }
    m = ethernet_own(ip, m);
    if (m == NULL)
        return;
    rte_pktmbuf_adj(m, d->payload_offset);
    m->ol_flags = 0;
    struct rte_icmp_hdr *icmp = rte_pktmbuf_mtod(m, struct rte_icmp_hdr *);
    icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
    /* RFC 1624 eqn. 3, with the one word that changed: type 8 to 0, code 0 on both sides. */
    uint32_t sum = (uint16_t)~icmp->icmp_cksum + (uint32_t)(uint16_t)~rte_cpu_to_be_16(0x0800);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    /* Of the two zeroes the one that is right even over a message of zeroes only. */
    icmp->icmp_cksum = sum == 0xffff ? 0xffff : (uint16_t)~sum;
    ip_count(ip, IP_TX_ICMP);
    ip4_output(ip, i, m, &d->dst, &d->src, IPPROTO_ICMP, 0);
}

/* What an error means for the connection that it is about; false: nothing. */
static bool verdict_of(const struct rte_icmp_hdr *icmp, enum ip_unreachable *what)
{
    *what = IP_HOST_UNREACHABLE;
    if (icmp->icmp_type == TYPE_TIME_EXCEEDED)
        return true;
    if (icmp->icmp_type != TYPE_UNREACHABLE)
        return false;
    if (icmp->icmp_code == 2 || icmp->icmp_code == 3)
        *what = IP_PORT_UNREACHABLE;
    else if (icmp->icmp_code == 4)
        *what = IP_TOO_BIG;
    return true;
}

/*
 * An error counts only if it quotes a TCP segment of ours (RFC 5927 §4; the sequence number is for
 * TCP to check). False if it does not.
 */
static bool report_error(struct ip_stack *ip, const struct rte_mbuf *m, const struct ip_datagram *d,
                         enum ip_unreachable what)
{
    const struct rte_icmp_hdr *icmp =
        rte_pktmbuf_mtod_offset(m, const struct rte_icmp_hdr *, d->payload_offset);
    const struct rte_ipv4_hdr *quote = (const struct rte_ipv4_hdr *)(icmp + 1);
    uint32_t room = d->payload_len - (uint32_t)sizeof(*icmp);
    if (room < sizeof(*quote))
        return false;
    uint32_t header_len = rte_ipv4_hdr_len(quote);
    if ((quote->version_ihl >> 4) != 4 || header_len < sizeof(*quote) ||
        room < header_len + QUOTED_TRANSPORT || quote->next_proto_id != IPPROTO_TCP ||
        (quote->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK)) != 0)
        return false;
    struct ip_addr src = ip_addr_from_v4(quote->src_addr);
    struct ip_addr dst = ip_addr_from_v4(quote->dst_addr);
    if (!ip_addr_equal(&src, &d->dst) || ip_stack_owns(ip, &dst))
        return false;
    /* Only what is contiguous is passed on: IP_CONTIGUOUS covers the 8 bytes that are promised. */
    uint32_t contiguous = m->data_len - d->payload_offset - (uint32_t)sizeof(*icmp);
    uint32_t len = (room < contiguous ? room : contiguous) - header_len;
    uint16_t mtu = what == IP_TOO_BIG ? rte_be_to_cpu_16(icmp->icmp_seq_nb) : 0; /* RFC 1191 §4 */
    if (ip->upper.unreachable != NULL)
        ip->upper.unreachable(ip->upper.user, &src, &dst, (const uint8_t *)quote + header_len, len,
                              what, mtu);
    return true;
}

void icmp_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                  const struct ip_datagram *d)
{
    ip_count(ip, IP_RX_ICMP);
    if (d->payload_len < sizeof(struct rte_icmp_hdr) || !checksum_good(m, d)) {
        ip_drop(ip, IP_RX_ICMP_BAD, m);
        return;
    }
    const struct rte_icmp_hdr *icmp =
        rte_pktmbuf_mtod_offset(m, const struct rte_icmp_hdr *, d->payload_offset);
    enum ip_unreachable what;
    if (icmp->icmp_type == RTE_IP_ICMP_ECHO_REQUEST && icmp->icmp_code == 0) {
        answer_echo(ip, i, m, d);
        return;
    }
    /* Redirects are not believed (RFC 1122 §3.2.2.2 lets a host ignore them), source quench is dead
     * (RFC 6633), and nothing else asks for anything: seen in IP_RX_ICMP, and dropped. */
    if (verdict_of(icmp, &what) && !report_error(ip, m, d, what))
        ip_count(ip, IP_RX_ICMP_BAD);
    rte_pktmbuf_free(m);
}

void icmp_refuse(struct ip_stack *ip, struct ip_interface *i, const struct rte_mbuf *m,
                 enum icmp_refusal why)
{
    const struct rte_ipv4_hdr *h =
        rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
    if (!ip_may_send_error(ip)) {
        ip_count(ip, IP_TX_ICMP_LIMITED);
        return;
    }
    struct rte_mbuf *reply = rte_pktmbuf_alloc(ip->pools->header);
    if (reply == NULL) {
        ip_count(ip, IP_TX_NO_MEMORY);
        return;
    }
    /* RFC 1122 §3.2.2: the header and the first 8 bytes behind it. */
    uint16_t quoted = (uint16_t)(rte_ipv4_hdr_len(h) + QUOTED_TRANSPORT);
    if (quoted > m->data_len - RTE_ETHER_HDR_LEN)
        quoted = (uint16_t)(m->data_len - RTE_ETHER_HDR_LEN);
    uint16_t len = (uint16_t)(sizeof(struct rte_icmp_hdr) + quoted);
    struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)(void *)rte_pktmbuf_append(reply, len);
    *icmp = (struct rte_icmp_hdr){.icmp_type = TYPE_UNREACHABLE, .icmp_code = (uint8_t)why};
    memcpy(icmp + 1, h, quoted);
    icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, len);
    struct ip_addr src = ip_addr_from_v4(h->dst_addr), dst = ip_addr_from_v4(h->src_addr);
    ip_count(ip, IP_TX_ICMP);
    ip4_output(ip, i, reply, &src, &dst, IPPROTO_ICMP, 0);
}
