/* SPDX-License-Identifier: BSD-3-Clause */
/* Reassembly: which fragments are let in, when they are given up, and how that is counted. */
#define ALLOW_EXPERIMENTAL_API /* rte_ip_frag_table_del_expired_entries() */
#include "drivers/ip/reassembly.h"

#include <netinet/in.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "drivers/ip/ethernet.h"
#include "drivers/ip/stack.h"

#define LIFETIME       (15 * NSEC_PER_SEC) /* RFC 791 §3.2; RFC 1122 §3.3.2 allows up to 120 s */
#define BUCKET_ENTRIES 8

/* What rte_ip_frag gave up: a table entry each time, with all its fragments. */
static void bury(struct ip_stack *ip)
{
    struct reassembly *r = &ip->reassembly;
    ip->counters[IP_RX_FRAGMENT_DROPPED] += r->dead.cnt;
    rte_ip_frag_free_death_row(&r->dead, 0);
}

static void expire(struct timer *t, nsec_t now)
{
    struct reassembly *r = CONTAINER_OF(t, struct reassembly, timer);
    struct ip_stack *ip = CONTAINER_OF(r, struct ip_stack, reassembly);
    unsigned dropped;
    do { /* one death row at a time: it may be smaller than the table */
        rte_ip_frag_table_del_expired_entries(r->table, &r->dead, now);
        dropped = r->dead.cnt;
        bury(ip);
    } while (dropped > 0);
    if (now <= r->last + LIFETIME)
        timer_arm(ip->wheel, &r->timer, r->last + LIFETIME + NSEC_PER_MSEC);
}

bool reassembly_init(struct ip_stack *ip, uint32_t flows)
{
    struct reassembly *r = &ip->reassembly;
    uint32_t buckets = (flows + BUCKET_ENTRIES - 1) / BUCKET_ENTRIES;
    timer_init(&r->timer, expire);
    r->table = rte_ip_frag_table_create(buckets, BUCKET_ENTRIES, flows, LIFETIME, SOCKET_ID_ANY);
    return r->table != NULL;
}

void reassembly_free(struct ip_stack *ip)
{
    struct reassembly *r = &ip->reassembly;
    if (r->table == NULL)
        return;
    timer_disarm(ip->wheel, &r->timer);
    rte_ip_frag_table_destroy(r->table);
}

/* Could this fragment be a part of an honest datagram? */
static bool acceptable(const struct rte_ipv4_hdr *h, uint32_t payload)
{
    uint16_t field = rte_be_to_cpu_16(h->fragment_offset);
    uint32_t offset = (field & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS;
    bool more = (field & RTE_IPV4_HDR_MF_FLAG) != 0;
    if (payload == 0 || (more && payload % RTE_IPV4_HDR_OFFSET_UNITS != 0))
        return false;
    /* The datagram's length must fit its field, whatever options its first fragment has. */
    if (offset + payload + 60 > UINT16_MAX)
        return false;
    /* RFC 1858 §3, RFC 3128: no later fragment that starts within the TCP header. */
    return h->next_proto_id != IPPROTO_TCP || offset == 0 || offset >= sizeof(struct rte_tcp_hdr);
}

/* What rte_ip_frag made of one more fragment. */
static struct rte_mbuf *added(struct ip_stack *ip, struct rte_mbuf *whole)
{
    struct reassembly *r = &ip->reassembly;
    bury(ip);
    if (whole != NULL) {
        ip_count(ip, IP_RX_REASSEMBLED);
        return whole;
    }
    r->last = ip->now;
    if (!timer_armed(&r->timer))
        timer_arm(ip->wheel, &r->timer, r->last + LIFETIME + NSEC_PER_MSEC);
    return NULL;
}

struct rte_mbuf *reassembly_add(struct ip_stack *ip, struct rte_mbuf *m)
{
    struct reassembly *r = &ip->reassembly;
    ip_count(ip, IP_RX_FRAGMENTS);
    m = ethernet_own(ip, m);
    if (m == NULL)
        return NULL;
    struct rte_ipv4_hdr *h = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
    m->l2_len = RTE_ETHER_HDR_LEN;
    m->l3_len = rte_ipv4_hdr_len(h);
    if (!acceptable(h, m->pkt_len - m->l2_len - m->l3_len) || pools_exhausted(ip->pools)) {
        ip_drop(ip, IP_RX_FRAGMENT_DROPPED, m);
        return NULL;
    }
    return added(ip, rte_ipv4_frag_reassemble_packet(r->table, &r->dead, m, ip->now, h));
}

/* A first fragment's headers are the caller's to see to: with those in place, and no overlaps,
 * there is no datagram that reads differently in pieces (RFC 7112). */
static bool acceptable6(const struct rte_ipv6_fragment_ext *f, uint32_t payload)
{
    uint16_t field = rte_be_to_cpu_16(f->frag_data);
    uint32_t offset = (uint32_t)RTE_IPV6_GET_FO(field) * RTE_IPV6_EHDR_FO_ALIGN;
    bool more = RTE_IPV6_GET_MF(field) != 0;
    return payload > 0 && (!more || payload % RTE_IPV6_EHDR_FO_ALIGN == 0) &&
           offset + payload <= UINT16_MAX;
}

struct rte_mbuf *reassembly_add6(struct ip_stack *ip, struct rte_mbuf *m)
{
    struct reassembly *r = &ip->reassembly;
    struct rte_ipv6_hdr *h = rte_pktmbuf_mtod_offset(m, struct rte_ipv6_hdr *, RTE_ETHER_HDR_LEN);
    struct rte_ipv6_fragment_ext *f = (struct rte_ipv6_fragment_ext *)(h + 1);
    ip_count(ip, IP_RX_FRAGMENTS);
    m->l2_len = RTE_ETHER_HDR_LEN;
    m->l3_len = sizeof(*h) + sizeof(*f);
    if (!acceptable6(f, m->pkt_len - m->l2_len - m->l3_len) || pools_exhausted(ip->pools)) {
        ip_drop(ip, IP_RX_FRAGMENT_DROPPED, m);
        return NULL;
    }
    return added(ip, rte_ipv6_frag_reassemble_packet(r->table, &r->dead, m, ip->now, h, f));
}
