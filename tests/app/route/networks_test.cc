// SPDX-License-Identifier: BSD-3-Clause
// Longest prefix match, also against a plain search.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/app/route/fixture.h"

extern "C" {
#include "app/route/networks.h"
}

namespace
{

struct ip_prefix Prefix(const std::string &text)
{
    struct ip_prefix p = {};
    EXPECT_TRUE(ip_prefix_parse(text.data(), text.size(), true, &p)) << text;
    return p;
}

struct Table {
    struct networks n = {};
    ~Table()
    {
        networks_free(&n);
    }
    bool Add(const std::string &prefix, uint8_t value)
    {
        struct ip_prefix p = Prefix(prefix);
        return networks_add(&n, &p, value);
    }
    int Find(const std::string &address)
    {
        struct ip_addr a = Ip(address);
        return networks_find(&n, &a);
    }
};

TEST(Networks, TheLongestPrefixWins)
{
    Table t;
    EXPECT_TRUE(t.Add("10.0.0.0/8", 1));
    EXPECT_TRUE(t.Add("10.9.0.0/16", 2));
    EXPECT_TRUE(t.Add("10.9.9.9/32", 1));
    EXPECT_TRUE(t.Add("255.255.255.255/32", 2));
    EXPECT_TRUE(t.Add("ffff::/16", 1));
    networks_finish(&t.n);
    EXPECT_EQ(t.Find("9.255.255.255"), 0);
    EXPECT_EQ(t.Find("10.0.0.0"), 1);
    EXPECT_EQ(t.Find("10.8.255.255"), 1);
    EXPECT_EQ(t.Find("10.9.0.0"), 2);
    EXPECT_EQ(t.Find("10.9.9.8"), 2);
    EXPECT_EQ(t.Find("10.9.9.9"), 1);
    EXPECT_EQ(t.Find("10.9.9.10"), 2);
    EXPECT_EQ(t.Find("10.255.255.255"), 1);
    EXPECT_EQ(t.Find("11.0.0.0"), 0);
    EXPECT_EQ(t.Find("255.255.255.255"), 2);
    EXPECT_EQ(t.Find("::1"), 0);
    EXPECT_EQ(t.Find("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 1) << "nothing comes after it";
}

TEST(Networks, OnePrefixHasOneValue)
{
    Table t;
    EXPECT_TRUE(t.Add("10.0.0.0/8", 1));
    EXPECT_TRUE(t.Add("10.0.0.0/8", 1));
    EXPECT_FALSE(t.Add("10.0.0.0/8", 2));
}

TEST(Networks, AnEmptyTableKnowsNobody)
{
    Table t;
    EXPECT_EQ(t.Find("10.0.0.1"), 0);
    networks_finish(&t.n);
    EXPECT_EQ(t.Find("10.0.0.1"), 0);
}

TEST(Networks, AgreeWithAPlainSearch)
{
    std::mt19937 random(5);
    for (int round = 0; round < 300; round++) {
        Table t;
        std::vector<std::pair<struct ip_prefix, uint8_t>> plain;
        for (unsigned i = random() % 12; i > 0; i--) {
            // Few distinct bytes, so that prefixes nest and touch.
            std::string text = (random() % 2 ? "10." : "11.") + std::to_string(random() % 3) + "." +
                               std::to_string(254 + random() % 2) + "." +
                               std::to_string(random() % 4 * 64) + "/" +
                               std::to_string(random() % 33);
            struct ip_prefix p;
            ASSERT_TRUE(ip_prefix_parse(text.data(), text.size(), false, &p));
            uint8_t value = (uint8_t)(1 + random() % 2);
            if (networks_add(&t.n, &p, value))
                plain.emplace_back(p, value);
        }
        networks_finish(&t.n);
        for (int i = 0; i < 300; i++) {
            struct ip_addr a = ip_addr_from_v4(__builtin_bswap32(
                0x0a000000u + random() % 2 * 0x1000000u + random() % 4 * 0x10000u +
                (253 + random() % 3) * 256 + random() % 256));
            int want = 0, longest = -1;
            for (auto &[p, value] : plain)
                if (ip_prefix_contains(&p, &a) && p.len > longest) {
                    longest = p.len;
                    want = value;
                }
            ASSERT_EQ(networks_find(&t.n, &a), want);
        }
    }
}

} // namespace
