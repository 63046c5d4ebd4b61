// SPDX-License-Identifier: BSD-3-Clause
// Lists of servers.
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "app/route/servers.h"
}

namespace
{

// The list read and written, with priorities and weights; or what is wrong and what is allowed.
std::string Read(const std::string &text)
{
    struct servers s;
    const char *item, *why;
    size_t len;
    char buf[ADDR_TEXT_SIZE];
    std::string out;
    if (!servers_parse(text.c_str(), nullptr, &s, &item, &len, &why))
        return "'" + std::string(item, len) + "': " + std::string(why).substr(0, 30);
    for (unsigned i = 0; i < s.count; i++)
        out += endpoint_format(&s.list[i].at, buf) + ("/" + std::to_string(s.list[i].priority)) +
               "/" + std::to_string(s.list[i].weight) + " ";
    return out;
}

TEST(Servers, OneIsAnAddressAndAPort)
{
    EXPECT_EQ(Read("192.0.2.1"), "192.0.2.1:25/10/1 ");
    EXPECT_EQ(Read("[2001:db8::1]:2525"), "[2001:db8::1]:2525/10/1 ");
}

TEST(Servers, TheLowestPriorityComesFirstAndElseTheOperatorsOrderStays)
{
    EXPECT_EQ(Read("192.0.2.1 priority 20,192.0.2.2:26 weight 3 , 192.0.2.3 weight 2 priority 20,"
                   "\t192.0.2.4  priority  0"),
              "192.0.2.4:25/0/1 192.0.2.2:26/10/3 192.0.2.1:25/20/1 192.0.2.3:25/20/2 ");
}

TEST(Servers, WhatIsWrongIsNamed)
{
    EXPECT_EQ(Read("192.0.2.1, mx.example"), "' mx.example': ADDRESS:PORT, or ADDRESS alone");
    EXPECT_EQ(Read("192.0.2.1,"), "'': ADDRESS:PORT, or ADDRESS alone");
    EXPECT_EQ(Read("192.0.2.1 20"), "'192.0.2.1 20': behind the address: priority 0");
    EXPECT_EQ(Read("192.0.2.1 priority"), "'192.0.2.1 priority': behind the address: priority 0");
    EXPECT_EQ(Read("192.0.2.1 priority 65536"),
              "'192.0.2.1 priority 65536': behind the address: priority 0");
    EXPECT_EQ(Read("192.0.2.1 weight 0"), "'192.0.2.1 weight 0': behind the address: priority 0");
    EXPECT_EQ(Read("192.0.2.1, 192.0.2.1:25 priority 3"),
              "' 192.0.2.1:25 priority 3': each server once");
}

TEST(Servers, ThereAreSixteenAtMost)
{
    std::string text = "192.0.2.1";
    for (int i = 2; i <= 16; i++)
        text += ", 192.0.2." + std::to_string(i);
    struct servers s;
    const char *item, *why;
    size_t len;
    char buf[SERVERS_TEXT_SIZE];
    ASSERT_TRUE(servers_parse(text.c_str(), nullptr, &s, &item, &len, &why));
    EXPECT_EQ(s.count, 16u);
    EXPECT_EQ(std::string(servers_format(&s, buf)).substr(0, 28), "192.0.2.1:25, 192.0.2.2:25, ");
    EXPECT_EQ(Read(text + ", 192.0.2.99"), "' 192.0.2.99': at most 16 servers");
}

} // namespace
