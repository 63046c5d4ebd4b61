// SPDX-License-Identifier: BSD-3-Clause
// Fragments back into datagrams, and what never becomes one.
#include "tests/drivers/ip/wire.h"

#include <algorithm>

namespace
{

struct Reassembly : Stack {
    Bytes datagram = Bytes(3000);

    void SetUp() override
    {
        Stack::SetUp();
        for (size_t k = 0; k < datagram.size(); k++)
            datagram[k] = uint8_t(k * 7 >> 3);
    }
    // Bytes [from, to) of the datagram.
    Bytes fragment(size_t from, size_t to, uint16_t id = 1) const
    {
        Ip4 p;
        p.id = id;
        p.payload = Part(datagram, from, to - from);
        p.fragment = uint16_t(from / 8 | (to < datagram.size() ? 0x2000 : 0));
        return p.frame();
    }
};

TEST_F(Reassembly, MakesTheDatagramWholeInWhateverOrderItComes)
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
        EXPECT_GE(segments[0].contiguous, 60u);
    } while (std::next_permutation(pieces.begin(), pieces.end()));
    EXPECT_EQ(counter(IP_RX_REASSEMBLED), 24u);
    EXPECT_EQ(counter(IP_RX_FRAGMENT_DROPPED), 0u);
}

TEST_F(Reassembly, BringsHeadersTogetherOverTinyFragments)
{
    datagram.resize(40);
    receive(fragment(0, 24));
    receive(fragment(24, 32));
    receive(fragment(32, 40));
    ASSERT_EQ(segments.size(), 1u);
    EXPECT_EQ(segments[0].contiguous, 40u);
    EXPECT_EQ(segments[0].bytes, datagram);
}

TEST_F(Reassembly, LetsNobodyVouchForAChecksumOfSeveralFrames)
{
    wan.link.caps.rx_tcp_checksum = true;
    for (const Bytes &f : {fragment(0, 1000), fragment(1000, 3000)}) {
        struct rte_mbuf *m = mbuf(f, {500, 900});
        m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
        receive(m);
    }
    ASSERT_EQ(segments.size(), 1u);
    EXPECT_EQ(segments[0].bytes, datagram);
    EXPECT_FALSE(segments[0].d.checksum_good);
}

TEST_F(Reassembly, KeepsTheDatagramsOfPeersApart)
{
    receive(fragment(0, 1000, 1));
    receive(fragment(0, 1000, 2));
    receive(fragment(1000, 2000, 2));
    receive(fragment(2000, 3000, 2));
    EXPECT_EQ(segments.size(), 1u);
    receive(fragment(1000, 2000, 1));
    receive(fragment(2000, 3000, 1));
    EXPECT_EQ(segments.size(), 2u);
}

TEST_F(Reassembly, DropsADatagramWhoseFragmentsOverlap)
{
    receive(fragment(0, 1000));
    receive(fragment(992, 2000));
    receive(fragment(2000, 3000));
    EXPECT_TRUE(segments.empty());
    EXPECT_EQ(counter(IP_RX_FRAGMENT_DROPPED), 3u);
    // The same number of bytes, but eight of them twice and eight missing.
    receive(fragment(0, 1000, 2));
    receive(fragment(992, 1992, 2));
    receive(fragment(2000, 3000, 2));
    EXPECT_TRUE(segments.empty());
    EXPECT_EQ(counter(IP_RX_FRAGMENT_DROPPED), 6u);
}

TEST_F(Reassembly, ForgetsADatagramThatIsNotCompleteInTime)
{
    receive(fragment(0, 1000));
    pass(10 * NSEC_PER_SEC);
    EXPECT_EQ(rte_mempool_in_use_count(pools.data), 1u);
    pass(6 * NSEC_PER_SEC);
    EXPECT_EQ(rte_mempool_in_use_count(pools.data), 0u);
    EXPECT_EQ(counter(IP_RX_FRAGMENT_DROPPED), 1u);
    EXPECT_EQ(wheel->armed, 0u);
    receive(fragment(1000, 2000));
    receive(fragment(2000, 3000));
    EXPECT_TRUE(segments.empty());
}

TEST_F(Reassembly, BoundsHowManyDatagramsAndFragmentsWait)
{
    for (uint16_t id = 0; id < 1000; id++)
        for (size_t at = 0; at < 1600; at += 80)
            receive(fragment(at, at + 80, id));
    EXPECT_LE(rte_mempool_in_use_count(pools.data), kFlows * RTE_LIBRTE_IP_FRAG_MAX_FRAG);
    pass(40 * NSEC_PER_SEC);
    EXPECT_EQ(rte_mempool_in_use_count(pools.data), 0u);
    EXPECT_EQ(counter(IP_RX_FRAGMENT_DROPPED), 20000u) << "each is counted once";
    for (size_t at = 0; at < 3000; at += 1000)
        receive(fragment(at, at + 1000));
    EXPECT_EQ(segments.size(), 1u) << "and it works again";
}

TEST_F(Reassembly, PinsNothingWhenPacketMemoryIsShort)
{
    Bytes frame = fragment(0, 1000);
    struct rte_mbuf *m = mbuf(frame);
    while (struct rte_mbuf *p = rte_pktmbuf_alloc(pools.data))
        pinned.push_back(p);
    pools_poll(&pools);
    receive(m);
    EXPECT_EQ(counter(IP_RX_FRAGMENT_DROPPED), 1u);
}

TEST_F(Reassembly, RefusesFragmentsThatNoHonestHostSends)
{
    Ip4 p;
    p.payload = Bytes(12, 0);
    p.fragment = 0x2000;
    receive(p.frame()); // not the last, but no multiple of 8
    p.payload = {};
    receive(p.frame()); // empty
    p.payload = Bytes(8, 0);
    p.fragment = 1;
    receive(p.frame()); // into the TCP header (RFC 3128)
    p.payload = Bytes(1000, 0);
    p.fragment = 0x1fff;
    receive(p.frame()); // beyond 64 KiB
    EXPECT_EQ(counter(IP_RX_FRAGMENT_DROPPED), 4u);
    EXPECT_EQ(rte_mempool_in_use_count(pools.data), 0u);
}

TEST_F(Reassembly, AnswersAPingThatCameInFragments)
{
    meet("192.0.2.9", kPeer);
    Bytes echo = IcmpMessage(8, 0, Bytes(1200, 9));
    Ip4 a, b;
    a.protocol = b.protocol = IPPROTO_ICMP;
    a.payload = Part(echo, 0, 800);
    a.fragment = 0x2000;
    b.payload = Part(echo, 800, echo.size() - 800);
    b.fragment = 100;
    receive(b.frame());
    receive(a.frame());
    ASSERT_EQ(wan.out.size(), 1u);
    EXPECT_EQ(Part(wan.out[0].bytes, 34, echo.size()), IcmpMessage(0, 0, Bytes(1200, 9)));
}

} // namespace
