// SPDX-License-Identifier: BSD-3-Clause
// [domain] sections that do not fit, and what a snapshot holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/route/fixture.h"

namespace
{
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::map<std::string, std::string> kFiles = {{"m", "alice\nbob\n/x+/\n*\n"}};

std::vector<std::string> ErrorsOf(const std::string &domains, const std::string &around = kAround)
{
    Routed r(domains, kFiles, around);
    EXPECT_EQ(r.Ok(), r.Errors().empty());
    return r.Errors();
}

// kSplit with one line exchanged, or left out.
std::string With(const std::string &key, const std::string &value)
{
    std::string ini = kSplit;
    size_t at = ini.find(key + " = "), end = ini.find('\n', at) + 1;
    return ini.replace(at, end - at, value.empty() ? "" : key + " = " + value + "\n");
}

// kSplit for another domain; its verification address is its own.
std::string Another(const std::string &domain)
{
    std::string ini = kSplit;
    for (size_t at; (at = ini.find("example.com")) != std::string::npos;)
        ini.replace(at, 11, domain);
    return ini;
}

TEST(Snapshot, CountsWhatItHolds)
{
    Routed r(kSplit + Another("b.example"), kFiles);
    ASSERT_THAT(r.Errors(), IsEmpty());
    EXPECT_EQ(snapshot_domain_count(*r), 2u);
    EXPECT_EQ(snapshot_mailbox_count(*r), 8u);
    ASSERT_EQ(snapshot_probe_count(*r), 2u);
    const struct probe_target *p = snapshot_probe(*r, 1);
    EXPECT_STREQ(p->recipient, "carol@b.example");
    EXPECT_STREQ(p->sender, "");
    EXPECT_EQ(p->servers.list[0].at.port, 2525);
    EXPECT_EQ(p->interval, 300000000000u);
    EXPECT_EQ(p->fall, 3u);
}

TEST(Snapshot, FindsEachOfManyDomains)
{
    std::string ini;
    for (int i = 0; i < 500; i++)
        ini += Another("d" + std::to_string(i) + ".example");
    Routed r(ini, {{"m", "alice\n"}});
    ASSERT_THAT(r.Errors(), IsEmpty());
    for (int i = 0; i < 500; i++)
        ASSERT_EQ(r.Verdict("alice@d" + std::to_string(i) + ".example"), "local");
    EXPECT_EQ(r.Verdict("alice@d500.example"), "refused");
}

TEST(Probes, AreSharedByServerAndAddress)
{
    std::string second = "[domain b.example]\n" + kSplit.substr(kSplit.find('\n') + 1);
    Routed r(kSplit + "fall = 5\n" + second + "verify_interval = 60s\n", kFiles);
    ASSERT_THAT(r.Errors(), IsEmpty());
    ASSERT_EQ(snapshot_probe_count(*r), 1u);
    EXPECT_EQ(snapshot_probe(*r, 0)->fall, 3u) << "the most attentive has its way";
    EXPECT_EQ(snapshot_probe(*r, 0)->interval, 60000000000u);
    EXPECT_THAT(ErrorsOf(kSplit + second + "verify_sender = a@b.example\n"),
                ElementsAre(HasSubstr("[domain b.example] verify_sender: differs from that of")));
}

TEST(Probes, AreOfSplitDomainsOnly)
{
    Routed r(With("split_domain_routing", "no"), kFiles);
    ASSERT_THAT(r.Errors(), IsEmpty());
    EXPECT_EQ(snapshot_probe_count(*r), 0u);
}

TEST(DomainSection, NeedsItsMailboxesAndItsServers)
{
    EXPECT_THAT(ErrorsOf(With("mailboxes", "")),
                ElementsAre("x.ini:8: [domain example.com] mailboxes: is missing: it says which "
                            "mailboxes are on our side"));
    EXPECT_THAT(ErrorsOf(With("mailbox_server", "")),
                ElementsAre(HasSubstr("mailbox_server: is missing")));
    EXPECT_THAT(ErrorsOf(With("external_mail_server", "")),
                ElementsAre(HasSubstr("external_mail_server: is missing: split_domain_routing")));
    EXPECT_THAT(ErrorsOf(With("verification_address", "")),
                ElementsAre(HasSubstr("verification_address: is missing: split_domain_routing")));
    EXPECT_THAT(ErrorsOf(With("mailboxes", "nowhere")),
                ElementsAre("nowhere: cannot be read: No such file or directory"));
}

TEST(DomainSection, HasServersThatCanBeReached)
{
    for (const char *key : {"mailbox_server", "external_mail_server"}) {
        EXPECT_THAT(ErrorsOf(With(key, "mail.example.com")),
                    ElementsAre(HasSubstr("is not a server; allowed: ADDRESS:PORT")));
        EXPECT_THAT(ErrorsOf(With(key, "192.0.2.30:0")), ElementsAre(HasSubstr("is not a server")));
        EXPECT_THAT(ErrorsOf(With(key, "192.0.2.25:2525")),
                    ElementsAre(HasSubstr("192.0.2.25 is our own address")));
        EXPECT_THAT(ErrorsOf(With(key, "127.0.0.1:25")),
                    ElementsAre(HasSubstr("127.0.0.1 is a loopback address")));
        EXPECT_THAT(ErrorsOf(With(key, "[fe80::10]:25")),
                    ElementsAre(HasSubstr("fe80::10 is a link-local address")));
        EXPECT_THAT(ErrorsOf(With(key, "[2001:db8::10]:25")), IsEmpty());
    }
    EXPECT_THAT(ErrorsOf(With("mailbox_server", "198.51.100.7:2525")),
                ElementsAre(HasSubstr("external_mail_server: is the mailbox server")));
}

TEST(DomainSection, HasSidesThatDoNotMeet)
{
    EXPECT_THAT(ErrorsOf(kSplit + "local_clients = 10.0.0.0/8\nexternal_clients = 10.0.0.0/8\n"),
                ElementsAre("x.ini:15: [domain example.com] external_clients: 10.0.0.0/8 is on the "
                            "other side too, or there are more than 4096 networks"));
    EXPECT_THAT(ErrorsOf(kSplit + "local_clients = 10.0.0.1/8 10.0.0.0/40 ten\n"),
                ElementsAre(HasSubstr("'10.0.0.1/8' is not a network; allowed"),
                            HasSubstr("'10.0.0.0/40' is not a network"),
                            HasSubstr("'ten' is not a network")));
}

TEST(DomainSection, HasAnAddressToVerifyAndAOneCharacterDelimiter)
{
    for (const char *bad : {"carol", "<>", "carol@", "a b@example.com", "@example.com"})
        EXPECT_THAT(ErrorsOf(With("verification_address", bad)),
                    ElementsAre(HasSubstr("verification_address: ")))
            << bad;
    EXPECT_THAT(ErrorsOf(kSplit + "verify_sender = nobody\n"),
                ElementsAre(HasSubstr("verify_sender: 'nobody' is not an address")));
    EXPECT_THAT(ErrorsOf(kSplit + "verify_sender = <a@example.com>\n"), IsEmpty());
    for (const char *bad : {"++", "a", "@", ".", "%", "\\"})
        EXPECT_THAT(ErrorsOf(kSplit + "subaddress_delimiter = " + bad + "\n"),
                    ElementsAre(HasSubstr("is not allowed; allowed: one of +-")))
            << bad;
    EXPECT_THAT(ErrorsOf(With("split_domain_routing", "no") + "postmaster = external\n"),
                ElementsAre(HasSubstr("postmaster: external needs split_domain_routing = yes")));
}

TEST(DomainSection, HasAnAddressToVerifyThatNeedsNoSmtputf8)
{
    Routed r(With("verification_address", "carol@b\u00fccher.example"), kFiles);
    ASSERT_THAT(r.Errors(), IsEmpty());
    EXPECT_STREQ(snapshot_probe(*r, 0)->recipient, "carol@xn--bcher-kva.example");
    EXPECT_THAT(ErrorsOf(With("verification_address", "j\u00f6rg@example.com")),
                ElementsAre(HasSubstr("has a local part beyond ASCII")));
    std::string label, domain;
    for (int i = 0; i < 40; i++)
        label += "\u10d0";
    for (int i = 0; i < 5; i++)
        domain += label + ".";
    EXPECT_THAT(
        ErrorsOf(With("verification_address", std::string(60, 'a') + "@" + domain + "example")),
        ElementsAre(HasSubstr("verification_address: ")));
}

TEST(DomainSection, IsNamedByADomainAndOnlyOnce)
{
    EXPECT_THAT(ErrorsOf(Another("localhost")),
                ElementsAre(HasSubstr("[domain localhost]: has no dot")));
    EXPECT_THAT(ErrorsOf(kSplit + Another("exa mple.com")),
                testing::Contains(HasSubstr("[domain exa mple.com]: is not a domain: its labels")));
    EXPECT_THAT(ErrorsOf(Another("b\xc3\xbc"
                                 "cher.example") +
                         Another("xn--bcher-kva.example")),
                testing::Contains(HasSubstr("[domain xn--bcher-kva.example]: is "
                                            "xn--bcher-kva.example again; first in line 8")));
}

TEST(DefaultSection, DemandsItsClientsAndNothingOfMailboxes)
{
    const std::string server = "[domain *]\nexternal_mail_server = 198.51.100.9\n";
    EXPECT_THAT(ErrorsOf(kSplit + "[domain *]\n"),
                ElementsAre(HasSubstr("[domain *] external_mail_server: is missing"),
                            HasSubstr("[domain *] accept_from: is missing: without it this would "
                                      "be an open relay")));
    for (const char *open : {"0.0.0.0/0", "::/0", "10.0.0.0/8 ::/0"})
        EXPECT_THAT(ErrorsOf(kSplit + server + "accept_from = " + open + "\n"),
                    ElementsAre(HasSubstr("that is an open relay")))
            << open;
    EXPECT_THAT(ErrorsOf(kSplit + server +
                         "accept_from = 10.0.0.0/8\nmailboxes = m\n"
                         "verification_address = a@b.example\n"),
                ElementsAre(HasSubstr("mailboxes: does not go with [domain *]"),
                            HasSubstr("verification_address: does not go with [domain *]")));
    Routed r(kSplit + server + "accept_from = 10.0.0.0/8\n", kFiles);
    ASSERT_THAT(r.Errors(), IsEmpty());
    EXPECT_STREQ(snapshot_probe(*r, 1)->recipient, "") << "by connection only";
}

TEST(AppliancePostmaster, IsInADomainOfTheFile)
{
    auto around = [](const std::string &postmaster) {
        std::string ini = kAround;
        return ini.insert(ini.find("[port"), "postmaster = " + postmaster + "\n");
    };
    EXPECT_THAT(ErrorsOf(kSplit, around("alice@example.com")), IsEmpty());
    EXPECT_THAT(ErrorsOf(kSplit, around("postmaster@example.org")),
                ElementsAre(HasSubstr("'postmaster@example.org' is not in a [domain]")));
    EXPECT_THAT(ErrorsOf(kSplit, around("postmaster")),
                ElementsAre(HasSubstr("is not in a [domain]")));
    EXPECT_THAT(ErrorsOf(kSplit, around("a b@example.com")),
                ElementsAre(HasSubstr("is not an address")));
    Routed r(With("split_domain_routing", "no"), {{"m", "alice\n"}}, around("dave@example.com"));
    EXPECT_THAT(
        r.Errors(),
        ElementsAre("x.ini:3: [appliance] postmaster: there is no such mailbox: the verdict "
                    "is unknown"));
}

TEST(Snapshot, ReportsEverythingAtOnce)
{
    Routed r(With("mailbox_server", "nowhere") + "subaddress_delimiter = no\n",
             {{"m", "alice\na b\n/(/\n"}});
    EXPECT_EQ(r.Errors().size(), 3u) << "expressions wait until the file's lines are right";
}

} // namespace
