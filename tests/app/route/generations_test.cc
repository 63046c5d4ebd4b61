// SPDX-License-Identifier: BSD-3-Clause
// One snapshot after another, out of files that change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/route/generations.h"

namespace
{
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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
    constexpr uint64_t kLater = UINT64_C(4000000000) * 1000000000;
    g.SetWall(kLater);
    g.Write("a.example", "alice\n");
    ASSERT_THAT(g.Load(Domain("a.example")), IsEmpty());
    const struct roster *first = g.Roster("a.example");
    ASSERT_THAT(g.Load(Domain("a.example", "fall = 7\n")), IsEmpty());
    EXPECT_EQ(g.Roster("a.example"), first);
    EXPECT_EQ(g.Verdict("alice@a.example"), "local");
    g.Write("a.example", "alina\n");
    ASSERT_THAT(g.Load(Domain("a.example")), IsEmpty());
    EXPECT_EQ(g.Verdict("alina@a.example"), "local");
    EXPECT_EQ(g.Verdict("alice@a.example"), "external");
}

TEST(Generations, AFileThatMayStillBeWrittenToIsReadAgain)
{
    Generations g;
    g.Write("a.example", "alice\n");
    ASSERT_THAT(g.Load(Domain("a.example")), IsEmpty());
    struct snapshot *first = snapshot_ref(g.Now());
    const struct roster *roster = g.Roster("a.example");
    ASSERT_THAT(g.Load(Domain("a.example", "fall = 7\n")), IsEmpty());
    EXPECT_NE(g.Roster("a.example"), roster);
    snapshot_free(first);
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
