// SPDX-License-Identifier: BSD-3-Clause
// Who gets a recipient: DESIGN's table of verdicts, and each of the rules below it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/route/fixture.h"

namespace
{
using ::testing::IsEmpty;

const std::map<std::string, std::string> kFiles = {
    {"m", "alice\nbob.builder\n\"john doe\"\n/sales-[a-z]+/\n!/.*-emea/\n!dave\n\"per%cent\"\n"}};

const char kOutside[] = "203.0.113.9";
const char kMailboxServer[] = "192.0.2.10";
const char kExternalServer[] = "198.51.100.7";

std::string Unsplit()
{
    std::string ini = kSplit;
    return ini.replace(ini.find("routing = yes"), 13, "routing = no");
}

TEST(Verdict, FollowsTheTable)
{
    Routed split(kSplit, kFiles), unsplit(Unsplit(), kFiles);
    ASSERT_THAT(split.Errors(), IsEmpty());
    ASSERT_THAT(unsplit.Errors(), IsEmpty());
    //    domain  mailbox  split routing on                              split routing off
    struct {
        const char *address, *split, *unsplit;
    } table[] = {
        {"alice@example.com", "local", "local"},
        {"nobody@example.com", "external", "unknown"},
        {"alice@example.org", "refused", "refused"},
        {"alice@sub.example.com", "refused", "refused"},
        {"alice@com", "refused", "refused"},
    };
    for (auto &row : table) {
        EXPECT_EQ(split.Verdict(row.address, kOutside), row.split) << row.address;
        EXPECT_EQ(unsplit.Verdict(row.address, kOutside), row.unsplit) << row.address;
    }
}

TEST(Verdict, HasTheRepliesOfTheTable)
{
    EXPECT_STREQ(verdict_reply(VERDICT_LOCAL), "");
    EXPECT_STREQ(verdict_reply(VERDICT_EXTERNAL), "");
    EXPECT_STREQ(verdict_reply(VERDICT_UNKNOWN), "550 5.1.1 No such mailbox here");
    EXPECT_STREQ(verdict_reply(VERDICT_REFUSED), "550 5.7.1 Relaying denied");
    EXPECT_STREQ(verdict_reply(VERDICT_SAME_SIDE),
                 "550 5.1.1 No such mailbox: neither side has it");
    EXPECT_STREQ(verdict_reply(VERDICT_ROUTED), "550 5.1.3 Routed addresses are not accepted");
    EXPECT_EQ(std::string(verdict_reply(VERDICT_FAILED)).substr(0, 3), "451");
}

TEST(Verdict, NamesTheNextHopAndWhatGatesIt)
{
    Routed r(kSplit, kFiles);
    char buf[ADDR_TEXT_SIZE];
    struct route local = r.Route("alice@example.com");
    ASSERT_EQ(local.hop_count, 1u);
    EXPECT_STREQ(endpoint_format(&local.hops[0].server, buf), "192.0.2.10:25");
    EXPECT_EQ(local.hops[0].side, SIDE_LOCAL);
    EXPECT_EQ(local.hops[0].probe, ROUTE_NO_PROBE);
    struct route external = r.Route("nobody@example.com");
    ASSERT_EQ(external.hop_count, 1u);
    EXPECT_STREQ(endpoint_format(&external.hops[0].server, buf), "198.51.100.7:2525");
    EXPECT_EQ(external.hops[0].side, SIDE_EXTERNAL);
    EXPECT_EQ(external.hops[0].probe, 0);
    EXPECT_EQ(r.Route("alice@example.org").hop_count, 0u);
}

TEST(Side, IsByDefaultTheServersOwnAddress)
{
    Routed r(kSplit, kFiles);
    EXPECT_EQ(r.Route("alice@example.com", kMailboxServer).from, SIDE_LOCAL);
    EXPECT_EQ(r.Route("alice@example.com", kExternalServer).from, SIDE_EXTERNAL);
    EXPECT_EQ(r.Route("alice@example.com", "192.0.2.11").from, SIDE_OUTSIDE);
    EXPECT_EQ(r.Route("alice@example.com").from, SIDE_OUTSIDE);
}

TEST(Side, NeverGetsItsOwnMailBack)
{
    Routed r(kSplit, kFiles);
    EXPECT_EQ(r.Verdict("alice@example.com", kMailboxServer), "same-side");
    EXPECT_EQ(r.Verdict("alice@example.com", kExternalServer), "local");
    EXPECT_EQ(r.Verdict("nobody@example.com", kMailboxServer), "external");
    EXPECT_EQ(r.Verdict("nobody@example.com", kExternalServer), "same-side");
    EXPECT_EQ(r.Verdict("postmaster@example.com", kMailboxServer), "same-side");
    EXPECT_EQ(r.Route("nobody@example.com", kExternalServer).hop_count, 0u)
        << "no connection is to be opened";
}

TEST(Side, IsWhatTheOperatorSaysAndTheLongestNetworkWins)
{
    Routed r(kSplit +
                 "local_clients = 10.0.0.0/8, 2001:db8:a::/48\nexternal_clients = 10.9.0.0/16\n",
             kFiles);
    ASSERT_THAT(r.Errors(), IsEmpty());
    EXPECT_EQ(r.Verdict("alice@example.com", "10.1.2.3"), "same-side");
    EXPECT_EQ(r.Verdict("alice@example.com", "2001:db8:a::1"), "same-side");
    EXPECT_EQ(r.Verdict("alice@example.com", "10.9.2.3"), "local");
    EXPECT_EQ(r.Verdict("nobody@example.com", "10.9.2.3"), "same-side");
    EXPECT_EQ(r.Verdict("alice@example.com", kMailboxServer), "local") << "no longer the default";
}

TEST(Side, OfAnAddressThatBothServersHaveIsNeither)
{
    std::string ini = kSplit;
    ini.replace(ini.find("198.51.100.7"), 12, kMailboxServer);
    Routed r(ini, kFiles);
    ASSERT_THAT(r.Errors(), IsEmpty());
    EXPECT_EQ(r.Verdict("alice@example.com", kMailboxServer), "local");
    EXPECT_EQ(r.Verdict("nobody@example.com", kMailboxServer), "external");
    Routed said(ini + "local_clients = 192.0.2.10\n", kFiles);
    EXPECT_EQ(said.Verdict("alice@example.com", kMailboxServer), "same-side");
}

TEST(Side, OfAServerIsTheOperatorsToSay)
{
    Routed r(kSplit + "local_clients = 198.51.100.7\n", kFiles);
    ASSERT_THAT(r.Errors(), IsEmpty());
    EXPECT_EQ(r.Verdict("alice@example.com", kExternalServer), "same-side");
    EXPECT_EQ(r.Verdict("nobody@example.com", kExternalServer), "external");
}

TEST(Precedence, GoesFromTheWholeAddressToTheCatchAll)
{
    Routed r(kSplit + "subaddress_delimiter = +\n",
             {{"m", "alice\n!alice+lists\nbob+vip\n/alice.*/\n/.*-x/\n!/sales-.*/\n*\n!carol\n"}});
    ASSERT_THAT(r.Errors(), IsEmpty());
    struct {
        const char *local, *verdict, *rule;
    } table[] = {
        {"alice", "local", "alice"},
        {"alice+lists", "external", "!alice+lists"}, // the whole address before its base
        {"alice+other", "local", "alice"},
        {"carol+tag", "external", "!carol"}, // the base before the catch-all
        {"bob+vip", "local", "bob+vip"},
        {"bob", "local", "*"},
        {"alicia-x", "local", "/.*-x/"},
        {"sales-x", "external", "!/sales-.*/"}, // ! wins among expressions
        {"anybody", "local", "*"},
        {"+tag", "local", "*"}, // no base at all
    };
    for (auto &row : table) {
        std::string address = std::string(row.local) + "@example.com";
        EXPECT_EQ(r.Verdict(address), row.verdict) << address;
        EXPECT_EQ(r.Rule(address), row.rule) << address;
    }
}

TEST(Precedence, AnExpressionIsAboutTheWholeLocalPart)
{
    Routed r(kSplit, kFiles);
    EXPECT_EQ(r.Verdict("sales-one@example.com"), "local");
    EXPECT_EQ(r.Verdict("SALES-One@example.com"), "local");
    EXPECT_EQ(r.Verdict("presales-one@example.com"), "external");
    EXPECT_EQ(r.Verdict("sales-one1@example.com"), "external");
    EXPECT_EQ(r.Verdict("sales-emea@example.com"), "external");
    EXPECT_EQ(r.Rule("sales-emea@example.com"), "!/.*-emea/");
}

TEST(Precedence, OfExpressionsIsTheirOrderInTheFile)
{
    Routed r(kSplit, {{"m", "/z.*/\n/a.*/\n/.*b/\n!/.*x/\n!/ax/\n"}});
    EXPECT_EQ(r.Rule("ab@example.com"), "/a.*/");
    EXPECT_EQ(r.Rule("zb@example.com"), "/z.*/");
    EXPECT_EQ(r.Rule("ax@example.com"), "!/.*x/");
}

TEST(Precedence, WhatIsForcedExternalIsUnknownWhereRoutingIsOff)
{
    EXPECT_EQ(Routed(Unsplit(), kFiles).Verdict("dave@example.com"), "unknown");
    EXPECT_EQ(Routed(Unsplit(), {{"m", "*\n!dave\n"}}).Verdict("dave@example.com"), "unknown");
}

TEST(Address, ComparesAsMailSystemsDo)
{
    Routed r(kSplit, kFiles);
    for (const char *alice : {"alice@example.com", "ALICE@Example.COM", "\"alice\"@example.com",
                              "\"al\\ice\"@example.com", "<alice@example.com>",
                              "@relay.example,@b.example:alice@example.com"})
        EXPECT_EQ(r.Verdict(alice), "local") << alice;
    EXPECT_EQ(r.Verdict("\"John Doe\"@example.com"), "local");
    EXPECT_EQ(r.Verdict("al\xc4\xb1"
                        "ce@example.com"),
              "external")
        << "dotless i";
    EXPECT_EQ(r.Verdict("\xd0\xb0lice@example.com"), "external") << "Cyrillic a";
    EXPECT_EQ(r.Verdict("alice+tag@example.com"), "external") << "no delimiter is set";
}

TEST(Address, OfAnInternationalDomainHasTwoSpellings)
{
    std::string ini = kSplit;
    Routed r("[domain b\xc3\xbc"
             "cher.example]\n" +
                 kSplit.substr(kSplit.find('\n') + 1),
             {{"m", "alice\n"}});
    ASSERT_THAT(r.Errors(), IsEmpty());
    EXPECT_EQ(r.Verdict("alice@xn--bcher-kva.example"), "local");
    EXPECT_EQ(r.Verdict("alice@XN--Bcher-KVA.example"), "local");
    EXPECT_EQ(r.Verdict("alice@B\xc3\x9c"
                        "cher.example"),
              "local");
    EXPECT_EQ(r.Verdict("alice@bu\xcc\x88"
                        "cher.example"),
              "local")
        << "decomposed";
    EXPECT_EQ(r.Verdict("alice@bucher.example"), "refused");
}

TEST(Postmaster, FollowsTheSetAndIsOtherwiseTheMailboxServers)
{
    Routed r(kSplit, kFiles);
    EXPECT_EQ(r.Verdict("postmaster@example.com"), "local");
    EXPECT_EQ(r.Verdict("PostMaster@EXAMPLE.com"), "local");
    EXPECT_EQ(r.Rule("postmaster@example.com"), "postmaster");
    EXPECT_EQ(r.Verdict("postmaster@example.org"), "refused");
    EXPECT_EQ(Routed(Unsplit(), kFiles).Verdict("postmaster@example.com"), "local");

    Routed named(kSplit, {{"m", "alice\n!postmaster\n"}});
    EXPECT_EQ(named.Verdict("postmaster@example.com"), "external");

    Routed external(kSplit + "postmaster = external\n", kFiles);
    EXPECT_EQ(external.Verdict("postmaster@example.com"), "external");
}

TEST(Postmaster, WithoutADomainIsTheOneThatTheApplianceNames)
{
    std::string second = "[domain b.example]\n" + kSplit.substr(kSplit.find('\n') + 1);
    std::string other = second.replace(second.find("192.0.2.10"), 10, "192.0.2.20");
    Routed first(kSplit + other, kFiles);
    EXPECT_EQ(first.Explain("postmaster"), "postmaster\tlocal\t192.0.2.10:25\n");
    EXPECT_EQ(first.Explain("<Postmaster>"), "<Postmaster>\tlocal\t192.0.2.10:25\n");

    std::string around = kAround;
    around.insert(around.find("[port"), "postmaster = postmaster@B.example\n");
    Routed named(kSplit + other, kFiles, around);
    EXPECT_EQ(named.Explain("postmaster"), "postmaster\tlocal\t192.0.2.20:25\n");
    EXPECT_EQ(named.Verdict("abuse"), "bad-address");
}

const std::string kDefault = "[domain *]\nexternal_mail_server = 198.51.100.9\n"
                             "accept_from = 10.0.0.0/8\n";

TEST(DefaultDomain, TakesUnknownDomainsFromItsClientsOnly)
{
    Routed r(kSplit + kDefault, kFiles);
    ASSERT_THAT(r.Errors(), IsEmpty());
    EXPECT_EQ(r.Verdict("a@elsewhere.example", "10.1.1.1"), "external");
    EXPECT_EQ(r.Verdict("a@elsewhere.example", kOutside), "refused");
    EXPECT_EQ(r.Verdict("a@elsewhere.example"), "refused") << "--route is nobody's client";
    EXPECT_EQ(r.Verdict("alice@example.com", kOutside), "local") << "has a section of its own";
    EXPECT_EQ(r.Verdict("a@dotless", "10.1.1.1"), "refused");
    EXPECT_EQ(r.Verdict("a@[10.1.1.1]", "10.1.1.1"), "refused");
    EXPECT_EQ(r.Verdict("a%b.example@elsewhere.example", "10.1.1.1"), "routed-address");
    EXPECT_EQ(r.Verdict("postmaster@elsewhere.example", "10.1.1.1"), "external");
    EXPECT_EQ(r.Route("a@elsewhere.example", "10.1.1.1").hops[0].probe, 1);
}

TEST(DefaultDomain, DoesNotReturnMailToItsServer)
{
    Routed r(kSplit + "[domain *]\nexternal_mail_server = 10.0.0.9\naccept_from = 10.0.0.0/8\n",
             kFiles);
    EXPECT_EQ(r.Verdict("a@elsewhere.example", "10.0.0.9"), "same-side");
}

TEST(AcceptFrom, RestrictsADomainToItsClients)
{
    Routed r(kSplit + "accept_from = 203.0.113.0/24\n", kFiles);
    ASSERT_THAT(r.Errors(), IsEmpty());
    EXPECT_EQ(r.Verdict("alice@example.com", kOutside), "local");
    EXPECT_EQ(r.Verdict("alice@example.com", "203.0.114.1"), "refused");
}

// Ways in which relays have been made to relay: none may leave for another domain, or reach a
// mailbox server in a shape that it would pass on.
const char *const kRelayAttempts[] = {
    "user@elsewhere.example",
    "user%elsewhere.example@example.com",
    "alice+user%elsewhere.example@example.com",
    "sales-user%elsewhere.example@example.com",
    "user%elsewhere.example%example.com@example.com",
    "\"user%elsewhere.example\"@example.com",
    "\"user@elsewhere.example\"@example.com",
    "\"user\\@elsewhere.example\"@example.com",
    "\"alice@example.com@elsewhere.example\"@example.com",
    "elsewhere.example!user@example.com",
    "\"elsewhere.example!user\"@example.com",
    "@example.com:user@elsewhere.example",
    "@elsewhere.example,@example.com:user@third.example",
    "user@elsewhere.example@example.com",
    "user@[198.51.100.99]",
    "user@[IPv6:2001:db8::99]",
    "user@localhost",
    "user@example.com.elsewhere.example",
    "user@example.com.",
    "\"|/bin/sh\"@example.com",
    "|id@example.com",
    "/var/mail/root@example.com",
    ".forward@example.com",
    "\"a\\\\b\"@example.com",
    "\"/etc/passwd\"@example.com",
    "user@elsewhere.example,alice@example.com",
    "user@elsewhere.example> ORCPT=rfc822;alice@example.com",
    "alice@example.com> <user@elsewhere.example",
    "alice@example.com\r\nRCPT TO:<user@elsewhere.example",
    "\"alice\r\n\"@example.com",
    "alice@\xef\xbd\x85xample.com", // a fullwidth e
    "",
    "@",
    "@example.com",
    "alice@",
    "\"\"@example.com",
};

TEST(OpenRelay, NoneOfTheKnownWaysWorks)
{
    Routed r(kSplit + "subaddress_delimiter = +\n", {{"m", "alice\n/sales-.*/\n"}});
    Routed all(kSplit, {{"m", "*\n/.*/\n"}});
    ASSERT_THAT(r.Errors(), IsEmpty());
    ASSERT_THAT(all.Errors(), IsEmpty());
    for (const char *address : kRelayAttempts) {
        EXPECT_EQ(r.Route(address, kOutside).hop_count, 0u) << address;
        EXPECT_EQ(all.Route(address, kOutside).hop_count, 0u) << address;
        EXPECT_EQ(r.Route(address, kMailboxServer).hop_count, 0u) << address;
    }
}

TEST(RoutedAddress, IsAMailboxOnlyIfTheFileNamesIt)
{
    Routed r(kSplit, kFiles);
    EXPECT_EQ(r.Verdict("per%cent@example.com"), "local");
    EXPECT_EQ(r.Verdict("per%mille@example.com"), "routed-address");
    EXPECT_EQ(Routed(Unsplit(), kFiles).Verdict("per%mille@example.com"), "routed-address");
    Routed forced(kSplit, {{"m", "alice\n!\"per%cent\"\n"}});
    EXPECT_EQ(forced.Verdict("per%cent@example.com"), "routed-address");
}

TEST(Explain, PrintsAddressVerdictAndNextHop)
{
    Routed r(kSplit, kFiles);
    EXPECT_EQ(r.Explain("alice@example.com"), "alice@example.com\tlocal\t192.0.2.10:25\n");
    EXPECT_EQ(r.Explain("x@example.com"), "x@example.com\texternal\t198.51.100.7:2525\n");
    EXPECT_EQ(r.Explain("x@example.org"), "x@example.org\trefused\t-\n");
    EXPECT_EQ(r.Explain("a%b@example.com"), "a%b@example.com\trouted-address\t-\n");
    EXPECT_EQ(r.Explain("nonsense"), "nonsense\tbad-address\t-\n");
    EXPECT_EQ(r.Explain(std::string(2000, 'a')), std::string(2000, 'a') + "\tbad-address\t-\n");
}

TEST(Explain, SaysWhichEntryDecidedAndWhereItStands)
{
    Routed r(kSplit, {{"m", "# ours\nalice\n!bob\n/sales-[a-z]+/\n*\n"}});
    const struct {
        const char *address, *canonical, *rule;
        unsigned line;
    } cases[] = {
        {"ALICE@Example.COM", "alice@example.com", "alice", 2},
        {"\"bob\"@example.com", "bob@example.com", "!bob", 3},
        {"sales-emea@example.com", "sales-emea@example.com", "/sales-[a-z]+/", 4},
        {"anybody@example.com", "anybody@example.com", "*", 5},
        {"x@example.org", "x@example.org", "no such domain", 0},
        {"nonsense", "", "", 0},
    };
    for (const auto &c : cases) {
        explanation e = r.Explanation(c.address);
        EXPECT_STREQ(e.canonical, c.canonical);
        EXPECT_STREQ(e.route.rule, c.rule);
        EXPECT_EQ(e.line, c.line) << c.address;
        EXPECT_EQ(e.file != nullptr, c.line > 0) << c.address;
    }
}

TEST(Explain, ParsesWhatRcptWouldParse)
{
    struct smtp_path path;
    for (const char *bad : {"", "alice", "a b@example.com", "a@b@c", "alice@example.com>", "<a@b",
                            "a@b> SIZE=1", "<>"})
        EXPECT_FALSE(route_parse_address(bad, &path)) << bad;
    const char text[] = "<@r.example:\"a b\"@Example.com>";
    ASSERT_TRUE(route_parse_address(text, &path));
    EXPECT_EQ(std::string(path.address.at, path.address.len), "\"a b\"@Example.com");
    EXPECT_EQ(std::string(path.local.at, path.local.len), "\"a b\"");
    EXPECT_EQ(std::string(path.domain.at, path.domain.len), "Example.com");
    EXPECT_TRUE(path.quoted);
    EXPECT_TRUE(path.source_route);
    EXPECT_EQ(path.address.at, text + 12) << "spans point into the argument";
}

TEST(Explain, JudgesTheLengthOfTheCanonicalForm)
{
    std::string label, local;
    for (int i = 0; i < 40; i++)
        label += "\u10d0"; // three bytes each
    for (int i = 0; i < 30; i++)
        local += "o\u0308";
    Routed r("[domain " + label + ".example]\n" + kSplit.substr(kSplit.find('\n') + 1),
             {{"m", local + "\n"}});
    ASSERT_THAT(r.Errors(), IsEmpty());
    EXPECT_EQ(r.Verdict(local + "@" + label + ".example"), "local");
    EXPECT_EQ(r.Verdict("<@\u00fc.example:\"" + local + "\"@" + label + ".example>"), "local");
    EXPECT_EQ(r.Verdict("\x80" + local + "@" + label + ".example"), "bad-address");
    EXPECT_EQ(r.Verdict("x\xbc" + local + "@" + label + ".example"), "bad-address");
}

} // namespace
