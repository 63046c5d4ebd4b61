// SPDX-License-Identifier: BSD-3-Clause
// Which way leads where.
#include "tests/drivers/ip/wire.h"

namespace
{

struct Route : Stack {
    // "link source", or "none".
    std::string way(const std::string &dst, const std::string &src = "0.0.0.0")
    {
        struct ip_addr s = Addr(src), d = Addr(dst);
        struct ip_route r;
        if (!ip_route(ip, &s, &d, &r))
            return "none";
        return std::string(r.link == 0 ? "wan " : "lan ") + Text(r.source);
    }
};

TEST_F(Route, PrefersAConnectedNetworkToTheGateway)
{
    EXPECT_EQ(way("10.9.9.9"), "lan 10.0.0.1");
    EXPECT_EQ(way("192.0.2.9"), "wan 192.0.2.25");
    EXPECT_EQ(way("203.0.113.5"), "wan 192.0.2.25");
}

TEST_F(Route, LeavesByTheLinkOfItsSourceAddress)
{
    EXPECT_EQ(way("203.0.113.5", "192.0.2.26"), "wan 192.0.2.26");
    EXPECT_EQ(way("10.9.9.9", "192.0.2.25"), "wan 192.0.2.25") << "through the gateway";
    EXPECT_EQ(way("203.0.113.5", "10.0.0.1"), "wan 10.0.0.1") << "lan has no gateway";
}

TEST_F(Route, IsRefusedWhereThereIsNone)
{
    EXPECT_EQ(way("203.0.113.5", "192.0.2.99"), "none") << "not our source";
    EXPECT_EQ(way("192.0.2.26"), "none") << "ourselves";
    EXPECT_EQ(way("10.0.0.1", "192.0.2.25"), "none") << "ourselves";
    EXPECT_EQ(way("0.0.0.0"), "none");
    EXPECT_EQ(way("2001:db8::1"), "none");
    EXPECT_EQ(way("2001:db8::1", "192.0.2.25"), "none");
}

TEST_F(Route, SaysWhatTheLinkCanDo)
{
    struct ip_addr d = Addr("192.0.2.9");
    struct ip_route r;
    wan.link.mtu = 1400;
    wan.link.caps.tso = true;
    ASSERT_TRUE(ip_route(ip, nullptr, &d, &r));
    EXPECT_EQ(r.mtu, 1400u);
    EXPECT_TRUE(r.caps.tso);
}

TEST_F(Route, KnowsItsOwnAddresses)
{
    for (const char *ours : {"192.0.2.25", "192.0.2.26", "10.0.0.1"}) {
        struct ip_addr a = Addr(ours);
        EXPECT_TRUE(ip_is_local(ip, &a));
    }
    struct ip_addr a = Addr("192.0.2.27");
    EXPECT_FALSE(ip_is_local(ip, &a));
}

} // namespace
