// SPDX-License-Identifier: BSD-3-Clause
// A stack between memory queues: tests write the frames that it receives and read those it sends.
#ifndef SPLITMX_TESTS_IP_WIRE_H
#define SPLITMX_TESTS_IP_WIRE_H

#include <gtest/gtest.h>

#include <arpa/inet.h>

#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <rte_ip.h>
#include <rte_mbuf.h>

extern "C" {
#include "drivers/ip/ip.h"
#include "drivers/ip/neighbour.h"
#include "drivers/ip/stack.h"
}

using Bytes = std::vector<uint8_t>;
using Mac = std::array<uint8_t, 6>;

const Mac kOurs = {2, 0, 0, 0, 0, 1};
const Mac kPeer = {2, 0, 0, 0, 0, 2};
const Mac kOther = {2, 0, 0, 0, 0, 3};
const Mac kBroadcast = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
const Mac kNobody = {0, 0, 0, 0, 0, 0};

inline struct ip_addr Addr(const std::string &text)
{
    struct ip_addr a = {};
    EXPECT_TRUE(ip_addr_parse(text.data(), text.size(), &a)) << text;
    return a;
}

inline std::string Text(const struct ip_addr &a)
{
    char buf[ADDR_TEXT_SIZE];
    return ip_addr_format(&a, buf);
}

inline Bytes operator+(Bytes a, const Bytes &b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

inline Bytes V4(const std::string &text)
{
    struct ip_addr a = Addr(text);
    return Bytes(a.b + 12, a.b + 16);
}

inline Bytes Be16(unsigned v)
{
    return {uint8_t(v >> 8), uint8_t(v)};
}

inline unsigned Get16(const Bytes &b, size_t at)
{
    return unsigned(b.at(at)) << 8 | b.at(at + 1);
}

inline Bytes Part(const Bytes &b, size_t from, size_t len)
{
    return Bytes(b.begin() + long(from), b.begin() + long(from + len));
}

// One's complement sum; 0xffff over data with a right checksum in it.
inline unsigned Sum(const Bytes &b)
{
    unsigned long sum = 0;
    for (size_t k = 0; k < b.size(); k++)
        sum += k % 2 == 0 ? unsigned(b[k]) << 8 : b[k];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return unsigned(sum);
}

inline Bytes Ethernet(const Mac &dst, const Mac &src, unsigned type, const Bytes &payload)
{
    return Bytes(dst.begin(), dst.end()) + Bytes(src.begin(), src.end()) + Be16(type) + payload;
}

inline Bytes ArpPacket(unsigned op, const Mac &sha, const std::string &sip, const Mac &tha,
                       const std::string &tip)
{
    return Bytes{0, 1, 8, 0, 6, 4} + Be16(op) + Bytes(sha.begin(), sha.end()) + V4(sip) +
           Bytes(tha.begin(), tha.end()) + V4(tip);
}

// An IPv4 packet; fields that a test does not name are those of an ordinary one.
struct Ip4 {
    std::string src = "192.0.2.9", dst = "192.0.2.25";
    uint8_t protocol = IPPROTO_TCP;
    Bytes payload = Bytes(20, 0xab);
    Bytes options = {};
    uint8_t tos = 0, ttl = 64, version = 4;
    uint16_t id = 7, fragment = 0;
    int length_off_by = 0;
    bool bad_checksum = false;

    Bytes bytes() const
    {
        size_t header = 20 + options.size();
        Bytes h = Bytes{uint8_t(version << 4 | header / 4), tos} +
                  Be16(unsigned(int(header + payload.size()) + length_off_by)) + Be16(id) +
                  Be16(fragment) + Bytes{ttl, protocol, 0, 0} + V4(src) + V4(dst) + options;
        unsigned sum = ~Sum(h) & 0xffff;
        if (bad_checksum)
            sum ^= 0x5555;
        h[10] = uint8_t(sum >> 8);
        h[11] = uint8_t(sum);
        return h + payload;
    }
    // As a frame from the peer to us.
    Bytes frame(const Mac &to = kOurs) const
    {
        return Ethernet(to, kPeer, 0x0800, bytes());
    }
};

inline Bytes V6(const std::string &text)
{
    struct ip_addr a = Addr(text);
    return Bytes(a.b, a.b + 16);
}

// An IPv6 packet; fields that a test does not name are those of an ordinary one.
struct Ip6 {
    std::string src = "2001:db8::9", dst = "2001:db8::25";
    uint8_t protocol = IPPROTO_TCP; // of what comes first: `extensions`, if there are any
    Bytes extensions = {};
    Bytes payload = Bytes(20, 0xab);
    uint8_t traffic_class = 0, hop_limit = 64, version = 6;
    int length_off_by = 0;

    Bytes bytes() const
    {
        size_t length = extensions.size() + payload.size();
        return Bytes{uint8_t(version << 4 | traffic_class >> 4), uint8_t(traffic_class << 4), 0,
                     0} +
               Be16(unsigned(int(length) + length_off_by)) + Bytes{protocol, hop_limit} + V6(src) +
               V6(dst) + extensions + payload;
    }
    Bytes frame(const Mac &to = kOurs, const Mac &from = kPeer) const
    {
        return Ethernet(to, from, 0x86dd, bytes());
    }
};

// The frame of an ICMPv6 message, with its checksum.
inline Ip6 Icmp6(const std::string &src, const std::string &dst, uint8_t type, uint8_t code,
                 const Bytes &rest, uint8_t hop_limit = 64)
{
    Ip6 p;
    p.src = src;
    p.dst = dst;
    p.protocol = IPPROTO_ICMPV6;
    p.hop_limit = hop_limit;
    p.payload = Bytes{type, code, 0, 0} + rest;
    unsigned sum = ~Sum(V6(src) + V6(dst) + Be16(0) + Be16(unsigned(p.payload.size())) + Be16(0) +
                        Be16(IPPROTO_ICMPV6) + p.payload) &
                   0xffff;
    p.payload[2] = uint8_t(sum >> 8);
    p.payload[3] = uint8_t(sum);
    return p;
}

// 33:33 and the last four bytes of a group's address.
inline Mac GroupMac(const std::string &group)
{
    Bytes b = V6(group);
    return {0x33, 0x33, b[12], b[13], b[14], b[15]};
}

inline Bytes IcmpMessage(uint8_t type, uint8_t code, const Bytes &rest)
{
    Bytes m = Bytes{type, code, 0, 0} + rest;
    unsigned sum = ~Sum(m) & 0xffff;
    m[2] = uint8_t(sum >> 8);
    m[3] = uint8_t(sum);
    return m;
}

inline Bytes Content(const struct rte_mbuf *m)
{
    Bytes bytes;
    for (; m != nullptr; m = m->next) {
        const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
        bytes.insert(bytes.end(), p, p + m->data_len);
    }
    return bytes;
}

// A link of memory queues.
struct TestLink {
    struct link link; // first: the operations find their link by it
    struct Sent {
        Bytes bytes;
        uint64_t flags;
        unsigned l2, l3, segments;
    };
    std::deque<struct rte_mbuf *> in;
    std::deque<Sent> out;
    unsigned flushes = 0;

    explicit TestLink(const char *name) : link{}
    {
        static const struct link_ops ops = {receive, transmit, flush};
        link.ops = &ops;
        memcpy(link.mac.addr_bytes, kOurs.data(), 6);
        link.mtu = 1500;
        link.caps.max_segments = UINT16_MAX;
        link.name = name;
    }
    ~TestLink()
    {
        for (auto *m : in)
            rte_pktmbuf_free(m);
    }
    static uint16_t receive(struct link *l, struct rte_mbuf **frames, uint16_t n)
    {
        auto *self = reinterpret_cast<TestLink *>(l);
        uint16_t count = 0;
        for (; count < n && !self->in.empty(); count++) {
            frames[count] = self->in.front();
            self->in.pop_front();
        }
        return count;
    }
    static void transmit(struct link *l, struct rte_mbuf *m)
    {
        auto *self = reinterpret_cast<TestLink *>(l);
        const char *why = nullptr;
        EXPECT_EQ(rte_mbuf_check(m, 1, &why), 0) << why;
        self->out.push_back(
            {Content(m), m->ol_flags, unsigned(m->l2_len), unsigned(m->l3_len), m->nb_segs});
        rte_pktmbuf_free(m);
    }
    static void flush(struct link *l)
    {
        reinterpret_cast<TestLink *>(l)->flushes++;
    }
};

struct Segment {
    Bytes bytes; // the TCP header and what follows
    struct ip_datagram d;
    unsigned contiguous; // bytes of it in the first mbuf
};

struct Unreachable {
    std::string src, dst;
    Bytes quoted;
    enum ip_unreachable what;
    unsigned mtu;
};

// The stack: 192.0.2.25/24 and .26 with the gateway 192.0.2.254 on wan, 10.0.0.1/8 on lan. With
// `dual`, wan has 2001:db8::25/64 and ::26, fd00:1::25/64, and the gateway fe80::254, too.
struct Stack : ::testing::Test {
    bool dual = false;
    static constexpr unsigned kNeighbours = 16, kFlows = 16;
    struct pools pools = {};
    std::unique_ptr<struct timer_wheel> wheel = std::make_unique<struct timer_wheel>();
    TestLink wan{"wan"}, lan{"lan"};
    struct ip_stack *ip = nullptr;
    nsec_t now = 1000 * NSEC_PER_SEC;
    std::vector<Segment> segments;
    std::vector<Unreachable> unreachables;
    std::vector<std::string> no_neighbours;
    std::vector<struct rte_mbuf *> pinned;

    void SetUp() override
    {
        struct pools_config memory = {};
        memory.name = "t";
        memory.socket = SOCKET_ID_ANY;
        memory.budget = 2048;
        memory.packets_out = 1024;
        ASSERT_EQ(pools_create(&pools, &memory), 0);
        timer_wheel_init(wheel.get(), now);
        struct ip_link_config links[2] = {};
        address(&links[0], &wan, {"192.0.2.25", "192.0.2.26"}, "192.0.2.0/24");
        links[0].gateway4 = Addr("192.0.2.254");
        if (dual) {
            address(&links[0], &wan, {"2001:db8::25", "2001:db8::26"}, "2001:db8::/64");
            address(&links[0], &wan, {"fd00:1::25"}, "fd00:1::/64");
            links[0].gateway6 = Addr("fe80::254");
        }
        address(&links[1], &lan, {"10.0.0.1"}, "10.0.0.0/8");
        struct ip_config config = {};
        config.links = links;
        config.link_count = 2;
        config.pools = &pools;
        config.wheel = wheel.get();
        config.neighbour_entries = kNeighbours;
        config.reassembly_flows = kFlows;
        config.seed = 42;
        ip = ip_create(&config, now);
        ASSERT_NE(ip, nullptr);
        struct ip_upper upper = {this, segment, unreachable, no_neighbour};
        ip_set_upper(ip, &upper);
    }
    static void address(struct ip_link_config *l, TestLink *link,
                        const std::vector<std::string> &addresses, const std::string &network)
    {
        l->link = &link->link;
        for (const auto &a : addresses) {
            l->addresses[l->address_count] = Addr(a);
            EXPECT_TRUE(ip_prefix_parse(network.data(), network.size(), true,
                                        &l->networks[l->address_count]));
            l->address_count++;
        }
    }
    void TearDown() override
    {
        if (ip != nullptr) {
            EXPECT_TRUE(neighbours_sane(ip));
            ip_destroy(ip);
        }
        for (auto *m : pinned)
            rte_pktmbuf_free(m);
        EXPECT_EQ(wheel->armed, 0u) << "a timer survived its stack";
        EXPECT_EQ(rte_mempool_in_use_count(pools.data), 0u) << "data buffers leaked";
        EXPECT_EQ(rte_mempool_in_use_count(pools.header), 0u) << "header buffers leaked";
        pools_destroy(&pools);
    }

    static void segment(void *user, struct rte_mbuf *m, const struct ip_datagram *d)
    {
        auto *self = static_cast<Stack *>(user);
        const char *why = nullptr;
        EXPECT_EQ(rte_mbuf_check(m, 1, &why), 0) << why;
        EXPECT_EQ(m->pkt_len, d->payload_offset + d->payload_len) << "padding left";
        self->segments.push_back({Part(Content(m), d->payload_offset, d->payload_len), *d,
                                  unsigned(m->data_len - d->payload_offset)});
        rte_pktmbuf_free(m);
    }
    static void unreachable(void *user, const struct ip_addr *src, const struct ip_addr *dst,
                            const uint8_t *quoted, unsigned len, enum ip_unreachable what,
                            uint16_t mtu)
    {
        static_cast<Stack *>(user)->unreachables.push_back(
            {Text(*src), Text(*dst), Bytes(quoted, quoted + len), what, mtu});
    }
    static void no_neighbour(void *user, const struct ip_addr *dst)
    {
        static_cast<Stack *>(user)->no_neighbours.push_back(Text(*dst));
    }

    // An mbuf chain of these bytes, cut where told.
    struct rte_mbuf *mbuf(const Bytes &bytes, std::vector<size_t> cuts = {})
    {
        struct rte_mbuf *first = nullptr;
        size_t at = 0;
        cuts.push_back(bytes.size());
        for (size_t end : cuts) {
            struct rte_mbuf *m = rte_pktmbuf_alloc(pools.data);
            if (m == nullptr)
                abort();
            std::copy(bytes.begin() + long(at), bytes.begin() + long(end),
                      rte_pktmbuf_append(m, uint16_t(end - at)));
            at = end;
            if (first == nullptr)
                first = m;
            else
                rte_pktmbuf_chain(first, m);
        }
        return first;
    }
    void receive(const Bytes &frame, TestLink *link = nullptr)
    {
        receive(mbuf(frame), link);
    }
    void receive(struct rte_mbuf *m, TestLink *link = nullptr)
    {
        (link != nullptr ? link : &wan)->in.push_back(m);
        ip_receive(ip);
    }
    void pass(nsec_t time)
    {
        now += time;
        ip_set_now(ip, now);
        timer_wheel_advance(wheel.get(), now);
    }
    // A packet of TCP's to dst: twenty bytes of `mark`.
    void output(const std::string &dst, uint8_t mark = 0, const std::string &src = "192.0.2.25",
                uint64_t flags = 0, uint8_t link = 0, uint8_t ecn = 0)
    {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pools.header);
        ASSERT_NE(m, nullptr);
        memset(rte_pktmbuf_append(m, 20), mark, 20);
        m->ol_flags = flags;
        struct ip_addr s = Addr(src), d = Addr(dst);
        ip_output(ip, m, link, &s, &d, ecn);
    }
    // The neighbour answers the question that we asked.
    void answer(const std::string &addr, const Mac &mac)
    {
        receive(Ethernet(kOurs, mac, 0x0806, ArpPacket(2, mac, addr, kOurs, "192.0.2.25")));
    }
    void meet(const std::string &addr, const Mac &mac)
    {
        output(addr);
        answer(addr, mac);
        wan.out.clear();
    }
    // Of IPv6: see nd_test.cc.
    void output6(const std::string &dst, uint8_t mark = 0, const std::string &src = "2001:db8::25",
                 uint64_t flags = 0, uint8_t ecn = 0)
    {
        output(dst, mark, src, flags, 0, ecn);
    }
    static Bytes Advertisement(const std::string &target, const Mac &mac, uint8_t flags = 0x60)
    {
        return Bytes{flags, 0, 0, 0} + V6(target) + Bytes{2, 1} + Bytes(mac.begin(), mac.end());
    }
    void answer6(const std::string &addr, const Mac &mac, const std::string &to = "2001:db8::25")
    {
        receive(Icmp6(addr, to, 136, 0, Advertisement(addr, mac), 255).frame(kOurs, mac));
    }
    void meet6(const std::string &addr, const Mac &mac)
    {
        output6(addr);
        answer6(addr, mac);
        wan.out.clear();
    }
    uint64_t counter(enum ip_counter which) const
    {
        return ip_counters(ip)[which];
    }
    enum neighbour_state state(const std::string &addr) const
    {
        struct ip_addr a = Addr(addr);
        return neighbour_state_of(ip, 0, &a);
    }
};

struct DualStack : Stack {
    DualStack()
    {
        dual = true;
    }
};

#endif
