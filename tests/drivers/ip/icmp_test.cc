// SPDX-License-Identifier: BSD-3-Clause
// ICMP: echoes, errors about our segments, refusals.
#include "tests/drivers/ip/wire.h"

namespace
{

struct Icmp : Stack {
    void SetUp() override
    {
        Stack::SetUp();
        meet("192.0.2.9", kPeer);
    }
    static Bytes Message(const Bytes &icmp)
    {
        Ip4 p;
        p.protocol = IPPROTO_ICMP;
        p.payload = icmp;
        return p.frame();
    }
    // The beginning of a segment of ours to 203.0.113.5, as a router quotes it.
    static Ip4 Ours()
    {
        Ip4 p;
        p.src = "192.0.2.25";
        p.dst = "203.0.113.5";
        p.payload = {0x12, 0x34, 0, 25, 1, 2, 3, 4};
        return p;
    }
    static Bytes Error(uint8_t type, uint8_t code, const Bytes &quote, unsigned mtu = 0)
    {
        return Message(IcmpMessage(type, code, Bytes{0, 0} + Be16(mtu) + quote));
    }
};

TEST_F(Icmp, AnswersAnEchoWithWhatWasAsked)
{
    Bytes data = Bytes{0x11, 0x22, 0, 1} + Bytes(1000, 0x77);
    receive(Message(IcmpMessage(8, 0, data)));
    ASSERT_EQ(wan.out.size(), 1u);
    const Bytes &f = wan.out[0].bytes;
    EXPECT_EQ(Part(f, 0, 14), Ethernet(kPeer, kOurs, 0x0800, {}));
    EXPECT_EQ(Sum(Part(f, 14, 20)), 0xffffu);
    EXPECT_EQ(Part(f, 26, 8), V4("192.0.2.25") + V4("192.0.2.9"));
    EXPECT_EQ(Part(f, 34, f.size() - 34), IcmpMessage(0, 0, data));
}

TEST_F(Icmp, ComputesTheAnswersChecksumForEveryRequest)
{
    for (unsigned k = 0; k < 65536; k += 13) {
        wan.out.clear();
        pass(NSEC_PER_MSEC);
        receive(Message(IcmpMessage(8, 0, Be16(k) + Be16(k >> 3))));
        ASSERT_EQ(wan.out.size(), 1u);
        ASSERT_EQ(Sum(Part(wan.out[0].bytes, 34, 8)), 0xffffu) << k;
    }
}

TEST_F(Icmp, DoesNotWriteIntoABufferThatSomebodyElseHolds)
{
    Bytes frame = Message(IcmpMessage(8, 0, Bytes(64, 1)));
    struct rte_mbuf *m = mbuf(frame);
    rte_mbuf_refcnt_update(m, 1);
    receive(m);
    EXPECT_EQ(wan.out.size(), 1u);
    EXPECT_EQ(Content(m), frame);
    EXPECT_EQ(rte_mbuf_refcnt_read(m), 1);
    rte_pktmbuf_free(m);
}

TEST_F(Icmp, LimitsItsAnswers)
{
    for (int k = 0; k < 3000; k++)
        receive(Message(IcmpMessage(8, 0, Bytes(4, 0))));
    EXPECT_EQ(wan.out.size(), 1000u);
    EXPECT_EQ(counter(IP_TX_ICMP_LIMITED), 2000u);
    pass(NSEC_PER_MSEC);
    for (int k = 0; k < 100; k++)
        receive(Message(IcmpMessage(8, 0, Bytes(4, 0))));
    EXPECT_EQ(wan.out.size(), 1010u);
}

TEST_F(Icmp, DropsAWrongChecksumAndWhatIsTooShort)
{
    Bytes bad = Message(IcmpMessage(8, 0, Bytes(5, 0)));
    bad.back() ^= 1;
    receive(bad);
    receive(Message({8, 0, 0xf7, 0xff}));
    EXPECT_EQ(counter(IP_RX_ICMP_BAD), 2u);
    EXPECT_TRUE(wan.out.empty());
}

TEST_F(Icmp, TellsTcpWhichSegmentDidNotArriveAndWhy)
{
    struct {
        uint8_t type, code;
        unsigned mtu;
        enum ip_unreachable what;
    } cases[] = {
        {3, 0, 9, IP_HOST_UNREACHABLE},  {3, 1, 0, IP_HOST_UNREACHABLE},
        {3, 2, 0, IP_PORT_UNREACHABLE},  {3, 3, 0, IP_PORT_UNREACHABLE},
        {3, 4, 1400, IP_TOO_BIG},        {3, 4, 0, IP_TOO_BIG},
        {3, 13, 0, IP_HOST_UNREACHABLE}, {11, 0, 0, IP_HOST_UNREACHABLE},
    };
    for (const auto &c : cases) {
        unreachables.clear();
        receive(Error(c.type, c.code, Ours().bytes(), c.mtu));
        ASSERT_EQ(unreachables.size(), 1u);
        const Unreachable &u = unreachables[0];
        EXPECT_EQ(u.src, "192.0.2.25");
        EXPECT_EQ(u.dst, "203.0.113.5");
        EXPECT_EQ(u.quoted, Ours().payload);
        EXPECT_EQ(u.what, c.what);
        EXPECT_EQ(u.mtu, c.what == IP_TOO_BIG ? c.mtu : 0);
    }
    EXPECT_TRUE(wan.out.empty()) << "an error is never answered";
}

TEST_F(Icmp, BelievesNoErrorAboutADatagramThatIsNotOurs)
{
    Ip4 p = Ours();
    p.src = "192.0.2.99";
    receive(Error(3, 3, p.bytes()));
    p = Ours();
    p.src = "192.0.2.26"; // ours, but the error came to .25
    receive(Error(3, 3, p.bytes()));
    p = Ours();
    p.protocol = IPPROTO_UDP;
    receive(Error(3, 3, p.bytes()));
    p = Ours();
    p.fragment = 100;
    receive(Error(3, 3, p.bytes()));
    p = Ours();
    p.version = 6;
    receive(Error(3, 3, p.bytes()));
    p = Ours();
    p.dst = "192.0.2.26";
    receive(Error(3, 3, p.bytes()));
    receive(Error(3, 3, Part(Ours().bytes(), 0, 27)));
    receive(Error(3, 3, Part(Ours().bytes(), 0, 19)));
    EXPECT_EQ(counter(IP_RX_ICMP_BAD), 8u);
    EXPECT_TRUE(unreachables.empty());
}

TEST_F(Icmp, HeedsNoRedirectAndNoSourceQuench)
{
    receive(Error(5, 1, Ours().bytes()));
    receive(Error(4, 0, Ours().bytes()));
    EXPECT_TRUE(unreachables.empty());
    EXPECT_EQ(counter(IP_RX_ICMP), 2u);
}

TEST_F(Icmp, SaysThatNobodyListensOnUdpOrSpeaksTheProtocol)
{
    Ip4 udp;
    udp.protocol = IPPROTO_UDP;
    udp.payload = Bytes(100, 5);
    receive(udp.frame());
    Ip4 sctp = udp;
    sctp.protocol = 132;
    receive(sctp.frame());
    ASSERT_EQ(wan.out.size(), 2u);
    for (int k = 0; k < 2; k++) {
        const Bytes &f = wan.out[size_t(k)].bytes;
        EXPECT_EQ(Part(f, 26, 8), V4("192.0.2.25") + V4("192.0.2.9"));
        Bytes quote = Part((k == 0 ? udp : sctp).bytes(), 0, 28);
        EXPECT_EQ(Part(f, 34, f.size() - 34), IcmpMessage(3, k == 0 ? 3 : 2, Bytes(4, 0) + quote));
    }
    for (int k = 0; k < 200; k++)
        receive(udp.frame());
    EXPECT_EQ(wan.out.size(), 50u) << "a burst, then the rate";
    EXPECT_EQ(counter(IP_RX_PROTOCOL), 202u);
}

} // namespace
