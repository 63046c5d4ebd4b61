// SPDX-License-Identifier: BSD-3-Clause
// MLD: who is told of our groups.
#include "tests/drivers/ip/wire.h"

namespace
{

struct Mld : DualStack {
    static constexpr const char *kLinkLocal = "fe80::ff:fe00:1";

    static Bytes Alert()
    {
        return {IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0};
    }
    // Our report with a record of that type for each group of ours.
    static Bytes Report(uint8_t type)
    {
        Bytes records;
        for (const char *group : {"ff02::1:ff00:1", "ff02::1:ff00:25", "ff02::1:ff00:26"})
            records = records + Bytes{type, 0, 0, 0} + V6(group);
        Ip6 p = Icmp6(kLinkLocal, "ff02::16", 143, 0, Be16(0) + Be16(3) + records, 1);
        p.protocol = 0;
        p.extensions = Alert();
        return p.frame(GroupMac("ff02::16"), kOurs);
    }
    // A router's question for all groups, to be answered within a second.
    static Ip6 Query(const std::string &from = "fe80::9")
    {
        Ip6 p = Icmp6(from, "ff02::1", 130, 0, Be16(1000) + Be16(0) + V6("::") + Bytes(4, 0), 1);
        p.protocol = 0;
        p.extensions = Alert();
        return p;
    }
    unsigned reports(uint8_t type)
    {
        unsigned count = 0;
        for (auto &s : wan.out)
            count += s.bytes == Report(type);
        return count;
    }
};

TEST_F(Mld, SaysThatWeHaveJoinedOurGroupsEachOnce_Rfc3810_6_1)
{
    ip_announce(ip);
    EXPECT_EQ(reports(4), 1u);
    pass(2 * NSEC_PER_SEC);
    EXPECT_EQ(reports(4), 2u);
    for (auto &s : lan.out)
        EXPECT_EQ(Get16(s.bytes, 12), 0x0806u) << "lan speaks no IPv6";
}

TEST_F(Mld, AnswersQueriesOnceWithinTheirTime_Rfc3810_6_2)
{
    receive(Query().frame(GroupMac("ff02::1")));
    receive(Query().frame(GroupMac("ff02::1")));
    EXPECT_TRUE(wan.out.empty());
    pass(NSEC_PER_SEC);
    EXPECT_EQ(wan.out.size(), 1u);
    EXPECT_EQ(reports(2), 1u);
}

TEST_F(Mld, AnswersNobodyButARouterOfTheLink_Rfc3810_5_1_14)
{
    receive(Query("2001:db8::9").frame(GroupMac("ff02::1")));
    Ip6 far = Query();
    far.hop_limit = 64;
    receive(far.frame(GroupMac("ff02::1")));
    Ip6 silent = Query();
    silent.extensions = {};
    silent.protocol = IPPROTO_ICMPV6;
    receive(silent.frame(GroupMac("ff02::1")));
    EXPECT_EQ(counter(IP_RX_ICMP_BAD), 3u);
    pass(NSEC_PER_SEC);
    EXPECT_TRUE(wan.out.empty());
}

} // namespace
