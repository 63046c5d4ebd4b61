// SPDX-License-Identifier: BSD-3-Clause
// Neighbour discovery, and the neighbour cache under it, seen from the wire.
#include "tests/drivers/ip/wire.h"

namespace
{

const char *const kLinkLocal = "fe80::ff:fe00:1"; // kOurs as EUI-64

struct Nd : DualStack {
    static Bytes SourceMac(const Mac &mac)
    {
        return Bytes{1, 1} + Bytes(mac.begin(), mac.end());
    }
    static Bytes Question(const std::string &target, const Bytes &options = SourceMac(kPeer))
    {
        return Bytes(4, 0) + V6(target) + options;
    }
    // The peer's question for target, sent to whom it concerns.
    static Ip6 Solicitation(const std::string &src, const std::string &dst,
                            const std::string &target, const Bytes &options = SourceMac(kPeer))
    {
        return Icmp6(src, dst, 135, 0, Question(target, options), 255);
    }
    static void ExpectFrame(const Bytes &frame, const Mac &to, const Ip6 &p)
    {
        EXPECT_EQ(frame, p.frame(to, kOurs));
    }
    // The marks of the TCP packets among the frames sent, in order.
    std::vector<int> marks()
    {
        std::vector<int> all;
        for (auto &s : wan.out)
            if (Get16(s.bytes, 12) == 0x86dd && s.bytes.at(20) == IPPROTO_TCP)
                all.push_back(s.bytes.at(54));
        return all;
    }
};

TEST_F(Nd, AsksWhetherOurAddressesAreTakenThenAnnouncesThem_Rfc4862)
{
    ip_announce(ip);
    std::vector<Bytes> asked;
    for (auto &s : wan.out)
        if (Get16(s.bytes, 12) == 0x86dd && s.bytes.at(20) == IPPROTO_ICMPV6)
            asked.push_back(s.bytes);
    ASSERT_EQ(asked.size(), 4u);
    const struct {
        std::string address, group;
    } all[] = {{kLinkLocal, "ff02::1:ff00:1"},
               {"2001:db8::25", "ff02::1:ff00:25"},
               {"2001:db8::26", "ff02::1:ff00:26"},
               {"fd00:1::25", "ff02::1:ff00:25"}};
    for (size_t k = 0; k < 4; k++)
        ExpectFrame(asked[k], GroupMac(all[k].group),
                    Solicitation("::", all[k].group, all[k].address, {}));
    wan.out.clear();
    pass(2 * NSEC_PER_SEC);
    std::vector<Bytes> told;
    for (auto &s : wan.out)
        if (Get16(s.bytes, 12) == 0x86dd && s.bytes.at(20) == IPPROTO_ICMPV6)
            told.push_back(s.bytes);
    ASSERT_EQ(told.size(), 4u);
    for (size_t k = 0; k < 4; k++)
        ExpectFrame(told[k], GroupMac("ff02::1"),
                    Icmp6(all[k].address, "ff02::1", 136, 0,
                          Advertisement(all[k].address, kOurs, 0x20), 255));
    for (auto &s : lan.out)
        EXPECT_NE(Get16(s.bytes, 12), 0x86ddu) << "lan has no IPv6 address";
}

TEST_F(Nd, AnswersASolicitationToItsGroupAndKnowsWhoAsked)
{
    receive(Solicitation("2001:db8::9", "ff02::1:ff00:26", "2001:db8::26")
                .frame(GroupMac("ff02::1:ff00:26")));
    ASSERT_EQ(wan.out.size(), 1u);
    ExpectFrame(wan.out[0].bytes, kPeer,
                Icmp6("2001:db8::26", "2001:db8::9", 136, 0,
                      Advertisement("2001:db8::26", kOurs, 0x60), 255));
    EXPECT_EQ(state("2001:db8::9"), NEIGHBOUR_STALE);
}

TEST_F(Nd, AnswersForItsLinkLocalAddress)
{
    receive(Solicitation("fe80::9", kLinkLocal, kLinkLocal, {}).frame());
    ASSERT_EQ(wan.out.size(), 1u);
    ExpectFrame(wan.out[0].bytes, kPeer,
                Icmp6(kLinkLocal, "fe80::9", 136, 0, Advertisement(kLinkLocal, kOurs, 0x60), 255));
    EXPECT_EQ(state("fe80::9"), NEIGHBOUR_FREE) << "the question did not say whose it is";
}

TEST_F(Nd, HoldsPacketsUntilTheNeighbourAnswersAndThenSendsThemInOrder)
{
    output6("2001:db8::9", 1);
    output6("2001:db8::9", 2);
    ASSERT_EQ(wan.out.size(), 1u) << "one question, and no packet yet";
    Ip6 question = Solicitation("2001:db8::25", "ff02::1:ff00:9", "2001:db8::9", SourceMac(kOurs));
    ExpectFrame(wan.out[0].bytes, GroupMac("ff02::1:ff00:9"), question);
    answer6("2001:db8::9", kPeer);
    EXPECT_EQ(marks(), (std::vector<int>{1, 2}));
    EXPECT_EQ(state("2001:db8::9"), NEIGHBOUR_REACHABLE);
    output6("2001:db8::9", 3);
    EXPECT_EQ(marks(), (std::vector<int>{1, 2, 3}));
}

TEST_F(Nd, AsksTheGatewayFromItsLinkLocalAddress)
{
    output6("2001:db8:5::1", 1);
    ASSERT_EQ(wan.out.size(), 1u);
    ExpectFrame(wan.out[0].bytes, GroupMac("ff02::1:ff00:254"),
                Solicitation(kLinkLocal, "ff02::1:ff00:254", "fe80::254", SourceMac(kOurs)));
    answer6("fe80::254", kOther, kLinkLocal);
    ASSERT_EQ(marks(), (std::vector<int>{1}));
    EXPECT_EQ(Part(wan.out[1].bytes, 0, 6), Bytes(kOther.begin(), kOther.end()));
}

TEST_F(Nd, AsksThreeTimesASecondApartThenDropsAndTellsTheSender)
{
    output6("2001:db8:5::1", 1); // by way of the gateway
    output6("fe80::254", 2, kLinkLocal);
    pass(NSEC_PER_SEC);
    EXPECT_EQ(counter(IP_TX_ND), 2u);
    pass(NSEC_PER_SEC);
    EXPECT_EQ(counter(IP_TX_ND), 3u);
    EXPECT_TRUE(no_neighbours.empty());
    pass(NSEC_PER_SEC);
    EXPECT_EQ(counter(IP_TX_ND), 3u);
    EXPECT_EQ(no_neighbours, (std::vector<std::string>{"2001:db8:5::1", "fe80::254"}));
    EXPECT_EQ(counter(IP_NEIGHBOUR_FAILED), 2u);
}

TEST_F(Nd, ProbesAStaleNeighbourItselfAndIsContentWithAnAnswerThatRepeatsNoMac_Rfc4861_7_3)
{
    meet6("2001:db8::9", kPeer);
    pass(60 * NSEC_PER_SEC);
    ASSERT_EQ(state("2001:db8::9"), NEIGHBOUR_STALE);
    output6("2001:db8::9", 7);
    ASSERT_EQ(wan.out.size(), 2u);
    ExpectFrame(wan.out[0].bytes, kPeer,
                Solicitation("2001:db8::25", "2001:db8::9", "2001:db8::9", SourceMac(kOurs)));
    EXPECT_EQ(marks(), (std::vector<int>{7})) << "its address is used meanwhile";
    Bytes flags_and_target = Bytes{0x40, 0, 0, 0} + V6("2001:db8::9");
    receive(Icmp6("2001:db8::9", "2001:db8::25", 136, 0, flags_and_target, 255).frame());
    EXPECT_EQ(state("2001:db8::9"), NEIGHBOUR_REACHABLE);
}

TEST_F(Nd, LetsNoAnswerWithoutOverrideReplaceAMac_Rfc4861_7_2_5)
{
    meet6("2001:db8::9", kPeer);
    Bytes proxy = Advertisement("2001:db8::9", kOther, 0x40);
    receive(Icmp6("2001:db8::9", "2001:db8::25", 136, 0, proxy, 255).frame());
    EXPECT_EQ(state("2001:db8::9"), NEIGHBOUR_STALE) << "but it is in doubt";
    output6("2001:db8::9", 1);
    EXPECT_EQ(Part(wan.out.back().bytes, 0, 6), Bytes(kPeer.begin(), kPeer.end()));
    Bytes moved = Advertisement("2001:db8::9", kOther, 0x20);
    receive(Icmp6("2001:db8::9", "ff02::1", 136, 0, moved, 255).frame(GroupMac("ff02::1")));
    output6("2001:db8::9", 2);
    EXPECT_EQ(Part(wan.out.back().bytes, 0, 6), Bytes(kOther.begin(), kOther.end()));
}

TEST_F(Nd, LearnsNothingFromAnAnswerThatNobodyAskedFor)
{
    answer6("2001:db8::9", kPeer);
    EXPECT_EQ(ip->neighbours.used, 0u);
}

TEST_F(Nd, BelievesNothingThatCouldComeFromBeyondTheLink_Rfc4861_7_1)
{
    Ip6 routed = Solicitation("2001:db8::9", "ff02::1:ff00:25", "2001:db8::25");
    routed.hop_limit = 254;
    receive(routed.frame(GroupMac("ff02::1:ff00:25")));
    receive(Solicitation("2001:db8:5::1", "2001:db8::25", "2001:db8::25").frame());
    Ip6 answer =
        Icmp6("2001:db8:5::1", "2001:db8::25", 136, 0, Advertisement("2001:db8:5::1", kPeer), 255);
    receive(answer.frame());
    EXPECT_EQ(counter(IP_RX_ND_BAD), 3u);
    EXPECT_TRUE(wan.out.empty());
    EXPECT_EQ(ip->neighbours.used, 0u);
}

TEST_F(Nd, DropsMalformedMessages_Rfc4861_7_1)
{
    const std::string us = "2001:db8::25", group = "ff02::1:ff00:25", peer = "2001:db8::9";
    const Mac to = GroupMac(group);
    std::vector<Ip6> bad = {
        Icmp6(peer, us, 135, 1, Question(us), 255),                      // code
        Icmp6(peer, us, 135, 0, Bytes(19, 0), 255),                      // short
        Solicitation(peer, us, "ff02::1"),                               // a group as target
        Solicitation(peer, us, us, {1, 0, 0, 0, 0, 0, 0, 0}),            // an empty option
        Solicitation(peer, us, us, {1, 2, 0, 0, 0, 0, 0, 0}),            // beyond the end
        Solicitation(peer, us, us, {1, 1, 0}),                           // cut off
        Solicitation(peer, us, us, SourceMac({1, 0, 0, 0, 0, 1})),       // a group's MAC
        Solicitation("::", group, us),                                   // nobody's MAC
        Solicitation("::", us, us, {}),                                  // nobody asks one only
        Icmp6(peer, "ff02::1", 136, 0, Advertisement(peer, kPeer), 255), // who asked?
        Icmp6("::", us, 136, 0, Advertisement(peer, kPeer), 255),
    };
    for (const Ip6 &p : bad)
        receive(p.frame(p.dst == us ? kOurs : GroupMac(p.dst)));
    EXPECT_EQ(counter(IP_RX_ND_BAD), bad.size());
    Ip6 corrupt = Solicitation(peer, group, us);
    corrupt.payload[4] ^= 1;
    receive(corrupt.frame(to));
    EXPECT_EQ(counter(IP_RX_ICMP_BAD), 1u);
    EXPECT_TRUE(wan.out.empty());
    EXPECT_EQ(ip->neighbours.used, 0u);
}

TEST_F(Nd, CountsAndDefendsAnAddressThatAnotherHostClaims)
{
    receive(Solicitation("::", "ff02::1:ff00:25", "2001:db8::25", {})
                .frame(GroupMac("ff02::1:ff00:25")));
    ASSERT_EQ(wan.out.size(), 1u);
    ExpectFrame(
        wan.out[0].bytes, GroupMac("ff02::1"),
        Icmp6("2001:db8::25", "ff02::1", 136, 0, Advertisement("2001:db8::25", kOurs, 0x20), 255));
    Ip6 claim =
        Icmp6("2001:db8::25", "ff02::1", 136, 0, Advertisement("2001:db8::25", kPeer, 0x20), 255);
    receive(claim.frame(GroupMac("ff02::1")));
    EXPECT_EQ(counter(IP_RX_CONFLICT), 2u);
    EXPECT_EQ(wan.out.size(), 1u) << "once in a while";
    pass(10 * NSEC_PER_SEC);
    receive(claim.frame(GroupMac("ff02::1")));
    EXPECT_EQ(wan.out.size(), 2u);
}

TEST_F(Nd, TakesAnEchoOfItsOwnQuestionForNoConflict)
{
    receive(Solicitation("::", "ff02::1:ff00:25", "2001:db8::25", {})
                .frame(GroupMac("ff02::1:ff00:25"), kOurs));
    EXPECT_EQ(counter(IP_RX_CONFLICT), 0u);
}

TEST_F(Nd, HeedsNoRouterAndNoRedirect)
{
    Bytes advertisement = Bytes{64, 0, 7, 8} + Bytes(8, 0) + SourceMac(kPeer);
    receive(Icmp6("fe80::9", "ff02::1", 134, 0, advertisement, 255).frame(GroupMac("ff02::1")));
    Bytes redirect = Bytes(4, 0) + V6("fe80::9") + V6("2001:db8:5::1");
    receive(Icmp6("fe80::254", "2001:db8::25", 137, 0, redirect, 255).frame());
    EXPECT_EQ(counter(IP_RX_ND_IGNORED), 2u);
    EXPECT_EQ(ip->neighbours.used, 0u);
    output6("2001:db8:5::1");
    EXPECT_EQ(Part(wan.out.at(0).bytes, 38, 16), V6("ff02::1:ff00:254")) << "still the gateway";
}

TEST_F(Nd, IsInNoGroupsButItsOwn)
{
    for (const char *group : {"ff02::1:ff00:99", "ff02::fb", "ff02::2", "ff05::1"})
        receive(Solicitation("2001:db8::9", group, "2001:db8::25").frame(GroupMac(group)));
    EXPECT_EQ(counter(IP_RX_NOT_OURS), 4u);
    EXPECT_TRUE(wan.out.empty());
}

struct NoNd : Stack {
};

TEST_F(NoNd, SpeaksNoIpv6OnALinkWithoutSuchAnAddress)
{
    receive(Icmp6("fe80::9", kLinkLocal, 135, 0, Bytes(4, 0) + V6(kLinkLocal), 255).frame());
    EXPECT_EQ(counter(IP_RX_ETHERTYPE), 1u);
    ip_announce(ip);
    for (auto &s : wan.out)
        EXPECT_EQ(Get16(s.bytes, 12), 0x0806u);
}

} // namespace
