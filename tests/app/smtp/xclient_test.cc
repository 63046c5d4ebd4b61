// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "smtp_test.h"

extern "C" {
#include "app/smtp/xclient.h"
}

namespace
{

// What is given, as words; "refused" where the argument is.
std::string Parsed(const std::string &argument)
{
    struct smtp_xclient x;
    std::string text;
    if (!smtp_xclient_parse(Span(argument), &x))
        return "refused";
    for (int i = 0; i < SMTP_ATTRIBUTE_COUNT; i++) {
        if ((x.given & 1u << i) == 0)
            continue;
        auto a = static_cast<enum smtp_attribute>(i);
        char addr[ADDR_TEXT_SIZE];
        text += std::string(text.empty() ? "" : " ") + smtp_attribute_name(a) + ":";
        if (a == SMTP_ATTRIBUTE_NAME)
            text += x.name;
        else if (a == SMTP_ATTRIBUTE_HELO)
            text += x.helo;
        else if (a == SMTP_ATTRIBUTE_ADDR)
            text += ip_addr_format(&x.client.addr, addr);
        else if (a == SMTP_ATTRIBUTE_DESTADDR)
            text += ip_addr_format(&x.server.addr, addr);
        else if (a == SMTP_ATTRIBUTE_PORT)
            text += std::to_string(x.client.port);
        else if (a == SMTP_ATTRIBUTE_DESTPORT)
            text += std::to_string(x.server.port);
    }
    return text;
}

TEST(Xclient, SaysWhoTheClientIs)
{
    EXPECT_EQ(Parsed("NAME=spike.porcupine.org ADDR=168.100.189.2"),
              "NAME:spike.porcupine.org ADDR:168.100.189.2");
    EXPECT_EQ(Parsed("addr=IPv6:2001:db8::1 Port=4711  HELO=there PROTO=esmtp LOGIN=a+40b"),
              "ADDR:2001:db8::1 PORT:4711 PROTO: HELO:there LOGIN:");
    EXPECT_EQ(Parsed("DESTADDR=192.0.2.25 DESTPORT=25"), "DESTADDR:192.0.2.25 DESTPORT:25");
}

TEST(Xclient, WhatIsUnavailableIsZeroOrEmpty)
{
    EXPECT_EQ(Parsed("NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE] HELO=[UNAVAILABLE]"),
              "NAME: ADDR:0.0.0.0 PORT:0 HELO:");
    EXPECT_EQ(Parsed("NAME=[TEMPUNAVAIL]"), "NAME:");
}

TEST(Xclient, DecodesXtext)
{
    EXPECT_EQ(Parsed("HELO=a+20b+2Bc+3d"), "HELO:a b+c=");
    EXPECT_EQ(Parsed("ADDR=+31.2.3.4"), "ADDR:1.2.3.4");
    for (const char *bad : {"HELO=a+", "HELO=a+2", "HELO=a+2g", "HELO=a+g2", "HELO=a=b", "HELO="})
        EXPECT_EQ(Parsed(bad), "refused") << bad;
}

TEST(Xclient, NoControlCharacterComesOutOfXtext)
{
    EXPECT_EQ(Parsed("HELO=a+0D+0AQUIT+0D+0A+00+FF"), "HELO:a??QUIT????");
    EXPECT_EQ(Parsed("NAME=a+0D+0Ab"), "refused");
    EXPECT_EQ(Parsed("ADDR=1.2.3.4+00"), "refused");
    EXPECT_EQ(Parsed("HELO=a\x01"), "refused");
    EXPECT_EQ(Parsed("HELO=\xc3\xbc"), "refused");
}

TEST(Xclient, RefusesWhatItDoesNotUnderstand)
{
    for (const char *bad : {"", "NAME", "=x", "COLOUR=green", "NAME=a.b NAME=a.b",
                            "ADDR=2001:db8::1", "ADDR=IPV6:1.2.3.4", "ADDR=1.2.3", "ADDR=host",
                            "PORT=65536", "PORT=-1", "PORT=123456", "PORT=1x", "PROTO=LMTP",
                            "NAME=a..b", "NAME=a(b", " NAME=a", "NAME =a", "NAME=a,ADDR=1.2.3.4"})
        EXPECT_EQ(Parsed(bad), "refused") << bad;
}

TEST(Xclient, NamesAreNoLongerThanNamesMayBe)
{
    EXPECT_EQ(Parsed("HELO=" + std::string(255, 'x')), "HELO:" + std::string(255, 'x'));
    EXPECT_EQ(Parsed("HELO=" + std::string(256, 'x')), "refused");
}

} // namespace
