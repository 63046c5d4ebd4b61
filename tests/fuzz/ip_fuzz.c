/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames into ip_receive(), with time passing and packets going out between them.
 *
 * An input is a list of steps, one byte each with its operands behind it:
 *   0x00-0x7f  a frame: length (2 bytes), then its bytes. Bits: 1 cut it in two segments (at a byte
 *              that follows the length), 2 make its IPv4, ICMP and ICMPv6 checksums right, 4
 *              somebody else holds the buffer too, 8 it is for our MAC whatever it says
 *   0x80-0xbf  so many eighths of a second pass
 *   0xc0-0xdf  a packet of ours goes to 192.0.2.(128 + step)
 *   0xe0-0xff  a packet of ours goes to 2001:db8::(step - 0xe0)
 */
#include "fuzz.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "drivers/ip/ip.h"
#include "drivers/ip/neighbour.h"
#include "drivers/ip/stack.h"

#define MTU 1500

static struct pools pools;
static struct timer_wheel wheel;
static struct rte_mbuf *arriving;

static uint16_t receive(struct link *l, struct rte_mbuf **frames, uint16_t n)
{
    (void)l;
    FUZZ_CHECK(n > 0);
    if (arriving == NULL)
        return 0;
    frames[0] = arriving;
    arriving = NULL;
    return 1;
}

/* The sum of an ICMPv6 message with its pseudo header; 0xffff if its checksum is right. */
static uint16_t icmp6_sum(const struct rte_ipv6_hdr *h, uint16_t message_sum, uint32_t len)
{
    uint32_t tail[2] = {rte_cpu_to_be_32(len), rte_cpu_to_be_32(IPPROTO_ICMPV6)};
    uint32_t sum =
        message_sum + (uint32_t)rte_raw_cksum(h->src_addr, 32) + rte_raw_cksum(tail, sizeof(tail));
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* Ours have no extension headers (but a report of groups, a router alert), and no group sends. */
static void check6(const struct rte_mbuf *m)
{
    const struct rte_ipv6_hdr *h =
        rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, RTE_ETHER_HDR_LEN);
    uint32_t len = m->pkt_len - RTE_ETHER_HDR_LEN - (uint32_t)sizeof(*h);
    uint32_t at = RTE_ETHER_HDR_LEN + (uint32_t)sizeof(*h);
    uint16_t sum;
    FUZZ_CHECK(rte_be_to_cpu_16(h->payload_len) == len);
    FUZZ_CHECK(h->src_addr[0] != 0xff);
    if (h->proto == IPPROTO_HOPOPTS) {
        FUZZ_CHECK(h->hop_limits == 1);
        at += 8;
        len -= 8;
    } else {
        FUZZ_CHECK(h->proto == IPPROTO_ICMPV6 || h->proto == IPPROTO_TCP);
    }
    if (h->proto != IPPROTO_TCP)
        FUZZ_CHECK(rte_raw_cksum_mbuf(m, at, len, &sum) == 0 && icmp6_sum(h, sum, len) == 0xffff);
}

/* Whatever comes in, what we send is well formed. */
static void transmit(struct link *l, struct rte_mbuf *m)
{
    const char *why;
    FUZZ_CHECK(rte_mbuf_check(m, 1, &why) == 0);
    FUZZ_CHECK(m->pkt_len >= RTE_ETHER_HDR_LEN && m->pkt_len <= RTE_ETHER_HDR_LEN + MTU);
    const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
    FUZZ_CHECK(rte_is_same_ether_addr(&eth->src_addr, &l->mac));
    if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4)) {
        const struct rte_ipv4_hdr *h = (const struct rte_ipv4_hdr *)(eth + 1);
        FUZZ_CHECK(rte_be_to_cpu_16(h->total_length) == m->pkt_len - RTE_ETHER_HDR_LEN);
        FUZZ_CHECK(rte_ipv4_cksum(h) == 0);
        uint16_t sum;
        if (h->next_proto_id == IPPROTO_ICMP)
            FUZZ_CHECK(rte_raw_cksum_mbuf(m, RTE_ETHER_HDR_LEN + sizeof(*h),
                                          m->pkt_len - RTE_ETHER_HDR_LEN - (uint32_t)sizeof(*h),
                                          &sum) == 0 &&
                       sum == 0xffff);
    } else if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)) {
        check6(m);
    } else {
        FUZZ_CHECK(eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP));
    }
    rte_pktmbuf_free(m);
}

static void flush(struct link *l)
{
    (void)l;
}

static void segment(void *user, struct rte_mbuf *m, const struct ip_datagram *d)
{
    const char *why;
    struct ip_stack *ip = *(struct ip_stack **)user;
    FUZZ_CHECK(rte_mbuf_check(m, 1, &why) == 0);
    FUZZ_CHECK(d->payload_offset + d->payload_len == m->pkt_len);
    uint32_t contiguous = d->payload_len < 60 ? d->payload_len : 60;
    FUZZ_CHECK(m->data_len >= d->payload_offset + contiguous);
    FUZZ_CHECK(ip_is_local(ip, &d->dst) && !ip_is_local(ip, &d->src));
    uint16_t sum; /* reads every byte */
    FUZZ_CHECK(rte_raw_cksum_mbuf(m, 0, m->pkt_len, &sum) == 0);
    rte_pktmbuf_free(m);
}

static void unreachable(void *user, const struct ip_addr *src, const struct ip_addr *dst,
                        const uint8_t *quoted, unsigned len, enum ip_unreachable what, uint16_t mtu)
{
    struct ip_stack *ip = *(struct ip_stack **)user;
    FUZZ_CHECK(len >= 8 && ip_is_local(ip, src) && !ip_is_local(ip, dst));
    FUZZ_CHECK(what == IP_TOO_BIG || mtu == 0);
    unsigned sum = 0;
    for (unsigned k = 0; k < len; k++)
        sum += quoted[k];
    FUZZ_CHECK(sum <= 255 * len);
}

static void no_neighbour(void *user, const struct ip_addr *dst)
{
    FUZZ_CHECK(!ip_is_local(*(struct ip_stack **)user, dst));
}

static struct ip_addr v4(uint32_t host)
{
    return ip_addr_from_v4(rte_cpu_to_be_32(host));
}

static void start(void)
{
    static const char *eal[] = {"fuzz",        "--no-huge",      "-m", "64", "--no-pci",
                                "--no-shconf", "--no-telemetry", "-l", "0",  "--log-level=error"};
    struct pools_config config = {
        .name = "fuzz", .socket = -1, .budget = 512, .reserve = 64, .packets_out = 512};
    FUZZ_CHECK(rte_eal_init(COUNT_OF(eal), (char **)(uintptr_t)eal) >= 0);
    FUZZ_CHECK(pools_create(&pools, &config) == 0);
}

static struct ip_addr v6(uint8_t host)
{
    return (struct ip_addr){.b = {0x20, 0x01, 0x0d, 0xb8, [15] = host}};
}

static void repair6(uint8_t *frame, size_t len)
{
    struct rte_ipv6_hdr *h = (struct rte_ipv6_hdr *)(void *)(frame + RTE_ETHER_HDR_LEN);
    if (len < RTE_ETHER_HDR_LEN + sizeof(*h))
        return;
    size_t payload = rte_be_to_cpu_16(h->payload_len);
    uint8_t *message = (uint8_t *)(h + 1), next = h->proto;
    if (len < RTE_ETHER_HDR_LEN + sizeof(*h) + payload)
        return;
    while ((next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_ROUTING ||
            next == IPPROTO_FRAGMENT) &&
           payload >= 8) {
        size_t size = next == IPPROTO_FRAGMENT ? 8 : (message[1] + 1u) * 8;
        if (size > payload)
            return;
        next = message[0];
        message += size;
        payload -= size;
    }
    if (next != IPPROTO_ICMPV6 || payload < 4)
        return;
    memset(message + 2, 0, 2);
    uint16_t sum = (uint16_t)~icmp6_sum(h, rte_raw_cksum(message, payload), (uint32_t)payload);
    memcpy(message + 2, &sum, sizeof(sum));
}

/* What a sender would have computed. */
static void repair(uint8_t *frame, size_t len)
{
    struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)(void *)(frame + RTE_ETHER_HDR_LEN);
    if (len < RTE_ETHER_HDR_LEN + sizeof(*h))
        return;
    size_t header = rte_ipv4_hdr_len(h), total = rte_be_to_cpu_16(h->total_length);
    if (header < sizeof(*h) || total < header || len < RTE_ETHER_HDR_LEN + total)
        return;
    h->hdr_checksum = 0;
    h->hdr_checksum = rte_ipv4_cksum(h);
    struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)(void *)((uint8_t *)h + header);
    if (h->next_proto_id != IPPROTO_ICMP || total - header < sizeof(*icmp))
        return;
    icmp->icmp_cksum = 0;
    icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, total - header);
}

static struct rte_mbuf *buffer(const uint8_t *bytes, size_t len)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pools.data);
    if (m != NULL)
        memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
    return m;
}

/* One frame as the step wants it. Returns the bytes of the input that it took. */
static size_t frame(struct ip_stack *ip, const struct link *link, uint8_t step, const uint8_t *data,
                    size_t size)
{
    static uint8_t bytes[2000] __attribute__((aligned(16)));
    bool two = (step & 1) != 0;
    size_t operands = two ? 3 : 2;
    if (size < operands)
        return size;
    size_t len = (size_t)(data[0] << 8 | data[1]) % sizeof(bytes), cut = two ? data[2] : 0;
    if (len > size - operands)
        len = size - operands;
    memcpy(bytes, data + operands, len);
    if ((step & 8) != 0 && len >= RTE_ETHER_HDR_LEN)
        memcpy(bytes, &link->mac, sizeof(link->mac));
    bool ipv6 = len >= RTE_ETHER_HDR_LEN && bytes[12] == 0x86 && bytes[13] == 0xdd;
    if ((step & 2) != 0)
        (ipv6 ? repair6 : repair)(bytes, len);
    if (cut > len)
        cut = len;
    struct rte_mbuf *m = buffer(bytes, two ? cut : len), *held = NULL;
    struct rte_mbuf *rest = two ? buffer(bytes + cut, len - cut) : NULL;
    if (m == NULL || (two && rest == NULL)) { /* fragments may pin all there is */
        rte_pktmbuf_free(m);
        return operands + len;
    }
    if (two)
        FUZZ_CHECK(rte_pktmbuf_chain(m, rest) == 0);
    if ((step & 4) != 0 && !two) {
        held = m;
        rte_mbuf_refcnt_update(m, 1);
    }
    arriving = m;
    FUZZ_CHECK(ip_receive(ip) == 1);
    if (held != NULL) { /* nobody has written to it */
        FUZZ_CHECK(memcmp((char *)held->buf_addr + RTE_PKTMBUF_HEADROOM, bytes, len) == 0);
        rte_pktmbuf_free(held);
    }
    return operands + len;
}

static void output(struct ip_stack *ip, uint8_t step)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(pools.header);
    if (m == NULL)
        return;
    memset(rte_pktmbuf_append(m, 20), step, 20);
    bool ipv6 = step >= 0xe0;
    struct ip_addr src = ipv6 ? v6(0x25) : v4(RTE_IPV4(192u, 0, 2, 25));
    struct ip_addr dst =
        ipv6 ? v6(step & 31) : v4(RTE_IPV4(192u, 0, 2, 128) + (uint32_t)(step & 31));
    ip_output(ip, m, 0, &src, &dst, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct link_ops ops = {receive, transmit, flush};
    struct link link = {.ops = &ops,
                        .mac = {{2, 0, 0, 0, 0, 1}},
                        .mtu = MTU,
                        .caps = {.max_segments = UINT16_MAX},
                        .name = "fuzz"};
    struct ip_link_config config = {.link = &link, .address_count = 2};
    if (pools.data == NULL)
        start();
    config.addresses[0] = v4(RTE_IPV4(192u, 0, 2, 25));
    config.networks[0] = (struct ip_prefix){v4(RTE_IPV4(192u, 0, 2, 0)), 120};
    config.addresses[1] = v6(0x25);
    config.networks[1] = (struct ip_prefix){v6(0), 64};
    config.gateway6 = (struct ip_addr){.b = {0xfe, 0x80, [15] = 0xfe}};
    config.gateway4 = v4(RTE_IPV4(192u, 0, 2, 254));
    nsec_t now = NSEC_PER_SEC;
    timer_wheel_init(&wheel, now);
    struct ip_config ip_config = {.links = &config,
                                  .link_count = 1,
                                  .pools = &pools,
                                  .wheel = &wheel,
                                  .neighbour_entries = 8,
                                  .reassembly_flows = 8,
                                  .seed = 1};
    struct ip_stack *ip = ip_create(&ip_config, now);
    FUZZ_CHECK(ip != NULL);
    struct ip_upper upper = {&ip, segment, unreachable, no_neighbour};
    ip_set_upper(ip, &upper);

    for (size_t at = 0; at < size;) {
        uint8_t step = data[at++];
        if (step < 0x80) {
            at += frame(ip, &link, step, data + at, size - at);
        } else if (step < 0xc0) {
            now += (step & 63) * (NSEC_PER_SEC / 8);
            ip_set_now(ip, now);
            timer_wheel_advance(&wheel, now);
        } else {
            output(ip, step);
        }
        FUZZ_CHECK(neighbours_sane(ip));
    }
    ip_destroy(ip);
    FUZZ_CHECK(wheel.armed == 0);
    FUZZ_CHECK(rte_mempool_in_use_count(pools.data) == 0);
    FUZZ_CHECK(rte_mempool_in_use_count(pools.header) == 0);
    return 0;
}
