/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6: what a received packet and its extension headers must look like, and who gets the
 * payload. */
#include "drivers/ip/ip6.h"

#include <netinet/in.h>

#include <rte_ip.h>
#include <rte_ip_frag.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "drivers/ip/ethernet.h"
#include "drivers/ip/icmp6.h"
#include "drivers/ip/icmp6_header.h"
#include "drivers/ip/reassembly.h"
#include "drivers/ip/stack.h"

#define IP6_EXTENSIONS_MAX 256
/* What is read in one piece behind extension headers: a TCP header, or an ICMPv6 error that quotes
 * the beginning of one. */
#define CONTIGUOUS_EXTENDED (RTE_ETHER_HDR_LEN + 40 + IP6_EXTENSIONS_MAX + 8 + 40 + 16)

#define FIRST_AT (RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv6_hdr)) /* behind the IPv6 header */

#define OPTION_PAD1 0
#define OPTION_PADN 1

/* What the two highest bits of an option's type want of a host that does not know it (RFC 8200
 * §4.2). */
enum option_action {
    OPTION_SKIP,
    OPTION_DISCARD,
    OPTION_REFUSE,
    OPTION_REFUSE_UNICAST,
};

/* A place in the chain of headers. */
struct chain {
    uint8_t next;      /* what the header at `at` is */
    uint16_t at;       /* where in the frame */
    uint16_t named_at; /* the field that says `next` */
    uint16_t end;      /* of what can be read */
    bool group;        /* the packet is for a group */
    struct icmp6_refusal refusal;
};

enum walk {
    WALK_UPPER,    /* `at` is behind all extension headers */
    WALK_FRAGMENT, /* `at` is at a fragment header */
    WALK_DROP,     /* malformed, or to be discarded silently */
    WALK_REFUSE,   /* to be discarded, and `refusal` says why */
};

static const struct rte_ipv6_hdr *header_of(const struct rte_mbuf *m)
{
    return rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, RTE_ETHER_HDR_LEN);
}

static struct ip_addr addr_from(const uint8_t bytes[16])
{
    struct ip_addr a;
    memcpy(a.b, bytes, sizeof(a.b));
    return a;
}

static enum walk refuse(struct chain *c, enum icmp6_why why, uint16_t at)
{
    c->refusal = (struct icmp6_refusal){why, (uint32_t)(at - RTE_ETHER_HDR_LEN)};
    return WALK_REFUSE;
}

/* The options of the header at c->at, `size` bytes with its first two (RFC 8200 §4.2). */
static enum walk judge_options(struct chain *c, const uint8_t *h, unsigned size)
{
    for (unsigned k = 2; k < size;) {
        if (h[k] == OPTION_PAD1) {
            k++;
            continue;
        }
        if (size - k < 2 || size - k - 2 < h[k + 1])
            return WALK_DROP;
        enum option_action action =
            h[k] == OPTION_PADN ? OPTION_SKIP : (enum option_action)(h[k] >> 6);
        if (action == OPTION_DISCARD || (action == OPTION_REFUSE_UNICAST && c->group))
            return WALK_DROP;
        if (action != OPTION_SKIP)
            return refuse(c, ICMP6_BAD_OPTION, (uint16_t)(c->at + k));
        k += 2u + h[k + 1];
    }
    return WALK_UPPER;
}

static struct chain chain_of(const struct rte_mbuf *m)
{
    const struct rte_ipv6_hdr *h = header_of(m);
    uint32_t end = m->pkt_len < m->data_len ? m->pkt_len : m->data_len;
    if (end > CONTIGUOUS_EXTENDED)
        end = CONTIGUOUS_EXTENDED;
    return (struct chain){
        .next = h->proto,
        .at = FIRST_AT,
        .named_at = RTE_ETHER_HDR_LEN + offsetof(struct rte_ipv6_hdr, proto),
        .end = (uint16_t)end,
        .group = h->dst_addr[0] == 0xff,
    };
}

static bool is_extension(uint8_t next)
{
    return next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_ROUTING;
}

/* Over extension headers, to what they carry. `judge`: see what they want, too. */
static enum walk walk(struct chain *c, const struct rte_mbuf *m, bool judge)
{
    while (is_extension(c->next)) {
        const uint8_t *h = rte_pktmbuf_mtod_offset(m, const uint8_t *, c->at);
        if (c->end < c->at + 8)
            return WALK_DROP;
        unsigned size = (h[1] + 1u) * 8;
        if (c->end < c->at + size)
            return WALK_DROP;
        enum walk found = WALK_UPPER;
        if (judge && c->next == IPPROTO_HOPOPTS && c->at != FIRST_AT)
            found = refuse(c, ICMP6_BAD_NEXT_HEADER, c->named_at); /* RFC 8200 §4.3 */
        else if (judge && c->next == IPPROTO_ROUTING && h[3] != 0)
            found = refuse(c, ICMP6_BAD_FIELD, (uint16_t)(c->at + 2)); /* RFC 5095 §3 */
        else if (judge && c->next != IPPROTO_ROUTING)
            found = judge_options(c, h, size);
        if (found != WALK_UPPER)
            return found;
        c->named_at = c->at;
        c->next = h[0];
        c->at = (uint16_t)(c->at + size);
    }
    if (c->next != IPPROTO_FRAGMENT)
        return WALK_UPPER;
    return c->end < c->at + sizeof(struct rte_ipv6_fragment_ext) ? WALK_DROP : WALK_FRAGMENT;
}

/* RFC 4443 §2.4 (e.1): no error about an error. */
static bool carries_error(const struct rte_mbuf *m)
{
    struct chain c = chain_of(m);
    return walk(&c, m, false) != WALK_UPPER ||
           (c.next == IPPROTO_ICMPV6 &&
            (c.end <= c.at || *rte_pktmbuf_mtod_offset(m, const uint8_t *, c.at) < 128));
}

/* Drops what no host should have sent here, and says why; IP_COUNTER_COUNT: nothing is wrong. */
static enum ip_counter judge_header(const struct ip_interface *i, const struct rte_mbuf *m)
{
    const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
    const struct rte_ipv6_hdr *h = header_of(m);
    if (m->data_len < FIRST_AT)
        return IP_RX_RUNT;
    if ((rte_be_to_cpu_32(h->vtc_flow) >> 28) != 6)
        return IP_RX_BAD_HEADER;
    if (m->pkt_len < FIRST_AT + (uint32_t)rte_be_to_cpu_16(h->payload_len))
        return IP_RX_RUNT;
    struct ip_addr dst = addr_from(h->dst_addr), src = addr_from(h->src_addr);
    /* RFC 1122 §3.3.4.2, strong model: an address belongs to its link. RFC 4291 §2.5.5.2: mapped
     * addresses are never on a wire. */
    bool ours = ip_addr_is_group(&dst) ? ip_interface_is_member(i, &dst)
                                       : ip_interface_owns(i, &dst) && !ip_addr_is_v4(&dst) &&
                                             !ethernet_is_group6(&eth->dst_addr);
    if (!ours)
        return IP_RX_NOT_OURS;
    /* The unspecified address asks whether an address is free: who cannot mean that sees to it. */
    if (ip_addr_is_v4(&src) || (ip_addr_no_host(&src) != NULL && !ip_addr_is_any(&src)))
        return IP_RX_BAD_SOURCE;
    return IP_COUNTER_COUNT;
}

/* A whole datagram; what it carries is at c->at. */
static void deliver(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                    const struct chain *c, bool vouched)
{
    const struct rte_ipv6_hdr *h = header_of(m);
    struct ip_datagram d = {
        .src = addr_from(h->src_addr),
        .dst = addr_from(h->dst_addr),
        .payload_offset = c->at,
        .payload_len = m->pkt_len - c->at,
        .ecn = (rte_be_to_cpu_32(h->vtc_flow) >> 20) & 3,
        .link = i->index,
        .checksum_good = vouched,
    };
    if (c->next == IPPROTO_ICMPV6) {
        icmp6_receive(ip, i, m, &d);
    } else if (ip_addr_is_any(&d.src) || ip_stack_owns(ip, &d.src)) {
        ip_drop(ip, IP_RX_BAD_SOURCE, m);
    } else if (c->group) {
        ip_drop(ip, IP_RX_PROTOCOL, m);
    } else if (c->next == IPPROTO_TCP && ip->upper.segment != NULL) {
        ip->upper.segment(ip->upper.user, m, &d);
    } else {
        struct icmp6_refusal no_port = {ICMP6_REFUSED_PORT, 0};
        struct icmp6_refusal no_protocol = {ICMP6_BAD_NEXT_HEADER,
                                            (uint32_t)(c->named_at - RTE_ETHER_HDR_LEN)};
        ip_count(ip, IP_RX_PROTOCOL);
        if (c->next != IPPROTO_NONE)
            icmp6_refuse(ip, i, m, c->next == IPPROTO_UDP ? &no_port : &no_protocol);
        rte_pktmbuf_free(m);
    }
}

/* Cut out what lies between the IPv6 header and `at`, and let it name `next`. NULL, with m freed,
 * if there is no buffer. */
static struct rte_mbuf *cut_extensions(struct ip_stack *ip, struct rte_mbuf *m, uint16_t at,
                                       uint8_t next)
{
    uint16_t gone = (uint16_t)(at - FIRST_AT);
    m = ethernet_own(ip, m);
    if (m == NULL)
        return NULL;
    uint8_t *start = rte_pktmbuf_mtod(m, uint8_t *);
    memmove(start + gone, start, FIRST_AT);
    rte_pktmbuf_adj(m, gone);
    struct rte_ipv6_hdr *h = rte_pktmbuf_mtod_offset(m, struct rte_ipv6_hdr *, RTE_ETHER_HDR_LEN);
    h->payload_len = rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(h->payload_len) - gone));
    h->proto = next;
    return m;
}

/* RFC 7112 §5: a first fragment has all headers in it, the transport's included. */
static bool has_all_headers(const struct rte_mbuf *m, const struct chain *fragment, uint8_t next)
{
    struct chain c = *fragment;
    c.next = next;
    c.at = (uint16_t)(c.at + sizeof(struct rte_ipv6_fragment_ext));
    if (walk(&c, m, false) != WALK_UPPER)
        return false;
    size_t least = c.next == IPPROTO_TCP      ? sizeof(struct rte_tcp_hdr)
                   : c.next == IPPROTO_UDP    ? sizeof(struct rte_udp_hdr)
                   : c.next == IPPROTO_ICMPV6 ? ICMP6_HEADER_SIZE
                                              : 0;
    return c.end >= c.at + least;
}

/* The datagram of the fragment whose header is at c->at, once it is complete. Its header then names
 * what came behind the fragment header: what came before was judged, and is gone. */
static struct rte_mbuf *reassemble(struct ip_stack *ip, struct rte_mbuf *m, const struct chain *c)
{
    const struct rte_ipv6_fragment_ext *f =
        rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_fragment_ext *, c->at);
    uint16_t field = rte_be_to_cpu_16(f->frag_data);
    uint8_t next = f->next_header;
    if (RTE_IPV6_GET_FO(field) == 0 && !has_all_headers(m, c, next)) {
        ip_drop(ip, IP_RX_FRAGMENT_DROPPED, m);
        return NULL;
    }
    /* RFC 6946 §4: a datagram in one fragment waits for no others, and disturbs none. */
    if (RTE_IPV6_GET_FO(field) == 0 && RTE_IPV6_GET_MF(field) == 0)
        return cut_extensions(ip, m, (uint16_t)(c->at + sizeof(*f)), next);
    m = cut_extensions(ip, m, c->at, IPPROTO_FRAGMENT);
    return m != NULL ? reassembly_add6(ip, m) : NULL;
}

void ip6_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m)
{
    enum ip_counter wrong = judge_header(i, m);
    if (wrong != IP_COUNTER_COUNT) {
        ip_drop(ip, wrong, m);
        return;
    }
    uint32_t padding =
        m->pkt_len - (uint32_t)FIRST_AT - rte_be_to_cpu_16(header_of(m)->payload_len);
    if (padding > 0)
        ethernet_trim(m, padding);

    /* NONE: the checksum in the packet is not finished, but the data is known to be intact. */
    uint64_t said = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
    bool vouched = i->config.link->caps.rx_tcp_checksum &&
                   (said == RTE_MBUF_F_RX_L4_CKSUM_GOOD || said == RTE_MBUF_F_RX_L4_CKSUM_NONE);
    if (header_of(m)->proto != IPPROTO_TCP && header_of(m)->proto != IPPROTO_ICMPV6)
        m = ethernet_pull_up(ip, m, CONTIGUOUS_EXTENDED);
    if (m == NULL)
        return;
    struct chain c = chain_of(m);
    enum walk found = walk(&c, m, true);
    if (found == WALK_FRAGMENT) {
        m = reassemble(ip, m, &c);
        if (m != NULL)
            m = ethernet_pull_up(ip, m, CONTIGUOUS_EXTENDED);
        if (m == NULL)
            return;
        vouched = false;
        c = chain_of(m);
        found = walk(&c, m, true) == WALK_UPPER ? WALK_UPPER : WALK_DROP;
    }
    if (found == WALK_UPPER) {
        deliver(ip, i, m, &c, vouched);
        return;
    }
    if (found == WALK_REFUSE && !carries_error(m))
        icmp6_refuse(ip, i, m, &c.refusal);
    ip_drop(ip, IP_RX_BAD_HEADER, m);
}
