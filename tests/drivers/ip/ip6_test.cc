// SPDX-License-Identifier: BSD-3-Clause
// IPv6: what is received, through extension headers and fragments, and what is sent.
#include "tests/drivers/ip/wire.h"

#include <algorithm>

namespace
{

struct Ip6Test : DualStack {
    // A packet with these extension headers, whose last names TCP.
    static Ip6 With(uint8_t first, const Bytes &extensions)
    {
        Ip6 p;
        p.protocol = first;
        p.extensions = extensions;
        return p;
    }
    // An extension header with these options, padded to a multiple of 8.
    static Bytes Options(uint8_t next, Bytes options)
    {
        size_t size = (options.size() + 2 + 7) / 8 * 8;
        options.resize(size - 2);
        return Bytes{next, uint8_t(size / 8 - 1)} + options;
    }
    // What an ICMPv6 parameter problem that we sent says: "code pointer".
    std::string problem()
    {
        if (wan.out.size() != 1 || wan.out[0].bytes.at(20) != IPPROTO_ICMPV6 ||
            wan.out[0].bytes.at(54) != 4)
            return "none";
        const Bytes &f = wan.out[0].bytes;
        return std::to_string(f.at(55)) + " " + std::to_string(Get16(f, 60));
    }
};

TEST_F(Ip6Test, HandsASegmentToTcpWithItsAddressesAndEcn)
{
    Ip6 p;
    p.traffic_class = 0xab;
    receive(p.frame() + Bytes(10, 0)); // Ethernet's padding
    ASSERT_EQ(segments.size(), 1u);
    EXPECT_EQ(segments[0].bytes, p.payload);
    EXPECT_EQ(Text(segments[0].d.src), "2001:db8::9");
    EXPECT_EQ(Text(segments[0].d.dst), "2001:db8::25");
    EXPECT_EQ(segments[0].d.ecn, 3);
    EXPECT_FALSE(segments[0].d.checksum_good);
}

TEST_F(Ip6Test, BelievesThePortThatVouchesForAChecksum)
{
    wan.link.caps.rx_tcp_checksum = true;
    struct rte_mbuf *m = mbuf(Ip6().frame());
    m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    receive(m);
    ASSERT_EQ(segments.size(), 1u);
    EXPECT_TRUE(segments[0].d.checksum_good);
}

TEST_F(Ip6Test, SendsASegmentBehindAHeaderOfItsOwn)
{
    meet6("2001:db8::9", kPeer);
    output6("2001:db8::9", 0x5a, "2001:db8::26", 0, 2);
    ASSERT_EQ(wan.out.size(), 1u);
    Ip6 p;
    p.src = "2001:db8::26";
    p.dst = "2001:db8::9";
    p.payload = Bytes(20, 0x5a);
    p.traffic_class = 2;
    EXPECT_EQ(wan.out[0].bytes, p.frame(kPeer, kOurs));
    EXPECT_EQ(wan.out[0].flags, 0u);
    output6("2001:db8::9", 0, "2001:db8::26", RTE_MBUF_F_TX_TCP_CKSUM);
    EXPECT_EQ(wan.out[1].flags, RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV6);
    EXPECT_EQ(wan.out[1].l2, 14u);
    EXPECT_EQ(wan.out[1].l3, 40u);
}

TEST_F(Ip6Test, DropsWhatIsNoIpv6OrNotForUs)
{
    Ip6 p;
    p.version = 4;
    receive(p.frame());
    EXPECT_EQ(counter(IP_RX_BAD_HEADER), 1u);
    p = {};
    p.length_off_by = 1;
    receive(p.frame());
    receive(Part(Ip6().frame(), 0, 53));
    EXPECT_EQ(counter(IP_RX_RUNT), 2u);
    p = {};
    p.dst = "2001:db8::99";
    receive(p.frame());
    p.dst = "::ffff:192.0.2.25"; // ours, but never on a wire
    receive(p.frame());
    receive(Ip6().frame(GroupMac("ff02::1:ff00:25"))); // a unicast in a group's frame
    receive(Ip6().frame(kBroadcast));
    receive(Ip6().frame(kOther));
    EXPECT_EQ(counter(IP_RX_NOT_OURS), 5u);
    EXPECT_TRUE(segments.empty());
}

TEST_F(Ip6Test, DropsWhatNoHostMaySend)
{
    for (const char *src :
         {"::", "::1", "ff02::1", "::ffff:192.0.2.9", "2001:db8::26", "fe80::ff:fe00:1"}) {
        Ip6 p;
        p.src = src;
        receive(p.frame());
        receive(Icmp6(src, "2001:db8::25", 128, 0, Bytes(4, 0)).frame());
    }
    EXPECT_EQ(counter(IP_RX_BAD_SOURCE), 12u);
    EXPECT_TRUE(segments.empty());
    EXPECT_TRUE(wan.out.empty());
}

TEST_F(Ip6Test, GivesTcpNothingThatCameToAGroup)
{
    Ip6 p;
    p.dst = "ff02::1";
    receive(p.frame(GroupMac("ff02::1")));
    EXPECT_TRUE(segments.empty());
    EXPECT_EQ(counter(IP_RX_PROTOCOL), 1u);
    EXPECT_TRUE(wan.out.empty());
}

TEST_F(Ip6Test, ReadsOverExtensionHeaders_Rfc8200_4)
{
    Bytes router_alert = {5, 2, 0, 0};
    Bytes routing = Bytes{60, 2, 0, 0} + Bytes(20, 0); // no segments left
    receive(With(0, Options(43, router_alert) + routing + Options(6, {1, 2, 0, 0, 0, 0x1e, 0}))
                .frame());
    ASSERT_EQ(segments.size(), 1u);
    EXPECT_EQ(segments[0].bytes, Ip6().payload);
    EXPECT_EQ(segments[0].contiguous, 20u);
}

TEST_F(Ip6Test, BringsHeadersTogetherOverSegments)
{
    Bytes frame = With(60, Options(6, Bytes(198, 0))).frame();
    receive(mbuf(frame, {100, 180, 230}));
    ASSERT_EQ(segments.size(), 1u);
    EXPECT_EQ(segments[0].contiguous, 20u);
}

TEST_F(Ip6Test, RefusesARoutingHeaderWithSegmentsLeft_Rfc5095)
{
    meet6("2001:db8::9", kPeer);
    receive(With(43, Bytes{6, 2, 0, 1} + Bytes(20, 0)).frame());
    EXPECT_TRUE(segments.empty());
    EXPECT_EQ(problem(), "0 42") << "an erroneous field: the routing type";
    EXPECT_EQ(counter(IP_RX_BAD_HEADER), 1u);
}

TEST_F(Ip6Test, DoesWithAnUnknownOptionWhatItsTypeSays_Rfc8200_4_2)
{
    const struct {
        uint8_t option;
        size_t segments;
        const char *problem, *problem_of_group;
    } cases[] = {{0x1e, 1, "none", "none"},
                 {0x5e, 0, "none", "none"},
                 {0x9e, 0, "2 42", "2 42"},
                 {0xde, 0, "2 42", "none"}};
    meet6("2001:db8::9", kPeer);
    for (const auto &c : cases) {
        segments.clear();
        wan.out.clear();
        Ip6 p = With(60, Options(6, {c.option, 0}));
        receive(p.frame());
        EXPECT_EQ(segments.size(), c.segments);
        EXPECT_EQ(problem(), c.problem) << int(c.option);
        wan.out.clear();
        p.dst = "ff02::1";
        receive(p.frame(GroupMac("ff02::1")));
        EXPECT_EQ(problem(), c.problem_of_group) << int(c.option);
    }
}

TEST_F(Ip6Test, TakesHopByHopOptionsOnlyInFront_Rfc8200_4_3)
{
    meet6("2001:db8::9", kPeer);
    receive(With(60, Options(0, {}) + Options(6, {})).frame());
    EXPECT_TRUE(segments.empty());
    EXPECT_EQ(problem(), "1 40");
}

TEST_F(Ip6Test, AnswersNoErrorWithAnError_Rfc4443_2_4)
{
    meet6("2001:db8::9", kPeer);
    Ip6 p = With(60, Options(IPPROTO_ICMPV6, {0x9e, 0}));
    p.payload = Bytes{1, 4, 0, 0} + Bytes(60, 0);
    receive(p.frame());
    EXPECT_TRUE(wan.out.empty());
    p.payload[0] = 128;
    receive(p.frame());
    EXPECT_EQ(wan.out.size(), 1u) << "an echo is none";
}

TEST_F(Ip6Test, DropsExtensionHeadersThatAreCutOffOrTooLong)
{
    Ip6 p = With(60, {6});
    p.payload = {};
    receive(p.frame());
    p.extensions = {6, 1, 1, 4, 0, 0, 0, 0}; // 16 bytes, it says
    receive(p.frame());
    p.extensions = {6, 0, 1, 5, 0, 0, 0, 0}; // an option of 5 bytes in 4
    receive(p.frame());
    p.extensions = {6, 0, 1, 3, 0, 0, 0, 1}; // an option of no length
    receive(p.frame());
    p.extensions = Options(60, Bytes(1000, 0)) + Options(6, Bytes(300, 0));
    receive(p.frame());
    EXPECT_EQ(counter(IP_RX_BAD_HEADER), 5u);
    EXPECT_TRUE(segments.empty());
}

TEST_F(Ip6Test, SaysNothingToAPacketWithoutAnything)
{
    meet6("2001:db8::9", kPeer);
    Ip6 p;
    p.protocol = 59;
    p.payload = {};
    receive(p.frame());
    EXPECT_EQ(counter(IP_RX_PROTOCOL), 1u);
    EXPECT_TRUE(wan.out.empty());
}

struct Reassembly6 : DualStack {
    Bytes datagram = Bytes(3000);

    void SetUp() override
    {
        DualStack::SetUp();
        for (size_t k = 0; k < datagram.size(); k++)
            datagram[k] = uint8_t(k * 7 >> 3);
    }
    static Bytes Header(size_t offset, bool more, uint16_t id, uint8_t next = IPPROTO_TCP)
    {
        return Bytes{next, 0} + Be16(unsigned(offset) | more) + Be16(0) + Be16(id);
    }
    // Bytes [from, to) of the datagram, behind these extension headers.
    Bytes fragment(size_t from, size_t to, uint16_t id = 1, const Bytes &before = {}) const
    {
        Ip6 p;
        p.protocol = before.empty() ? 44 : 60;
        p.extensions = before + Header(from, to < datagram.size(), id);
        p.payload = Part(datagram, from, to - from);
        return p.frame();
    }
};

TEST_F(Reassembly6, MakesTheDatagramWholeInWhateverOrderItComes)
{
    std::vector<Bytes> pieces = {fragment(0, 1000), fragment(1000, 2000), fragment(2000, 2008),
                                 fragment(2008, 3000)};
    std::sort(pieces.begin(), pieces.end());
    do {
        segments.clear();
        for (const Bytes &f : pieces)
            receive(f);
        ASSERT_EQ(segments.size(), 1u);
        ASSERT_EQ(segments[0].bytes, datagram);
        EXPECT_EQ(Text(segments[0].d.src), "2001:db8::9");
        EXPECT_GE(segments[0].contiguous, 60u);
    } while (std::next_permutation(pieces.begin(), pieces.end()));
    EXPECT_EQ(counter(IP_RX_REASSEMBLED), 24u);
    EXPECT_EQ(counter(IP_RX_FRAGMENT_DROPPED), 0u);
}

TEST_F(Reassembly6, TakesFragmentsBehindOtherHeaders)
{
    receive(fragment(0, 1000, 1, {44, 0, 1, 4, 0, 0, 0, 0}));
    receive(fragment(1000, 2000, 1));
    receive(fragment(2000, 3000, 1));
    ASSERT_EQ(segments.size(), 1u);
    EXPECT_EQ(segments[0].bytes, datagram);
}

TEST_F(Reassembly6, DropsADatagramWhoseFragmentsOverlap_Rfc5722)
{
    receive(fragment(0, 1000));
    receive(fragment(992, 2000));
    receive(fragment(2000, 3000));
    EXPECT_TRUE(segments.empty());
    EXPECT_EQ(counter(IP_RX_FRAGMENT_DROPPED), 3u);
    receive(fragment(0, 1000, 2));
    receive(fragment(992, 1992, 2));
    receive(fragment(2000, 3000, 2));
    EXPECT_TRUE(segments.empty());
    EXPECT_EQ(counter(IP_RX_FRAGMENT_DROPPED), 6u);
}

TEST_F(Reassembly6, TakesAnAtomicFragmentByItself_Rfc6946)
{
    receive(fragment(0, 1000));
    Ip6 atomic;
    atomic.protocol = 44;
    atomic.extensions = Header(0, false, 1);
    receive(atomic.frame());
    ASSERT_EQ(segments.size(), 1u);
    EXPECT_EQ(segments[0].bytes, atomic.payload);
    receive(fragment(1000, 2000));
    receive(fragment(2000, 3000));
    ASSERT_EQ(segments.size(), 2u) << "those of the same number are not disturbed";
    EXPECT_EQ(segments[1].bytes, datagram);
}

TEST_F(Reassembly6, WantsAllHeadersInTheFirstFragment_Rfc7112)
{
    receive(fragment(0, 16));
    receive(fragment(16, 1600));
    receive(fragment(1600, 3000));
    Ip6 p;
    p.protocol = 44;
    p.extensions = Header(0, true, 2, 60);
    p.payload = {6, 1, 1, 4, 0, 0, 0, 0};
    receive(p.frame());
    EXPECT_EQ(counter(IP_RX_FRAGMENT_DROPPED), 2u);
    EXPECT_TRUE(segments.empty());
    pass(20 * NSEC_PER_SEC);
    EXPECT_EQ(rte_mempool_in_use_count(pools.data), 0u);
}

TEST_F(Reassembly6, RefusesFragmentsThatNoHonestHostSends)
{
    Ip6 p;
    p.protocol = 44;
    p.payload = Bytes(30, 0);
    p.extensions = Header(0, true, 1);
    receive(p.frame()); // not the last, but no multiple of 8
    p.payload = {};
    p.extensions = Header(80, true, 1);
    receive(p.frame()); // empty
    p.payload = Bytes(1000, 0);
    p.extensions = Header(0xfff8, false, 1);
    receive(p.frame()); // beyond 64 KiB
    p.extensions = Header(0, false, 1, 44) + Header(0, false, 2);
    receive(p.frame()); // a fragment of a fragment
    EXPECT_EQ(counter(IP_RX_FRAGMENT_DROPPED) + counter(IP_RX_BAD_HEADER), 4u);
    EXPECT_EQ(rte_mempool_in_use_count(pools.data), 0u);
    EXPECT_TRUE(segments.empty());
}

TEST_F(Reassembly6, DoesNotWriteIntoABufferThatSomebodyElseHolds)
{
    Bytes frame = fragment(0, 1000);
    struct rte_mbuf *m = mbuf(frame);
    rte_mbuf_refcnt_update(m, 1);
    receive(m);
    EXPECT_EQ(Content(m), frame);
    rte_pktmbuf_free(m);
    pass(20 * NSEC_PER_SEC);
}

struct Route6 : DualStack {
    std::string way(const std::string &dst, const std::string &src = "::")
    {
        struct ip_addr s = Addr(src), d = Addr(dst);
        struct ip_route r;
        return ip_route(ip, &s, &d, &r) ? Text(r.source) : "none";
    }
};

TEST_F(Route6, TakesAnAddressOfTheSameScope_Rfc6724)
{
    EXPECT_EQ(way("2001:db8::9"), "2001:db8::25");
    EXPECT_EQ(way("2001:db8:5::1"), "2001:db8::25");
    EXPECT_EQ(way("fd00:2::1"), "fd00:1::25");
    EXPECT_EQ(way("2001:db8:5::1", "fd00:1::25"), "fd00:1::25") << "what was asked for";
    EXPECT_EQ(way("192.0.2.9"), "192.0.2.25");
    EXPECT_EQ(way("2001:db8::9", "192.0.2.25"), "none");
    EXPECT_EQ(way("2001:db8::26"), "none") << "ourselves";
    EXPECT_EQ(way("fe80::ff:fe00:1"), "none") << "ourselves";
}

TEST_F(Route6, LinkLocalAddressesStayOnTheirLink_Rfc4007)
{
    EXPECT_EQ(way("fe80::9"), "none") << "on which link?";
    EXPECT_EQ(way("fe80::9", "fe80::ff:fe00:1"), "fe80::ff:fe00:1");
    EXPECT_EQ(way("fe80::9", "2001:db8::25"), "2001:db8::25");
    EXPECT_EQ(way("2001:db8:5::1", "fe80::ff:fe00:1"), "none") << "no router passes it on";
    EXPECT_EQ(way("2001:db8::9", "fe80::ff:fe00:1"), "fe80::ff:fe00:1");
}

} // namespace
