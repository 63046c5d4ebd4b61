// SPDX-License-Identifier: BSD-3-Clause
// One snapshot after another, out of files that change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/app/route/fixture.h"

namespace
{
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// An operator's directory, loaded again and again.
class Generations
{
  public:
    Generations()
    {
        own_ = Ip("192.0.2.25");
    }
    ~Generations()
    {
        snapshot_free(now_);
    }
    void Write(const std::string &name, const std::string &text)
    {
        dir_.Write(name, text);
    }
    // What is wrong with the files as they are now; if nothing is, they are in force.
    std::vector<std::string> Load(const std::string &domains, bool force = false,
                                  uint64_t oldest_in_use = 0)
    {
        std::string ini = kAround + domains;
        struct config_errors *errors = config_errors_new();
        struct config *config =
            config_parse(dir_.Path("x.ini").c_str(), ini.data(), ini.size(), errors);
        struct snapshot_request request = {};
        request.config = config;
        request.locals = &own_;
        request.local_count = 1;
        request.workers = 1;
        request.old = now_;
        request.oldest_in_use = oldest_in_use;
        request.force_shrink = force;
        struct snapshot *next = snapshot_make(&request, &summary_, errors);
        std::vector<std::string> lines = Lines(errors);
        EXPECT_EQ(next == nullptr, !lines.empty());
        if (next != nullptr) {
            snapshot_seal(next, ++generation_);
            snapshot_free(now_);
            now_ = next;
        }
        config_free(config);
        config_errors_free(errors);
        return lines;
    }
    struct route Route(const std::string &address) const
    {
        struct smtp_path path;
        struct route r = {};
        EXPECT_TRUE(route_parse_address(address.c_str(), &path));
        route_recipient(now_, 0, &path, nullptr, &r);
        return r;
    }
    std::string Verdict(const std::string &address) const
    {
        return verdict_text(Route(address).verdict);
    }
    const struct snapshot_summary &Summary() const
    {
        return summary_;
    }
    const struct snapshot *operator*() const
    {
        return now_;
    }

  private:
    TemporaryDirectory dir_;
    struct ip_addr own_;
    struct snapshot *now_ = nullptr;
    struct snapshot_summary summary_ = {};
    uint64_t generation_ = 0;
};

std::string Users(int from, int to)
{
    std::string text;
    for (int i = from; i < to; i++)
        text += "user" + std::to_string(i) + "\n";
    return text;
}

std::string Domain(const std::string &name, const std::string &extra = "")
{
    return "[domain " + name + "]\nmailboxes = " + name +
           "\nmailbox_server = 192.0.2.10\nexternal_mail_server = 198.51.100.7\n"
           "verification_address = carol@" +
           name + "\nsplit_domain_routing = yes\n" + extra;
}

TEST(Generations, FollowTheFiles)
{
    Generations g;
    g.Write("a.example", "alice\nbob\n");
    g.Write("b.example", "/x+/\n");
    ASSERT_THAT(g.Load(Domain("a.example") + Domain("b.example")), IsEmpty());
    EXPECT_EQ(g.Verdict("alice@a.example"), "local");
    EXPECT_EQ(g.Verdict("carl@a.example"), "external");
    g.Write("a.example", "alice\n!bob\ncarl\n");
    ASSERT_THAT(g.Load(Domain("a.example") + Domain("b.example")), IsEmpty());
    EXPECT_EQ(g.Verdict("bob@a.example"), "external");
    EXPECT_EQ(g.Verdict("carl@a.example"), "local");
    EXPECT_EQ(g.Verdict("xx@b.example"), "local");
    EXPECT_EQ(g.Summary().mailboxes_added, 1u);
    EXPECT_EQ(g.Summary().mailboxes_removed, 0u);
    EXPECT_EQ(g.Summary().mailboxes_turned, 1u);
    ASSERT_THAT(g.Load(Domain("a.example")), IsEmpty());
    EXPECT_EQ(g.Summary().domains_removed, 1u);
    EXPECT_EQ(g.Verdict("xx@b.example"), "refused");
    EXPECT_EQ(snapshot_mailbox_count(*g), 3u);
}

TEST(Generations, AFileThatDidNotChangeIsNotReadAgain)
{
    Generations g;
    g.Write("a.example", "alice\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(150)); // it has settled
    ASSERT_THAT(g.Load(Domain("a.example")), IsEmpty());
    ASSERT_THAT(g.Load(Domain("a.example", "fall = 7\n")), IsEmpty());
    EXPECT_EQ(g.Verdict("alice@a.example"), "local");
    g.Write("a.example", "alina\n");
    ASSERT_THAT(g.Load(Domain("a.example")), IsEmpty());
    EXPECT_EQ(g.Verdict("alina@a.example"), "local");
    EXPECT_EQ(g.Verdict("alice@a.example"), "external");
}

TEST(Generations, ABadFileLeavesWhatWasThere)
{
    Generations g;
    g.Write("a.example", "alice\n");
    ASSERT_THAT(g.Load(Domain("a.example")), IsEmpty());
    g.Write("a.example", "alina\n/(/\n");
    EXPECT_THAT(g.Load(Domain("a.example")), ElementsAre(HasSubstr("a.example:2: ")));
    EXPECT_EQ(g.Verdict("alice@a.example"), "local");
    EXPECT_EQ(g.Verdict("alina@a.example"), "external");
}

TEST(Generations, AFileThatHasLostTooManyIsRefusedUnlessForced)
{
    Generations g;
    g.Write("a.example", Users(0, 1000));
    ASSERT_THAT(g.Load(Domain("a.example")), IsEmpty());
    g.Write("a.example", Users(51, 1000));
    EXPECT_THAT(g.Load(Domain("a.example")),
                ElementsAre(HasSubstr("has lost 51 of 1000 entries; allowed: max_shrink = 5")));
    EXPECT_EQ(g.Verdict("user0@a.example"), "local");
    EXPECT_THAT(g.Load(Domain("a.example", "max_shrink = 6\n")), IsEmpty());
    EXPECT_EQ(g.Verdict("user0@a.example"), "external");
    g.Write("a.example", Users(200, 1000));
    EXPECT_THAT(g.Load(Domain("a.example"), true), IsEmpty());
    EXPECT_EQ(g.Verdict("user100@a.example"), "external");
}

TEST(Generations, AFewEntriesMayAlwaysGoAndTurnedOnesAreNotLost)
{
    Generations g;
    g.Write("a.example", Users(0, 25) + "!x\n");
    ASSERT_THAT(g.Load(Domain("a.example")), IsEmpty());
    g.Write("a.example", Users(20, 25) + "!x\n");
    EXPECT_THAT(g.Load(Domain("a.example")), IsEmpty());
    g.Write("a.example", Users(100, 1100));
    ASSERT_THAT(g.Load(Domain("a.example")), IsEmpty());
    std::string turned;
    for (int i = 100; i < 1100; i++)
        turned += "!user" + std::to_string(i) + "\n";
    g.Write("a.example", turned);
    EXPECT_THAT(g.Load(Domain("a.example")), IsEmpty());
}

TEST(Generations, AProbeKeepsItsNumberAsLongAsItIsInUse)
{
    Generations g;
    for (const char *name : {"a.example", "b.example", "c.example", "d.example"})
        g.Write(name, "alice\n");
    ASSERT_THAT(g.Load(Domain("a.example") + Domain("b.example")), IsEmpty());
    uint16_t b = g.Route("x@b.example").hops[0].probe;
    ASSERT_THAT(g.Load(Domain("b.example") + Domain("c.example")), IsEmpty()); // generation 2
    EXPECT_EQ(g.Route("x@b.example").hops[0].probe, b);
    uint16_t c = g.Route("x@c.example").hops[0].probe;
    EXPECT_EQ(c, 2) << "a transaction may still hold the number of a.example's";
    EXPECT_EQ(snapshot_probe(*g, 0), nullptr);
    ASSERT_THAT(g.Load(Domain("b.example") + Domain("c.example") + Domain("d.example"), false, 2),
                IsEmpty());
    EXPECT_EQ(g.Route("x@d.example").hops[0].probe, 0);
    EXPECT_EQ(snapshot_probe_count(*g), 3u);
}
} // namespace
