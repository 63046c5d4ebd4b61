// SPDX-License-Identifier: BSD-3-Clause
// Ethernet and IPv4, seen from the wire and from TCP.
#include "tests/drivers/ip/wire.h"

#include <random>

namespace
{

struct Ip4Input : Stack {
    void ExpectDropped(const Bytes &frame, enum ip_counter why, const char *what)
    {
        uint64_t before = counter(why);
        receive(frame);
        EXPECT_EQ(counter(why), before + 1) << what;
        EXPECT_TRUE(segments.empty()) << what;
        EXPECT_TRUE(wan.out.empty()) << what;
    }
};

TEST_F(Ip4Input, HandsASegmentToTcpWithItsAddresses)
{
    Ip4 p;
    p.tos = 0xb8 | 3; // a DSCP, and congestion experienced
    receive(p.frame());
    ASSERT_EQ(segments.size(), 1u);
    const Segment &s = segments[0];
    EXPECT_EQ(s.bytes, p.payload);
    EXPECT_EQ(Text(s.d.src), "192.0.2.9");
    EXPECT_EQ(Text(s.d.dst), "192.0.2.25");
    EXPECT_EQ(s.d.payload_offset, 34u);
    EXPECT_EQ(s.d.ecn, 3u);
    EXPECT_EQ(s.d.link, 0u);
    EXPECT_FALSE(s.d.checksum_good);
}

TEST_F(Ip4Input, CutsThePaddingOfShortFrames)
{
    receive(Ip4().frame() + Bytes(6, 0));
    ASSERT_EQ(segments.size(), 1u);
    EXPECT_EQ(segments[0].bytes, Ip4().payload);
}

TEST_F(Ip4Input, CutsPaddingThatSpansSegments)
{
    Ip4 p;
    p.payload = Bytes(400, 0x31);
    Bytes frame = p.frame();
    size_t whole = frame.size();
    frame = frame + Bytes(200, 0);
    for (const std::vector<size_t> &cuts : std::vector<std::vector<size_t>>{
             {whole - 2, whole + 1, whole + 100}, {whole, whole + 1}, {300, whole}}) {
        segments.clear();
        receive(mbuf(frame, cuts));
        ASSERT_EQ(segments.size(), 1u);
        EXPECT_EQ(segments[0].bytes, p.payload);
    }
}

TEST_F(Ip4Input, BringsHeadersTogetherThatComeInPieces)
{
    Ip4 p;
    p.payload = Bytes(1000);
    for (size_t k = 0; k < p.payload.size(); k++)
        p.payload[k] = uint8_t(k);
    for (const std::vector<size_t> &cuts : std::vector<std::vector<size_t>>{
             {1}, {13, 14}, {20, 33, 40, 60}, {60}, {94}, {157, 158, 159}, {500}}) {
        segments.clear();
        receive(mbuf(p.frame(), cuts));
        ASSERT_EQ(segments.size(), 1u);
        EXPECT_EQ(segments[0].bytes, p.payload);
        EXPECT_GE(segments[0].contiguous, 60u);
    }
}

TEST_F(Ip4Input, DropsAFrameInPiecesWhenThereIsNoBufferForItsHeaders)
{
    struct rte_mbuf *m = mbuf(Ip4().frame(), {10});
    while (struct rte_mbuf *p = rte_pktmbuf_alloc(pools.data))
        pinned.push_back(p);
    receive(m);
    EXPECT_EQ(counter(IP_RX_NO_MEMORY), 1u);
}

TEST_F(Ip4Input, TellsTcpWhatThePortVouchesFor)
{
    wan.link.caps.rx_tcp_checksum = true;
    for (uint64_t said :
         std::vector<uint64_t>{RTE_MBUF_F_RX_L4_CKSUM_GOOD, RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN,
                               RTE_MBUF_F_RX_L4_CKSUM_BAD, RTE_MBUF_F_RX_L4_CKSUM_NONE}) {
        struct rte_mbuf *m = mbuf(Ip4().frame());
        m->ol_flags |= said;
        receive(m);
        bool intact = said == RTE_MBUF_F_RX_L4_CKSUM_GOOD || said == RTE_MBUF_F_RX_L4_CKSUM_NONE;
        EXPECT_EQ(segments.back().d.checksum_good, intact);
    }
}

TEST_F(Ip4Input, BelievesThePortAboutHeaderChecksumsOnlyIfItHasTheOffload)
{
    Ip4 bad;
    bad.bad_checksum = true;
    struct rte_mbuf *m = mbuf(bad.frame());
    m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD;
    receive(m);
    EXPECT_EQ(counter(IP_RX_BAD_CHECKSUM), 1u);
    wan.link.caps.rx_ip_checksum = true;
    m = mbuf(bad.frame());
    m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD;
    receive(m);
    EXPECT_EQ(segments.size(), 1u);
    m = mbuf(Ip4().frame());
    m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_BAD;
    receive(m);
    EXPECT_EQ(counter(IP_RX_BAD_CHECKSUM), 2u);
}

TEST_F(Ip4Input, DropsWhatIsMalformed)
{
    Ip4 p;
    ExpectDropped(Bytes(5, 0), IP_RX_RUNT, "less than Ethernet");
    ExpectDropped(Part(p.frame(), 0, 14), IP_RX_RUNT, "nothing in it");
    ExpectDropped(Part(p.frame(), 0, 33), IP_RX_RUNT, "less than a header");
    ExpectDropped(Part(p.frame(), 0, 53), IP_RX_RUNT, "less than its length says");
    p.version = 6;
    ExpectDropped(p.frame(), IP_RX_BAD_HEADER, "version 6");
    p = Ip4();
    p.length_off_by = -21;
    ExpectDropped(p.frame(), IP_RX_BAD_HEADER, "total length within the header");
    p = Ip4();
    p.bad_checksum = true;
    ExpectDropped(p.frame(), IP_RX_BAD_CHECKSUM, "checksum");
    Bytes short_header = Ip4().frame();
    short_header[14] = 0x44;
    ExpectDropped(short_header, IP_RX_BAD_HEADER, "header of 16 bytes");
}

TEST_F(Ip4Input, AcceptsHarmlessOptionsAndRefusesSourceRoutes)
{
    Ip4 p;
    p.options = {1, 1, 7, 3, 4, 0, 0, 0}; // two NOP, record route, end
    receive(p.frame());
    ASSERT_EQ(segments.size(), 1u);
    EXPECT_EQ(segments[0].d.payload_offset, 42u);
    EXPECT_EQ(segments[0].bytes, p.payload);
    segments.clear();
    for (const Bytes &bad : {Bytes{131, 3, 4, 0}, Bytes{137, 3, 4, 0}, Bytes{7, 1, 0, 0},
                             Bytes{7, 5, 0, 0}, Bytes{1, 1, 1, 7}}) {
        p.options = bad;
        ExpectDropped(p.frame(), IP_RX_BAD_HEADER, "option");
    }
}

TEST_F(Ip4Input, DropsWhatNoHostMaySend)
{
    for (const char *src :
         {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
          "192.0.2.255", "192.0.2.0", "192.0.2.25", "192.0.2.26", "10.0.0.1"}) {
        Ip4 p;
        p.src = src;
        ExpectDropped(p.frame(), IP_RX_BAD_SOURCE, src);
    }
}

TEST_F(Ip4Input, DropsWhatIsForSomebodyElse)
{
    Ip4 p;
    for (const char *dst :
         {"192.0.2.27", "192.0.2.255", "255.255.255.255", "224.0.0.1", "127.0.0.1", "10.0.0.1"}) {
        p.dst = dst;
        ExpectDropped(p.frame(), IP_RX_NOT_OURS, dst);
    }
    ExpectDropped(Ip4().frame(kOther), IP_RX_NOT_OURS, "another MAC");
    ExpectDropped(Ip4().frame(kBroadcast), IP_RX_NOT_OURS, "to everybody's MAC");
    ExpectDropped(Ip4().frame({1, 0, 0x5e, 0, 0, 1}), IP_RX_NOT_OURS, "a multicast MAC");
}

TEST_F(Ip4Input, DropsTagsAndOtherProtocolsOfTheLink)
{
    Bytes ip4 = Ip4().bytes();
    for (unsigned type : {0x8100u, 0x88a8u, 0x9100u})
        ExpectDropped(Ethernet(kOurs, kPeer, type, Bytes{0, 5, 8, 0} + ip4), IP_RX_VLAN, "tag");
    struct rte_mbuf *m = mbuf(Ip4().frame());
    m->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
    receive(m);
    EXPECT_EQ(counter(IP_RX_VLAN), 4u);
    for (unsigned type : {0x86ddu, 0x88ccu, 0x0026u})
        ExpectDropped(Ethernet(kOurs, kPeer, type, ip4), IP_RX_ETHERTYPE, "protocol");
}

// What a fuzzer does for hours, for a moment: nothing leaks, nothing breaks.
TEST_F(Ip4Input, SurvivesAStormOfDamagedFrames)
{
    std::mt19937 random(11);
    Ip4 udp, echo, error, quoted, fragment;
    udp.protocol = IPPROTO_UDP;
    echo.protocol = error.protocol = IPPROTO_ICMP;
    echo.payload = IcmpMessage(8, 0, Bytes(300, 1));
    quoted.src = "192.0.2.25";
    quoted.dst = "192.0.2.9";
    error.payload = IcmpMessage(3, 1, Bytes(4, 0) + Part(quoted.bytes(), 0, 28));
    fragment.payload = Bytes(64, 3);
    fragment.fragment = 0x2000;
    Bytes arp =
        Ethernet(kOurs, kPeer, 0x0806, ArpPacket(1, kPeer, "192.0.2.9", kNobody, "192.0.2.25"));
    std::vector<Bytes> good = {Ip4().frame(), udp.frame(),      echo.frame(),
                               error.frame(), fragment.frame(), arp};
    for (auto *link : {&wan, &lan})
        link->link.caps.rx_ip_checksum = true;
    for (int n = 0; n < 50000; n++) {
        Bytes frame = good[random() % good.size()];
        for (unsigned k = random() % 4; k-- > 0;)
            frame[random() % std::min<size_t>(frame.size(), 60)] = uint8_t(random());
        if (random() % 4 == 0)
            frame.resize(1 + random() % frame.size());
        std::vector<size_t> cuts;
        if (random() % 3 == 0)
            cuts = {random() % frame.size()};
        struct rte_mbuf *m = mbuf(frame, cuts);
        if (random() % 2 == 0) // past the checksum, where damage goes further
            m->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD;
        receive(m);
        if (n % 100 == 0) {
            pass(NSEC_PER_SEC / 10);
            wan.out.clear();
            ASSERT_TRUE(neighbours_sane(ip));
        }
    }
    EXPECT_EQ(counter(IP_RX_FRAMES), 50000u);
    EXPECT_GT(segments.size(), 1000u);
}

struct Ip4Output : Stack {
    void SetUp() override
    {
        Stack::SetUp();
        meet("192.0.2.9", kPeer);
    }
};

TEST_F(Ip4Output, WritesTheHeaderThatRfc791Asks)
{
    output("192.0.2.9", 0x42, "192.0.2.26", 0, 0, 2);
    ASSERT_EQ(wan.out.size(), 1u);
    const Bytes &f = wan.out[0].bytes;
    EXPECT_EQ(Part(f, 0, 14), Ethernet(kPeer, kOurs, 0x0800, {}));
    EXPECT_EQ(f[14], 0x45);
    EXPECT_EQ(f[15], 2) << "ECT(0)";
    EXPECT_EQ(Get16(f, 16), 40u);
    EXPECT_EQ(Get16(f, 20), 0x4000u) << "do not fragment";
    EXPECT_EQ(f[22], 64);
    EXPECT_EQ(f[23], IPPROTO_TCP);
    EXPECT_EQ(Sum(Part(f, 14, 20)), 0xffffu);
    EXPECT_EQ(Part(f, 26, 8), V4("192.0.2.26") + V4("192.0.2.9"));
    EXPECT_EQ(Part(f, 34, 20), Bytes(20, 0x42));
    EXPECT_EQ(wan.out[0].flags & RTE_MBUF_F_TX_OFFLOAD_MASK, 0u);
}

TEST_F(Ip4Output, CountsTheIdentificationUp)
{
    output("192.0.2.9");
    output("192.0.2.9");
    EXPECT_EQ(uint16_t(Get16(wan.out[0].bytes, 18) + 1), Get16(wan.out[1].bytes, 18));
}

TEST_F(Ip4Output, AsksThePortForWhatItCanDo)
{
    wan.link.caps.tx_ip_checksum = wan.link.caps.tx_tcp_checksum = true;
    output("192.0.2.9", 0, "192.0.2.25", RTE_MBUF_F_TX_TCP_CKSUM);
    EXPECT_EQ(wan.out[0].flags & RTE_MBUF_F_TX_OFFLOAD_MASK,
              RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM);
    EXPECT_EQ(Get16(wan.out[0].bytes, 24), 0u);
    EXPECT_EQ(wan.out[0].l2, 14u);
    EXPECT_EQ(wan.out[0].l3, 20u);
    wan.link.caps.tx_ip_checksum = false;
    output("192.0.2.9", 0, "192.0.2.25", RTE_MBUF_F_TX_TCP_CKSUM);
    EXPECT_EQ(wan.out[1].flags & RTE_MBUF_F_TX_OFFLOAD_MASK,
              RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM);
    EXPECT_EQ(Sum(Part(wan.out[1].bytes, 14, 20)), 0xffffu);
}

TEST_F(Ip4Output, SendsNothingLargerThanTheLinkTakes)
{
    wan.link.mtu = 40;
    output("192.0.2.9");
    wan.link.mtu = 39;
    output("192.0.2.9");
    EXPECT_EQ(wan.out.size(), 1u);
    EXPECT_EQ(counter(IP_TX_TOO_BIG), 1u);
    output("192.0.2.9", 0, "192.0.2.25", RTE_MBUF_F_TX_TCP_SEG);
    EXPECT_EQ(wan.out.size(), 2u) << "the port cuts it";
}

TEST_F(Ip4Output, SendsSharedPayloadWithoutTouchingIt)
{
    struct rte_mbuf *payload = mbuf(Bytes(100, 0x55));
    struct rte_mbuf *shared = rte_pktmbuf_alloc(pools.indirect);
    rte_pktmbuf_attach(shared, payload);
    struct rte_mbuf *m = rte_pktmbuf_alloc(pools.header);
    rte_pktmbuf_append(m, 20);
    rte_pktmbuf_chain(m, shared);
    struct ip_addr src = Addr("192.0.2.25"), dst = Addr("192.0.2.9");
    ip_output(ip, m, 0, &src, &dst, 0);
    EXPECT_EQ(Get16(wan.out[0].bytes, 16), 140u);
    EXPECT_EQ(Part(wan.out[0].bytes, 54, 100), Bytes(100, 0x55));
    EXPECT_EQ(wan.out[0].segments, 2u);
    EXPECT_EQ(rte_mbuf_refcnt_read(payload), 1);
    rte_pktmbuf_free(payload);
}

TEST_F(Ip4Output, FlushesEveryLinkAtTheEndOfTheRound)
{
    ip_flush(ip);
    EXPECT_EQ(wan.flushes, 1u);
    EXPECT_EQ(lan.flushes, 1u);
}

} // namespace
