// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "smtp_test.h"

extern "C" {
#include "app/smtp/identity.h"
#include "app/smtp/proxy.h"
#include "app/smtp/xclient.h"
}

namespace
{

struct endpoint Endpoint(const char *text)
{
    struct endpoint e;
    EXPECT_TRUE(endpoint_parse(text, strlen(text), 0, &e));
    return e;
}

struct smtp_identity Identity(const std::string &helo, const std::string &name = "",
                              const char *client = "192.0.2.1:4711")
{
    struct smtp_identity id = {};
    id.client = Endpoint(client);
    id.server = Endpoint("192.0.2.25:25");
    id.extended = true;
    strcpy(id.helo, helo.c_str());
    strcpy(id.name, name.c_str());
    return id;
}

const char kOffered[] = " NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT IDENT SOURCE";

std::string Said(enum smtp_identity_kind kind, const struct smtp_identity &id,
                 const std::string &offered = kOffered)
{
    char buf[1024];
    uint32_t bits = smtp_identity_offered(Span(offered));
    size_t len = smtp_format_identity(buf, sizeof(buf), kind, bits, &id);
    for (size_t less = 0; less < len; less++) {
        // No room for the whole: names go first, then nothing is said.
        char small[1024];
        EXPECT_LE(smtp_format_identity(small, less, kind, bits, &id), less);
    }
    return std::string(buf, len);
}

TEST(Identity, IsSaidInTheAttributesThatAreOffered)
{
    EXPECT_EQ(Said(IDENTITY_XCLIENT, Identity("client.example", "mail.example")),
              "XCLIENT NAME=mail.example ADDR=192.0.2.1 PORT=4711 PROTO=ESMTP HELO=client.example "
              "LOGIN=[UNAVAILABLE] DESTADDR=192.0.2.25 DESTPORT=25\r\n");
    EXPECT_EQ(Said(IDENTITY_XFORWARD, Identity("client.example", "", "[2001:db8::1]:1"),
                   "  HELO  ADDR NAME"),
              "XFORWARD NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::1 HELO=client.example\r\n");
    EXPECT_EQ(Said(IDENTITY_XCLIENT, Identity("x"), " COLOUR"), "");
}

TEST(Identity, NoByteOfANameEndsAValueOrALine)
{
    EXPECT_EQ(Said(IDENTITY_XCLIENT, Identity("a b=c+d\r\nQUIT\x01\xff[", ""), "HELO"),
              "XCLIENT HELO=a+20b+3Dc+2Bd+0D+0AQUIT+01+FF+5B\r\n");
}

TEST(Identity, ALineIsNoLongerThan512OctetsWhateverTheNamesAre)
{
    std::string name = std::string(60, 'n') + "." + std::string(60, 'n') + "." +
                       std::string(60, 'n') + "." + std::string(60, 'n');
    std::string said = Said(IDENTITY_XCLIENT, Identity(std::string(255, ' '), name));
    EXPECT_LE(said.size(), 512u);
    EXPECT_NE(said.find("HELO=[UNAVAILABLE]"), std::string::npos);
    EXPECT_NE(said.find("NAME=" + name), std::string::npos);
}

TEST(Identity, WhatWeSayWeWouldUnderstand)
{
    struct smtp_identity id = Identity("a b=c+d", "mail.example", "[2001:db8::1]:4711");
    std::string said = Said(IDENTITY_XCLIENT, id);
    std::string argument = said.substr(8, said.size() - 10);
    struct smtp_xclient x;
    ASSERT_TRUE(smtp_xclient_parse(Span(argument), &x));
    EXPECT_TRUE(endpoint_equal(&x.client, &id.client));
    EXPECT_TRUE(endpoint_equal(&x.server, &id.server));
    EXPECT_STREQ(x.helo, id.helo);
    EXPECT_STREQ(x.name, id.name);
}

TEST(Identity, IsEqualOnlyInEverything)
{
    struct smtp_identity a = Identity("x", "y"), b = a;
    EXPECT_TRUE(smtp_identity_equal(&a, &b));
    for (int i = 0; i < 5; i++) {
        b = a;
        if (i == 0)
            b.client.port++;
        else if (i == 1)
            b.server.addr.b[15]++;
        else if (i == 2)
            b.extended = false;
        else if (i == 3)
            b.helo[0]++;
        else
            b.name[1] = 'z';
        EXPECT_FALSE(smtp_identity_equal(&a, &b)) << i;
    }
}

TEST(Identity, AsAProxyHeaderIsReadAsItWasWritten)
{
    for (const char *client : {"192.0.2.1:4711", "[2001:db8::1]:1"})
        for (const char *server : {"192.0.2.25:25", "[2001:db8::25]:25"}) {
            struct endpoint from = Endpoint(client), to = Endpoint(server);
            uint8_t buf[PROXY_WRITTEN_MAX];
            struct proxy_header h;
            size_t len = proxy_format(buf, sizeof(buf), &from, &to);
            ASSERT_EQ(proxy_parse(buf, len, &h), PROXY_COMPLETE);
            EXPECT_TRUE(h.len == len && h.relayed);
            EXPECT_TRUE(endpoint_equal(&h.client, &from) && endpoint_equal(&h.server, &to));
            EXPECT_EQ(proxy_format(buf, sizeof(buf) - 1, &from, &to), 0u);
        }
    uint8_t buf[PROXY_WRITTEN_MAX];
    struct proxy_header h;
    size_t len = proxy_format(buf, sizeof(buf), nullptr, nullptr);
    ASSERT_EQ(proxy_parse(buf, len, &h), PROXY_COMPLETE);
    EXPECT_TRUE(h.len == len && !h.relayed);
}

} // namespace
