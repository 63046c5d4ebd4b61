// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "drivers/base/addr.h"
}

namespace
{

std::string Endpoint(const std::string &text, uint16_t port = 0)
{
    struct endpoint e;
    char buf[ADDR_TEXT_SIZE];
    if (!endpoint_parse(text.data(), text.size(), port, &e))
        return "error";
    return endpoint_format(&e, buf);
}

std::string Prefix(const std::string &text, bool strict)
{
    struct ip_prefix p;
    char buf[ADDR_TEXT_SIZE];
    if (!ip_prefix_parse(text.data(), text.size(), strict, &p))
        return "error";
    return ip_prefix_format(&p, buf);
}

TEST(Endpoint, ReadsBothFamilies)
{
    EXPECT_EQ(Endpoint("192.0.2.1:25"), "192.0.2.1:25");
    EXPECT_EQ(Endpoint("192.0.2.1", 25), "192.0.2.1:25");
    EXPECT_EQ(Endpoint("[2001:db8::1]:25"), "[2001:db8::1]:25");
    EXPECT_EQ(Endpoint("2001:db8::1", 25), "[2001:db8::1]:25");
    EXPECT_EQ(Endpoint("[2001:db8::1]", 587), "[2001:db8::1]:587");
}

TEST(Endpoint, RefusesWhatIsNotOne)
{
    for (const char *bad : {"", ":", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536",
                            "192.0.2.1:+25", "192.0.2.1:025", "192.0.2.256:25", "192.0.2.1:25 ",
                            "[2001:db8::1", "[2001:db8::1]25", "mail.example.com:25"})
        EXPECT_EQ(Endpoint(bad), "error") << bad;
}

TEST(Address, OfNoHostSaysWhy)
{
    auto why = [](const std::string &text) -> std::string {
        struct ip_addr a;
        if (!ip_addr_parse(text.data(), text.size(), &a))
            return "error";
        const char *reason = ip_addr_no_host(&a);
        return reason != nullptr ? reason : "";
    };
    for (const char *good : {"192.0.2.1", "10.0.0.0", "223.255.255.255", "2001:db8::1", "fe80::1"})
        EXPECT_EQ(why(good), "") << good;
    for (const char *any : {"0.0.0.0", "::"})
        EXPECT_EQ(why(any), "is no host's address") << any;
    for (const char *loopback : {"127.0.0.1", "127.255.255.254", "::1"})
        EXPECT_EQ(why(loopback), "is a loopback address") << loopback;
    for (const char *group : {"224.0.0.1", "240.0.0.1", "255.255.255.255", "ff02::1"})
        EXPECT_EQ(why(group), "is a multicast or reserved address") << group;
}

TEST(Prefix, ContainsItsNetworkAndNothingElse)
{
    struct ip_prefix p;
    struct ip_addr in, out;
    ASSERT_TRUE(ip_prefix_parse("192.0.2.128/25", 14, true, &p));
    ASSERT_TRUE(ip_addr_parse("192.0.2.200", 11, &in));
    ASSERT_TRUE(ip_addr_parse("192.0.2.127", 11, &out));
    EXPECT_TRUE(ip_prefix_contains(&p, &in));
    EXPECT_FALSE(ip_prefix_contains(&p, &out));
}

TEST(Prefix, ClearsOrRefusesHostBits)
{
    EXPECT_EQ(Prefix("192.0.2.25/24", false), "192.0.2.0/24");
    EXPECT_EQ(Prefix("192.0.2.25/24", true), "error");
    EXPECT_EQ(Prefix("192.0.2.25", true), "192.0.2.25/32");
    EXPECT_EQ(Prefix("2001:db8::/32", true), "2001:db8::/32");
    EXPECT_EQ(Prefix("0.0.0.0/0", true), "0.0.0.0/0");
    EXPECT_EQ(Prefix("192.0.2.0/33", true), "error");
}

} // namespace
