/* SPDX-License-Identifier: BSD-3-Clause */
/* MLDv2: reports of our groups, unasked at start and in answer to queries. All our groups are in
 * one report, so a query for one of them is answered as one for all. */
#include "drivers/ip/mld.h"

#include <netinet/in.h>

#include <rte_ip.h>

#include "drivers/ip/ethernet.h"
#include "drivers/ip/icmp6_header.h"
#include "drivers/ip/ip6_output.h"
#include "drivers/ip/stack.h"

#define TYPE_REPORT 143
#define HOP_LIMIT   1 /* RFC 3810 §5 */
#define QUERY_SIZE  24
#define GROUPS_MAX  (1 + IP_MAX_ADDRESSES)

enum record_type {
    MODE_IS_EXCLUDE = 2,        /* we are in the group */
    CHANGE_TO_EXCLUDE_MODE = 4, /* we have come into it */
};

struct mld_record {
    uint8_t type, auxiliary;
    rte_be16_t sources;
    uint8_t group[16];
};

struct mld_report {
    uint8_t type, code;
    rte_be16_t checksum, reserved, records;
};

/* Routers look into a packet with this (RFC 2711), and 2 bytes of padding. */
static const uint8_t router_alert[8] = {IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0};
static const struct ip_addr routers = {.b = {0xff, 0x02, [15] = 0x16}};

/* Our groups but that of all nodes, which nobody reports (RFC 3810 §6), each once. */
static unsigned groups_of(const struct ip_interface *i, struct ip_addr groups[GROUPS_MAX])
{
    unsigned count = 0;
    const struct ip_addr *ours;
    for (unsigned k = 0; (ours = ip_interface_address6(i, k)) != NULL; k++) {
        struct ip_addr group = ip_solicited_nodes(ours);
        unsigned known = 0;
        while (known < count && !ip_addr_equal(&groups[known], &group))
            known++;
        if (known == count)
            groups[count++] = group;
    }
    return count;
}

static void report(struct ip_stack *ip, struct ip_interface *i, enum record_type type)
{
    struct ip_addr groups[GROUPS_MAX];
    unsigned count = groups_of(i, groups);
    struct rte_mbuf *m = count > 0 ? rte_pktmbuf_alloc(ip->pools->data) : NULL;
    if (m == NULL) {
        if (count > 0)
            ip_count(ip, IP_TX_NO_MEMORY);
        return;
    }
    struct mld_report *r = (struct mld_report *)(void *)rte_pktmbuf_append(m, sizeof(*r));
    *r = (struct mld_report){.type = TYPE_REPORT, .records = rte_cpu_to_be_16((uint16_t)count)};
    for (unsigned k = 0; k < count; k++) {
        struct mld_record *record =
            (struct mld_record *)(void *)rte_pktmbuf_append(m, sizeof(*record));
        *record = (struct mld_record){.type = (uint8_t)type};
        memcpy(record->group, groups[k].b, sizeof(record->group));
    }
    icmp6_finish(m, &i->link_local, &routers);
    memcpy(rte_pktmbuf_prepend(m, sizeof(router_alert)), router_alert, sizeof(router_alert));
    if (!ip6_prepend(ip, m, &i->link_local, &routers, IPPROTO_HOPOPTS, HOP_LIMIT, 0))
        return;
    const struct rte_ether_addr to = {{0x33, 0x33, 0, 0, 0, 0x16}};
    ip_count(ip, IP_TX_ICMP);
    ethernet_send(ip, i, m, &to, RTE_ETHER_TYPE_IPV6);
}

static void answer(struct timer *t, nsec_t now)
{
    struct ip_interface *i = CONTAINER_OF(t, struct ip_interface, mld_timer);
    struct ip_stack *ip = CONTAINER_OF(i - i->index, struct ip_stack, interfaces);
    if (now > ip->now)
        ip->now = now;
    report(ip, i, MODE_IS_EXCLUDE);
}

/* RFC 3810 §5.1.3, and as MLDv1 says it in a shorter query (RFC 2710 §3.4). */
static nsec_t response_time(uint16_t code)
{
    uint64_t ms =
        code < 32768 ? code : (uint64_t)((code & 0xfff) | 0x1000) << (((code >> 12) & 7) + 3);
    return ms * NSEC_PER_MSEC;
}

void mld_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                 const struct ip_datagram *d)
{
    const struct rte_ipv6_hdr *h =
        rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, RTE_ETHER_HDR_LEN);
    const struct mld_report *query =
        rte_pktmbuf_mtod_offset(m, const struct mld_report *, d->payload_offset);
    ip_count(ip, IP_RX_ICMP);
    /* RFC 3810 §5.1.14, §6.2: from a router on this link, with its alert. */
    if (d->payload_len < QUERY_SIZE || h->hop_limits != HOP_LIMIT || h->proto != IPPROTO_HOPOPTS ||
        !ip_addr_is_link_local(&d->src)) {
        ip_drop(ip, IP_RX_ICMP_BAD, m);
        return;
    }
    nsec_t within = response_time(rte_be_to_cpu_16(query->reserved));
    if (!timer_armed(&i->mld_timer))
        timer_arm(ip->wheel, &i->mld_timer, ip->now + ip_random(ip) % (within + 1));
    rte_pktmbuf_free(m);
}

void mld_join(struct ip_stack *ip, struct ip_interface *i)
{
    report(ip, i, CHANGE_TO_EXCLUDE_MODE);
}

void mld_init(struct ip_interface *i)
{
    timer_init(&i->mld_timer, answer);
}

void mld_free(struct ip_stack *ip, struct ip_interface *i)
{
    timer_disarm(ip->wheel, &i->mld_timer);
}
