// SPDX-License-Identifier: BSD-3-Clause
// ICMPv6: echoes, errors about our segments, refusals.
#include "tests/drivers/ip/wire.h"

namespace
{

const std::string kUs = "2001:db8::25", kThem = "2001:db8::9", kFar = "2001:db8:5::1";

struct Icmp6Test : DualStack {
    void SetUp() override
    {
        DualStack::SetUp();
        meet6(kThem, kPeer);
    }
    // The beginning of a segment of ours, as a router quotes it.
    static Ip6 Ours()
    {
        Ip6 p;
        p.src = kUs;
        p.dst = kFar;
        p.payload = {0x12, 0x34, 0, 25, 1, 2, 3, 4};
        return p;
    }
    static Bytes Error(uint8_t type, uint8_t code, const Bytes &quote, unsigned word = 0)
    {
        return Icmp6(kThem, kUs, type, code, Be16(word >> 16) + Be16(word & 0xffff) + quote)
            .frame();
    }
};

TEST_F(Icmp6Test, AnswersAnEchoWithWhatWasAsked)
{
    Bytes data = Bytes{0x11, 0x22, 0, 1} + Bytes(1001, 0x77);
    receive(Icmp6(kThem, kUs, 128, 0, data).frame());
    ASSERT_EQ(wan.out.size(), 1u);
    EXPECT_EQ(wan.out[0].bytes, Icmp6(kUs, kThem, 129, 0, data).frame(kPeer, kOurs));
}

TEST_F(Icmp6Test, AnswersAnEchoToAllNodesFromItsOwnAddress)
{
    receive(Icmp6(kThem, "ff02::1", 128, 0, Bytes(8, 1)).frame(GroupMac("ff02::1")));
    ASSERT_EQ(wan.out.size(), 1u);
    EXPECT_EQ(wan.out[0].bytes, Icmp6(kUs, kThem, 129, 0, Bytes(8, 1)).frame(kPeer, kOurs));
}

TEST_F(Icmp6Test, DoesNotWriteIntoABufferThatSomebodyElseHolds)
{
    Bytes frame = Icmp6(kThem, kUs, 128, 0, Bytes(64, 1)).frame();
    struct rte_mbuf *m = mbuf(frame);
    rte_mbuf_refcnt_update(m, 1);
    receive(m);
    EXPECT_EQ(wan.out.size(), 1u);
    EXPECT_EQ(Content(m), frame);
    rte_pktmbuf_free(m);
}

TEST_F(Icmp6Test, SharesItsRateLimitWithIcmp)
{
    for (int k = 0; k < 600; k++) {
        Ip4 echo;
        echo.protocol = IPPROTO_ICMP;
        echo.payload = IcmpMessage(8, 0, Bytes(4, 0));
        receive(echo.frame());
        receive(Icmp6(kThem, kUs, 128, 0, Bytes(4, 0)).frame());
    }
    EXPECT_EQ(counter(IP_TX_ICMP), 1000u);
    EXPECT_EQ(counter(IP_TX_ICMP_LIMITED), 200u);
}

TEST_F(Icmp6Test, DropsAWrongChecksumAndWhatIsTooShort)
{
    Bytes bad = Icmp6(kThem, kUs, 128, 0, Bytes(5, 0)).frame();
    bad.back() ^= 1;
    receive(bad);
    receive(Icmp6(kThem, kUs, 128, 0, Bytes(3, 0)).frame());
    EXPECT_EQ(counter(IP_RX_ICMP_BAD), 2u);
    EXPECT_TRUE(wan.out.empty());
}

TEST_F(Icmp6Test, TellsTcpWhichSegmentDidNotArriveAndWhy)
{
    struct {
        uint8_t type, code;
        unsigned word;
        enum ip_unreachable what;
        unsigned mtu;
    } cases[] = {
        {1, 0, 0, IP_HOST_UNREACHABLE, 0}, {1, 1, 0, IP_HOST_UNREACHABLE, 0},
        {1, 3, 0, IP_HOST_UNREACHABLE, 0}, {1, 4, 0, IP_PORT_UNREACHABLE, 0},
        {2, 0, 1280, IP_TOO_BIG, 1280},    {2, 0, 0x12345678, IP_TOO_BIG, 0xffff},
        {3, 0, 0, IP_HOST_UNREACHABLE, 0}, {4, 1, 6, IP_PORT_UNREACHABLE, 0},
    };
    for (const auto &c : cases) {
        unreachables.clear();
        receive(Error(c.type, c.code, Ours().bytes(), c.word));
        ASSERT_EQ(unreachables.size(), 1u);
        EXPECT_EQ(unreachables[0].src, kUs);
        EXPECT_EQ(unreachables[0].dst, kFar);
        EXPECT_EQ(unreachables[0].quoted, Ours().payload);
        EXPECT_EQ(unreachables[0].what, c.what);
        EXPECT_EQ(unreachables[0].mtu, c.mtu);
    }
    EXPECT_TRUE(wan.out.empty()) << "an error is never answered";
}

TEST_F(Icmp6Test, BelievesNoErrorAboutADatagramThatIsNotOurs)
{
    Ip6 p = Ours();
    p.src = "2001:db8::99";
    receive(Error(1, 4, p.bytes()));
    p.src = "2001:db8::26"; // ours, but the error came to ::25
    receive(Error(1, 4, p.bytes()));
    p = Ours();
    p.protocol = IPPROTO_UDP;
    receive(Error(1, 4, p.bytes()));
    p = Ours();
    p.version = 4;
    receive(Error(1, 4, p.bytes()));
    p = Ours();
    p.dst = "2001:db8::26";
    receive(Error(1, 4, p.bytes()));
    p.dst = "::ffff:192.0.2.9";
    receive(Error(1, 4, p.bytes()));
    receive(Error(2, 0, Part(Ours().bytes(), 0, 47)));
    receive(Error(2, 0, {}));
    EXPECT_EQ(counter(IP_RX_ICMP_BAD), 8u);
    EXPECT_TRUE(unreachables.empty());
}

TEST_F(Icmp6Test, SaysThatNobodyListensOnUdpOrSpeaksTheProtocol)
{
    Ip6 udp;
    udp.protocol = IPPROTO_UDP;
    udp.payload = Bytes(1400, 5);
    receive(udp.frame());
    Ip6 sctp = udp;
    sctp.protocol = 132;
    receive(sctp.frame());
    ASSERT_EQ(wan.out.size(), 2u);
    EXPECT_EQ(
        wan.out[0].bytes,
        Icmp6(kUs, kThem, 1, 4, Bytes(4, 0) + Part(udp.bytes(), 0, 1280 - 48)).frame(kPeer, kOurs))
        << "with as much of it as fits 1,280 bytes";
    EXPECT_EQ(wan.out[1].bytes,
              Icmp6(kUs, kThem, 4, 1, Bytes{0, 0, 0, 6} + Part(sctp.bytes(), 0, 1280 - 48))
                  .frame(kPeer, kOurs))
        << "and points at the field";
    for (int k = 0; k < 200; k++)
        receive(udp.frame());
    EXPECT_EQ(wan.out.size(), 50u) << "a burst, then the rate";
}

} // namespace
