// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "smtp_test.h"

extern "C" {
#include "app/smtp/path.h"
}

namespace
{

// What the path at the front of text says, and what is left behind it.
std::string Path(const std::string &text)
{
    struct smtp_path p;
    size_t n = smtp_path_parse(text.data(), text.size(), &p);
    if (n == 0)
        return "no path";
    std::string s = Text(p.local) + " at " + Text(p.domain);
    if (p.quoted)
        s += ", quoted";
    if (p.source_route)
        s += ", routed";
    if (Text(p.address) != Text(p.local) + (p.domain.len > 0 ? "@" + Text(p.domain) : ""))
        s += ", address is " + Text(p.address);
    if (p.utf8)
        s += ", UTF-8";
    if (n < text.size())
        s += ", then '" + text.substr(n) + "'";
    return s;
}

bool Mailbox(const std::string &text)
{
    struct smtp_path p;
    return smtp_mailbox_parse(text.data(), text.size(), &p);
}

TEST(Path, IsALocalPartAndADomainBetweenAngleBrackets)
{
    EXPECT_EQ(Path("<alice@example.com>"), "alice at example.com");
    EXPECT_EQ(Path("<alice@example.com> SIZE=1"), "alice at example.com, then ' SIZE=1'");
    EXPECT_EQ(Path("<Alice.B+tag@mail-1.Example.COM>"), "Alice.B+tag at mail-1.Example.COM");
    EXPECT_EQ(Path("<!#$%&'*+-/=?^_`{|}~@a>"), "!#$%&'*+-/=?^_`{|}~ at a");
    EXPECT_EQ(Path("<a@1.2.3.4>"), "a at 1.2.3.4"); // a domain of digits, not a literal
    EXPECT_EQ(Path("<>"), " at ");
}

TEST(Path, NeedsItsBrackets)
{
    for (const char *bad :
         {"", "<", ">", "alice@example.com", "<alice@example.com", "alice@example.com>",
          "<alice@example.com ", " <alice@example.com>", "< alice@example.com>",
          "<alice@example.com >", "<<alice@example.com>>", "<\"alice@example.com>"})
        EXPECT_EQ(Path(bad), "no path") << bad;
}

TEST(Path, NeedsADomainUnlessItIsThePostmaster)
{
    EXPECT_EQ(Path("<postmaster>"), "postmaster at ");
    EXPECT_EQ(Path("<PostMaster>"), "PostMaster at ");
    for (const char *bad :
         {"<alice>", "<postmasters>", "<postmaster@>", "<@example.com>", "<@>", "<\"postmaster\">"})
        EXPECT_EQ(Path(bad), "no path") << bad;
}

TEST(Path, RefusesWhatTheGrammarDoesNotHave)
{
    for (const char *bad :
         {"<a@b@c>",  "<a b@c>",  "<a,b@c>",    "<a;b@c>",    "<a:b@c>",     "<(a)@c>",
          "<a[b]@c>", "<a\\b@c>", "<a\"b\"@c>", "<\"a\"b@c>", "<\"a\".b@c>", "<a@b..c>",
          "<a@.b>",   "<a@b.>",   "<a@-b>",     "<a@b->",     "<a@b.-c>",    "<a@b c>",
          "<a@b/c>",  "<a\tb@c>", "<a@b\tc>",   "<a\x7f@c>",  "<\xc3@c>",    "<a@\xa9.c>"})
        EXPECT_EQ(Path(bad), "no path") << bad;
    EXPECT_EQ(Path(std::string("<a\0@c>", 6)), "no path");
    EXPECT_EQ(Path(std::string("<a@c\0>", 6)), "no path");
    EXPECT_EQ(Path("<a\r\n@c>"), "no path");
}

TEST(Path, TakesDotsAnywhereInALocalPart)
{
    EXPECT_EQ(Path("<.a@b>"), ".a at b");
    EXPECT_EQ(Path("<a.@b>"), "a. at b");
    EXPECT_EQ(Path("<a..c@b>"), "a..c at b");
}

TEST(Path, TakesUnderscoresInADomain)
{
    EXPECT_EQ(Path("<a@my_host.example>"), "a at my_host.example");
    EXPECT_EQ(Path("<a@_x_>"), "a at _x_");
}

TEST(Path, TakesQuotedLocalParts)
{
    EXPECT_EQ(Path("<\"a b\"@c>"), "\"a b\" at c, quoted");
    EXPECT_EQ(Path("<\"a>b<@,;:()\"@c> X"), "\"a>b<@,;:()\" at c, quoted, then ' X'");
    EXPECT_EQ(Path("<\"a\\\"b\\\\\"@c>"), "\"a\\\"b\\\\\" at c, quoted");
    EXPECT_EQ(Path("<\"\"@c>"), "\"\" at c, quoted");
    EXPECT_EQ(Path("<\"\\a\\ \"@c>"), "\"\\a\\ \" at c, quoted");
    for (const char *bad :
         {"<\"a@c>", "<\"a\\\"@c>", "<\"@c>", "<\"\\", "<\"a\tb\"@c>", "<\"a\\\tb\"@c>",
          "<\"a\\\r\"@c>", "<\"\xc3\"@c>", "<\"\\\xc3\xa9\"@c>"})
        EXPECT_EQ(Path(bad), "no path") << bad;
}

TEST(Path, TakesUtf8AndSaysSo)
{
    // RFC 6531 §3.3
    EXPECT_EQ(Path("<\xc3\xa9@caf\xc3\xa9.c>"), "\xc3\xa9 at caf\xc3\xa9.c, UTF-8");
    EXPECT_EQ(Path("<\"\xc3\xa9 x\"@c>"), "\"\xc3\xa9 x\" at c, quoted, UTF-8");
    EXPECT_EQ(Path("<@\xc3\xa9.x:a@c>"), "a at c, routed, UTF-8");
    EXPECT_FALSE(smtp_is_domain(Span("caf\xc3\xa9.c")));
    EXPECT_FALSE(smtp_is_address(Span("\xc3\xa9@c")));
    EXPECT_TRUE(smtp_is_utf8_address(Span("\xc3\xa9@c")));
    EXPECT_FALSE(Mailbox("\xc3\xa9@c.example"));
}

TEST(Path, TakesAddressLiterals)
{
    EXPECT_EQ(Path("<a@[192.0.2.1]>"), "a at [192.0.2.1]");
    EXPECT_EQ(Path("<a@[IPv6:2001:db8::1]>"), "a at [IPv6:2001:db8::1]");
    EXPECT_EQ(Path("<a@[ipv6:::1]>"), "a at [ipv6:::1]");
    EXPECT_EQ(Path("<a@[x-tag:any$thing<>]>"), "a at [x-tag:any$thing<>]");
    for (const char *bad :
         {"<a@[]>", "<a@[192.0.2]>", "<a@[192.0.2.256]>", "<a@[192.0.2.1>", "<a@192.0.2.1]>",
          "<a@[192.0.2.1].b>", "<a@[IPv6:192.0.2.1]>", "<a@[IPv6:2001:db8::g]>", "<a@[IPv6:]>",
          "<a@[::1]>", "<a@[x:]>", "<a@[x-:y]>", "<a@[x$:y]>", "<a@[x:y z]>", "<a@[x:[y]]>",
          "<a@[x:\\y]>"})
        EXPECT_EQ(Path(bad), "no path") << bad;
}

TEST(Path, LosesItsSourceRoute)
{
    EXPECT_EQ(Path("<@one:a@b>"), "a at b, routed");
    EXPECT_EQ(Path("<@one.example,@two.example:a@b>"), "a at b, routed");
    for (const char *bad :
         {"<@one>", "<@one:>", "<@one,a@b>", "<@one,:a@b>", "<@one,two:a@b>", "<@:a@b>",
          "<@one a@b>", "<@one!a@b>", "<@one\"a\"@b>", "<one:a@b>", "<@one: a@b>", "<@one,@two>"})
        EXPECT_EQ(Path(bad), "no path") << bad;
}

TEST(Path, HasLabelsOfAtMost63Octets)
{
    std::string label(63, 'x');
    EXPECT_EQ(Path("<a@" + label + ".b>"), "a at " + label + ".b");
    EXPECT_EQ(Path("<a@" + label + "x.b>"), "no path");
    EXPECT_EQ(Path("<a@b." + label + "x>"), "no path");
}

TEST(Mailbox, IsAWholeAddress)
{
    EXPECT_TRUE(Mailbox("alice@example.com"));
    EXPECT_TRUE(Mailbox("\"a b\"@example.com"));
    EXPECT_TRUE(Mailbox("a@[192.0.2.1]"));
    for (const char *bad :
         {"", "alice", "postmaster", "<alice@example.com>", "@x:alice@example.com",
          "alice@example.com ", " alice@example.com", "a@b,c@d"})
        EXPECT_FALSE(Mailbox(bad)) << bad;
}

TEST(Mailbox, KeepsTheLimitsOfARecipient)
{
    std::string label(63, 'x'), domain = label + "." + label + "." + label; // 191 octets
    EXPECT_TRUE(Mailbox(std::string(64, 'a') + "@b"));
    EXPECT_FALSE(Mailbox(std::string(65, 'a') + "@b"));
    EXPECT_TRUE(Mailbox(std::string(62, 'a') + "@" + domain)); // 254 and the brackets
    EXPECT_FALSE(Mailbox(std::string(63, 'a') + "@" + domain));
}

} // namespace
