// SPDX-License-Identifier: BSD-3-Clause
// Batches, folds and reloads, in any order, against a map.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/app/route/generations.h"

extern "C" {
#include "app/route/amend.h"
#include "app/route/grace.h"
}

namespace
{
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Batch = std::vector<std::pair<std::string, enum book_side>>;

std::vector<struct change> Changes(const Batch &batch)
{
    std::vector<struct change> list;
    for (auto &[text, side] : batch) {
        struct smtp_path path;
        struct change c = {};
        EXPECT_TRUE(route_parse_address(text.c_str(), &path));
        EXPECT_EQ(address_canonical(path.local, path.quoted, path.domain, &c.address), ADDRESS_OK);
        c.side = side;
        list.push_back(c);
    }
    return list;
}

class Amended : public Generations
{
  public:
    // "" or why not.
    std::string Amend(const Batch &batch, uint64_t now = 1000, bool insist = false)
    {
        auto list = Changes(batch);
        char *why = nullptr;
        struct snapshot *next =
            snapshot_amend(Now(), list.data(), (uint32_t)list.size(), insist, now, &summary, &why);
        std::string text = why != nullptr ? why : "";
        free(why);
        EXPECT_EQ(next == nullptr, !text.empty());
        if (next != nullptr)
            Take(next);
        return text;
    }
    // As the background thread does, with `meanwhile` while it does.
    void Fold(const Batch &meanwhile, uint64_t now = 1000)
    {
        struct snapshot *before = snapshot_ref(Now());
        char *why = nullptr;
        struct snapshot *folded = snapshot_fold(before, now, &why);
        ASSERT_NE(folded, nullptr) << why;
        ASSERT_EQ(Amend(meanwhile), "");
        Take(snapshot_folded(folded, before, Now()));
        snapshot_free(folded);
        snapshot_free(before);
    }
    void Reload(const std::string &domains, const Batch &meanwhile)
    {
        struct snapshot *before = snapshot_ref(Now());
        std::vector<std::string> errors;
        struct snapshot *made = Make(domains, true, 0, &errors);
        ASSERT_THAT(errors, IsEmpty());
        ASSERT_EQ(Amend(meanwhile, 1000, true), "");
        Take(snapshot_remade(made, before, Now(), 1000));
        snapshot_free(made);
        snapshot_free(before);
    }
    struct snapshot_summary summary;
};

const std::string kDomain = Domain("a.example", "subaddress_delimiter = +\n");

TEST(Amend, IsLiveAtOnceAndSaysWhatItDid)
{
    Amended g;
    g.Write("a.example", "alice\n!bob\n");
    ASSERT_THAT(g.Load(kDomain), IsEmpty());
    uint64_t generation = snapshot_generation(*g);
    ASSERT_EQ(g.Amend({{"Carl@A.example", BOOK_LOCAL},
                       {"bob@a.example", BOOK_LOCAL},
                       {"alice@a.example", BOOK_NONE},
                       {"dora@a.example", BOOK_NONE}}),
              "");
    EXPECT_EQ(g.Verdict("carl+x@a.example"), "local");
    EXPECT_EQ(g.Verdict("bob@a.example"), "local");
    EXPECT_EQ(g.Verdict("alice@a.example"), "external");
    EXPECT_EQ(g.summary.mailboxes_added, 1u);
    EXPECT_EQ(g.summary.mailboxes_removed, 1u);
    EXPECT_EQ(g.summary.mailboxes_turned, 1u);
    EXPECT_EQ(g.summary.moved, 3u);
    EXPECT_EQ(snapshot_generation(*g), generation + 1);
    EXPECT_EQ(snapshot_size(*g).overlay, 3u);
    EXPECT_EQ(snapshot_mailbox_count(*g), 2u);
}

TEST(Amend, ThatChangesNothingIsNoNewGeneration)
{
    Amended g;
    g.Write("a.example", "alice\n");
    ASSERT_THAT(g.Load(kDomain), IsEmpty());
    const struct snapshot *before = *g;
    EXPECT_EQ(g.Amend({{"alice@a.example", BOOK_LOCAL}, {"x@a.example", BOOK_NONE}}), "");
    EXPECT_EQ(*g, before);
}

TEST(Amend, IsRefusedAsAWhole)
{
    Amended g;
    g.Write("a.example", "alice\n");
    ASSERT_THAT(g.Load(kDomain), IsEmpty());
    EXPECT_EQ(g.Amend({{"x@a.example", BOOK_LOCAL}, {"x@b.example", BOOK_LOCAL}}),
              "x@b.example: there is no [domain] of this name");
    EXPECT_EQ(g.Amend({{"x@a.example", BOOK_LOCAL}, {"X@a.example", BOOK_NONE}}),
              "x@a.example: is to be in two states at once");
    EXPECT_EQ(g.Amend({{"x@a.example", BOOK_LOCAL}, {"X@a.example", BOOK_LOCAL}}), "");
    EXPECT_EQ(g.summary.mailboxes_added, 1u);
}

TEST(Amend, BatchesFoldsAndReloadsAgreeWithAMap)
{
    std::mt19937 random(7);
    std::map<std::string, enum book_side> model;
    auto name = [&] { return "u" + std::to_string(random() % 400); };
    auto batch = [&](unsigned most) {
        Batch b;
        std::map<std::string, enum book_side> distinct;
        for (unsigned i = random() % most; i > 0; i--)
            distinct[name()] = (enum book_side)(random() % 3);
        for (auto &[local, side] : distinct) {
            b.push_back({local + "@a.example", side});
            model[local] = side;
        }
        return b;
    };
    Amended g;
    g.Write("a.example", "/never/\n");
    ASSERT_THAT(g.Load(kDomain), IsEmpty());
    for (int round = 0; round < 300; round++) {
        switch (random() % 4) {
        case 0:
            g.Fold(batch(30));
            break;
        case 1: {
            std::string file = "/never/\n";
            model.clear();
            for (unsigned i = random() % 300; i > 0; i--)
                model[name()] = BOOK_LOCAL;
            for (auto &[local, side] : model)
                if (random() % 3 == 0)
                    side = BOOK_EXTERNAL;
            for (auto &[local, side] : model)
                file += (side == BOOK_EXTERNAL ? "!" : "") + local + "\n";
            g.Write("a.example", file);
            g.Reload(kDomain, batch(30));
            break;
        }
        default:
            ASSERT_EQ(g.Amend(batch(60)), "");
        }
        uint64_t count = 1;
        for (int i = 0; i < 400; i++) {
            std::string local = "u" + std::to_string(i);
            enum book_side side = model.count(local) ? model[local] : BOOK_NONE;
            count += side != BOOK_NONE;
            ASSERT_EQ(g.Verdict(local + "@a.example"), side == BOOK_LOCAL ? "local" : "external")
                << round;
        }
        ASSERT_EQ(snapshot_mailbox_count(*g), count);
    }
}

TEST(Grace, BeginsWithAMoveAndEndsInTime)
{
    Amended g;
    g.Write("a.example", "alice\nbob\n");
    ASSERT_THAT(g.Load(kDomain + "move_grace = 100s\n"), IsEmpty());
    EXPECT_FALSE(g.Route("alice@a.example").lagging);
    ASSERT_EQ(g.Amend({{"alice@a.example", BOOK_NONE}, {"carl@a.example", BOOK_LOCAL}}, 1000), "");
    EXPECT_TRUE(g.Route("alice@a.example").lagging);
    EXPECT_TRUE(g.Route("alice+x@a.example").lagging);
    EXPECT_TRUE(g.Route("carl@a.example").lagging);
    EXPECT_FALSE(g.Route("bob@a.example").lagging);
    EXPECT_EQ(grace_first_end(snapshot_grace(*g)), 1100u);
    g.Fold({{"bob@a.example", BOOK_EXTERNAL}}, 1050);
    EXPECT_TRUE(g.Route("alice@a.example").lagging);
    EXPECT_TRUE(g.Route("bob@a.example").lagging);
    g.Fold({}, 1100);
    EXPECT_FALSE(g.Route("alice@a.example").lagging);
    EXPECT_EQ(snapshot_size(*g).grace, 0u);
}

TEST(Grace, IsForThoseThatHaveASideBeforeAndAfter)
{
    Amended g;
    std::string unsplit = kDomain;
    unsplit.replace(unsplit.find("routing = yes"), 13, "routing = no");
    g.Write("a.example", "alice\n");
    ASSERT_THAT(g.Load(unsplit), IsEmpty());
    ASSERT_EQ(g.Amend({{"new@a.example", BOOK_LOCAL}}), "");
    EXPECT_EQ(g.summary.moved, 0u);
    EXPECT_FALSE(g.Route("new@a.example").lagging);
}

TEST(Grace, OfAReloadIsForWhoMovedAndForDomainsWhoseExpressionsChanged)
{
    Amended g;
    g.Write("a.example", "alice\n/x+/\n");
    g.Write("b.example", "alice\n/x+/\n");
    std::string both = Domain("a.example") + Domain("b.example");
    ASSERT_THAT(g.Load(both), IsEmpty());
    g.Write("a.example", "alice\nbob\nxx\n/x+/\n");
    g.Write("b.example", "alice\n/y+/\n");
    ASSERT_THAT(g.Load(both), IsEmpty());
    EXPECT_EQ(g.Summary().moved, 1u);
    EXPECT_TRUE(g.Route("bob@a.example").lagging);
    EXPECT_FALSE(g.Route("xx@a.example").lagging) << "it was local before, by the expression";
    EXPECT_FALSE(g.Route("alice@a.example").lagging);
    EXPECT_TRUE(g.Route("whoever@b.example").lagging);
}

TEST(Grace, MigrationMakesADomainLagForEver)
{
    Amended g;
    g.Write("a.example", "alice\n");
    ASSERT_THAT(g.Load(kDomain + "migration = yes\n"), IsEmpty());
    EXPECT_TRUE(g.Route("alice@a.example").lagging);
    EXPECT_TRUE(g.Route("x@a.example").lagging);
    ASSERT_THAT(g.Load(kDomain), IsEmpty());
    EXPECT_FALSE(g.Route("x@a.example").lagging);
}
} // namespace
