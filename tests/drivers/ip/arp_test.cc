// SPDX-License-Identifier: BSD-3-Clause
// ARP and the neighbour cache, seen from the wire.
#include "tests/drivers/ip/wire.h"

namespace
{

struct Arp : Stack {
    // `frame` is our question for addr, sent to `to`.
    static void ExpectQuestion(const Bytes &frame, const Mac &to, const std::string &addr,
                               const std::string &from = "192.0.2.25")
    {
        EXPECT_EQ(frame, Ethernet(to, kOurs, 0x0806, ArpPacket(1, kOurs, from, kNobody, addr)));
    }
    // The marks of the TCP packets among the frames sent, in order.
    std::vector<int> marks()
    {
        std::vector<int> all;
        for (auto &s : wan.out)
            if (Get16(s.bytes, 12) == 0x0800)
                all.push_back(s.bytes.at(34));
        return all;
    }
    static Bytes Destination(const Bytes &frame)
    {
        return Part(frame, 0, 6);
    }
};

TEST_F(Arp, AnnouncesEachAddressTwiceWhenTheLinksAreUp)
{
    ip_announce(ip);
    ASSERT_EQ(wan.out.size(), 2u);
    ASSERT_EQ(lan.out.size(), 1u);
    ExpectQuestion(wan.out[0].bytes, kBroadcast, "192.0.2.25", "192.0.2.25");
    ExpectQuestion(wan.out[1].bytes, kBroadcast, "192.0.2.26", "192.0.2.26");
    ExpectQuestion(lan.out[0].bytes, kBroadcast, "10.0.0.1", "10.0.0.1");
    pass(2 * NSEC_PER_SEC);
    EXPECT_EQ(wan.out.size(), 4u);
    pass(60 * NSEC_PER_SEC);
    EXPECT_EQ(wan.out.size(), 4u);
}

TEST_F(Arp, AnswersAQuestionForOurAddressAndKnowsWhoAsked)
{
    receive(Ethernet(kBroadcast, kPeer, 0x0806,
                     ArpPacket(1, kPeer, "192.0.2.9", kNobody, "192.0.2.26")));
    ASSERT_EQ(wan.out.size(), 1u);
    EXPECT_EQ(wan.out[0].bytes, Ethernet(kPeer, kOurs, 0x0806,
                                         ArpPacket(2, kOurs, "192.0.2.26", kPeer, "192.0.2.9")));
    EXPECT_EQ(state("192.0.2.9"), NEIGHBOUR_STALE);
}

TEST_F(Arp, AnswersAProbeForOurAddressAndLearnsNothingFromIt)
{
    receive(
        Ethernet(kBroadcast, kPeer, 0x0806, ArpPacket(1, kPeer, "0.0.0.0", kNobody, "192.0.2.25")));
    ASSERT_EQ(wan.out.size(), 1u);
    EXPECT_EQ(Get16(wan.out[0].bytes, 20), 2u);
    EXPECT_EQ(ip->neighbours.used, 0u);
}

TEST_F(Arp, DoesNotAnswerForTheAddressOfAnotherLinkOrHost)
{
    for (const char *addr : {"192.0.2.99", "10.0.0.1"})
        receive(
            Ethernet(kBroadcast, kPeer, 0x0806, ArpPacket(1, kPeer, "192.0.2.9", kNobody, addr)));
    EXPECT_TRUE(wan.out.empty());
    EXPECT_EQ(counter(IP_RX_NOT_OURS), 2u);
    EXPECT_EQ(ip->neighbours.used, 0u);
}

TEST_F(Arp, HoldsPacketsUntilTheNeighbourAnswersAndThenSendsThemInOrder)
{
    output("192.0.2.9", 1);
    output("192.0.2.9", 2);
    ASSERT_EQ(wan.out.size(), 1u) << "one question, and no packet yet";
    ExpectQuestion(wan.out[0].bytes, kBroadcast, "192.0.2.9");
    answer("192.0.2.9", kPeer);
    EXPECT_EQ(marks(), (std::vector<int>{1, 2}));
    EXPECT_EQ(Destination(wan.out[1].bytes), Bytes(kPeer.begin(), kPeer.end()));
    EXPECT_EQ(state("192.0.2.9"), NEIGHBOUR_REACHABLE);
    output("192.0.2.9", 3);
    EXPECT_EQ(marks(), (std::vector<int>{1, 2, 3}));
}

TEST_F(Arp, AsksThreeTimesASecondApartThenDropsAndTellsTheSender)
{
    output("203.0.113.5", 1); // by way of the gateway
    output("192.0.2.254", 2);
    pass(999 * NSEC_PER_MSEC);
    EXPECT_EQ(counter(IP_TX_ARP), 1u);
    pass(NSEC_PER_MSEC);
    EXPECT_EQ(counter(IP_TX_ARP), 2u);
    pass(NSEC_PER_SEC);
    EXPECT_EQ(counter(IP_TX_ARP), 3u);
    EXPECT_TRUE(no_neighbours.empty());
    pass(NSEC_PER_SEC);
    EXPECT_EQ(counter(IP_TX_ARP), 3u);
    EXPECT_EQ(no_neighbours, (std::vector<std::string>{"203.0.113.5", "192.0.2.254"}));
    EXPECT_EQ(counter(IP_NEIGHBOUR_FAILED), 2u);
    EXPECT_EQ(state("192.0.2.254"), NEIGHBOUR_FREE);
    output("192.0.2.254");
    EXPECT_EQ(counter(IP_TX_ARP), 4u) << "the next packet asks again";
}

TEST_F(Arp, KeepsTheNewestPacketsThatWaitForANeighbour)
{
    for (int k = 0; k < NEIGHBOUR_QUEUE + 3; k++)
        output("192.0.2.9", uint8_t(k));
    EXPECT_EQ(counter(IP_NEIGHBOUR_QUEUE_FULL), 3u);
    answer("192.0.2.9", kPeer);
    ASSERT_EQ(marks().size(), size_t(NEIGHBOUR_QUEUE));
    EXPECT_EQ(marks().front(), 3);
    EXPECT_EQ(marks().back(), NEIGHBOUR_QUEUE + 2);
}

TEST_F(Arp, BoundsThePacketsThatWaitForAllNeighboursTogether)
{
    for (int n = 0; n < 12; n++)
        for (int k = 0; k < NEIGHBOUR_QUEUE; k++)
            output("192.0.2." + std::to_string(100 + n));
    EXPECT_EQ(ip->neighbours.waiting, uint32_t(IP_MAX_WAITING));
    EXPECT_EQ(rte_mempool_in_use_count(pools.header), unsigned(IP_MAX_WAITING));
    EXPECT_EQ(counter(IP_NEIGHBOUR_QUEUE_FULL), 12u * NEIGHBOUR_QUEUE - IP_MAX_WAITING);
}

TEST_F(Arp, LearnsNothingFromAnAnswerToNoQuestion)
{
    answer("192.0.2.9", kPeer);
    EXPECT_EQ(state("192.0.2.9"), NEIGHBOUR_FREE);
    EXPECT_EQ(ip->neighbours.used, 0u);
}

TEST_F(Arp, FollowsAKnownNeighbourToItsNewMacAndChecksIt)
{
    meet("192.0.2.9", kPeer);
    // A gratuitous announcement, as after a failover.
    receive(Ethernet(kBroadcast, kOther, 0x0806,
                     ArpPacket(1, kOther, "192.0.2.9", kNobody, "192.0.2.9")));
    EXPECT_EQ(state("192.0.2.9"), NEIGHBOUR_STALE);
    output("192.0.2.9");
    ASSERT_EQ(wan.out.size(), 2u);
    ExpectQuestion(wan.out[0].bytes, kOther, "192.0.2.9");
    EXPECT_EQ(Destination(wan.out[1].bytes), Bytes(kOther.begin(), kOther.end()));
}

TEST_F(Arp, KeepsSendingWhileItAsksAStaleNeighbourWhetherItIsStillThere)
{
    meet("192.0.2.9", kPeer);
    pass(46 * NSEC_PER_SEC);
    EXPECT_EQ(state("192.0.2.9"), NEIGHBOUR_STALE);
    EXPECT_TRUE(wan.out.empty()) << "an idle neighbour is not asked";
    output("192.0.2.9", 1);
    ASSERT_EQ(wan.out.size(), 2u);
    ExpectQuestion(wan.out[0].bytes, kPeer, "192.0.2.9");
    EXPECT_EQ(marks(), (std::vector<int>{1}));
    answer("192.0.2.9", kPeer);
    EXPECT_EQ(state("192.0.2.9"), NEIGHBOUR_REACHABLE);
}

TEST_F(Arp, AsksEverybodyWhenTheNeighbourItselfNoLongerAnswers)
{
    meet("192.0.2.9", kPeer);
    pass(46 * NSEC_PER_SEC);
    output("192.0.2.9", 1);
    for (int k = 0; k < 3; k++)
        pass(NSEC_PER_SEC);
    EXPECT_EQ(state("192.0.2.9"), NEIGHBOUR_INCOMPLETE);
    ExpectQuestion(wan.out.back().bytes, kBroadcast, "192.0.2.9");
    wan.out.clear();
    output("192.0.2.9", 2);
    EXPECT_TRUE(marks().empty());
    answer("192.0.2.9", kOther);
    EXPECT_EQ(marks(), (std::vector<int>{2}));
}

TEST_F(Arp, ForgetsWhoWasNotUsedWhenTheTableIsFull)
{
    for (unsigned k = 0; k < kNeighbours; k++)
        meet("192.0.2." + std::to_string(100 + k), kPeer);
    output("192.0.2.9");
    EXPECT_EQ(counter(IP_NEIGHBOURS_FULL), 1u) << "everybody is in use";
    pass(46 * NSEC_PER_SEC);
    meet("192.0.2.9", kPeer);
    EXPECT_EQ(state("192.0.2.9"), NEIGHBOUR_REACHABLE);
    EXPECT_EQ(ip->neighbours.used, kNeighbours);
}

TEST_F(Arp, QuestionsOfStrangersLeaveRoomForOurOwn)
{
    for (unsigned k = 0; k < 100; k++)
        receive(Ethernet(
            kOurs, kPeer, 0x0806,
            ArpPacket(1, kPeer, "192.0.2." + std::to_string(100 + k), kNobody, "192.0.2.25")));
    EXPECT_EQ(wan.out.size(), 100u) << "all were answered";
    EXPECT_EQ(ip->neighbours.used, kNeighbours * 3 / 4);
}

TEST_F(Arp, CountsAConflictAndDefendsTheAddressOnceInTenSeconds)
{
    Bytes claim = Ethernet(kBroadcast, kOther, 0x0806,
                           ArpPacket(1, kOther, "192.0.2.25", kNobody, "192.0.2.25"));
    receive(claim);
    receive(claim);
    EXPECT_EQ(counter(IP_RX_CONFLICT), 2u);
    ASSERT_EQ(wan.out.size(), 1u);
    ExpectQuestion(wan.out[0].bytes, kBroadcast, "192.0.2.25");
    pass(10 * NSEC_PER_SEC);
    receive(claim);
    EXPECT_EQ(wan.out.size(), 2u);
}

TEST_F(Arp, OwnFramesThatComeBackAreNoConflict)
{
    receive(Ethernet(kBroadcast, kOurs, 0x0806,
                     ArpPacket(1, kOurs, "192.0.2.25", kNobody, "192.0.2.25")));
    EXPECT_EQ(counter(IP_RX_CONFLICT), 0u);
}

TEST_F(Arp, RefusesWhatIsMalformed)
{
    Bytes good = ArpPacket(1, kPeer, "192.0.2.9", kNobody, "192.0.2.25");
    for (size_t at : {1, 2, 4, 5, 7, 8}) { // types, lengths, operation, a multicast sender
        Bytes bad = good;
        bad[at] ^= at == 7 ? 8 : 1;
        receive(Ethernet(kBroadcast, kPeer, 0x0806, bad));
    }
    receive(Ethernet(kBroadcast, kPeer, 0x0806, Part(good, 0, 27)));
    EXPECT_EQ(counter(IP_RX_ARP_BAD), 7u);
    EXPECT_TRUE(wan.out.empty());
}

TEST_F(Arp, SendsThroughTheGatewayWhatIsNotConnected)
{
    output("203.0.113.5");
    ExpectQuestion(wan.out[0].bytes, kBroadcast, "192.0.2.254");
    output("10.2.3.4", 0, "10.0.0.1", 0, 1);
    ExpectQuestion(lan.out[0].bytes, kBroadcast, "10.2.3.4", "10.0.0.1");
    output("203.0.113.5", 0, "10.0.0.1", 0, 1); // lan has no gateway
    EXPECT_EQ(counter(IP_TX_NO_ROUTE), 1u);
}

} // namespace
