// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <map>
#include <string>

extern "C" {
#include "bench/smtpgen/targets.h"
}

namespace
{

struct Targets : ::testing::Test {
    struct targets t = {};
    Targets()
    {
        t.random = 1;
    }
    ~Targets() override
    {
        targets_free(&t);
    }
    void Add(enum target_class c, const char *text)
    {
        const char *why;
        ASSERT_TRUE(recipients_add(&t.classes[c], text, &why)) << why;
    }
    std::string Address(const struct target &one)
    {
        struct span s = targets_address(&t, &one);
        return std::string(s.at, s.len);
    }
};

TEST_F(Targets, GoThroughAClassInTurn)
{
    Add(TARGET_ANY, "u%@example.com:1-3");
    ASSERT_TRUE(targets_settle(&t));
    struct target chosen[4];
    targets_choose(&t, chosen, 4);
    EXPECT_EQ(Address(chosen[0]), "u1@example.com");
    EXPECT_EQ(Address(chosen[2]), "u3@example.com");
    EXPECT_EQ(Address(chosen[3]), "u1@example.com");
}

TEST_F(Targets, HaveTheirShares)
{
    Add(TARGET_LOCAL, "l%@example.com:1-3");
    Add(TARGET_EXTERNAL, "e%@example.com:1-3");
    ASSERT_TRUE(targets_parse_shares(&t, "local=70,external=30"));
    ASSERT_TRUE(targets_settle(&t));
    std::map<int, int> count;
    for (int i = 0; i < 10000; i++) {
        struct target chosen[2];
        targets_choose(&t, chosen, 2);
        EXPECT_EQ(chosen[0].kind, chosen[1].kind) << "a message is of one class";
        count[chosen[0].kind]++;
    }
    EXPECT_NEAR(count[TARGET_LOCAL], 7000, 200);
    EXPECT_EQ(count[TARGET_LOCAL] + count[TARGET_EXTERNAL], 10000);
}

TEST_F(Targets, MayBeMixedInOneMessage)
{
    Add(TARGET_LOCAL, "l@example.com");
    Add(TARGET_EXTERNAL, "e@example.com");
    t.mixed = true;
    ASSERT_TRUE(targets_settle(&t));
    int mixed = 0;
    for (int i = 0; i < 1000; i++) {
        struct target chosen[2];
        targets_choose(&t, chosen, 2);
        mixed += chosen[0].kind != chosen[1].kind;
    }
    EXPECT_NEAR(mixed, 500, 80);
}

TEST_F(Targets, SharesAreOfClassesThatHaveRecipients)
{
    for (const char *bad :
         {"", "local", "local=", "local=x", "mine=3", "local=1,", "local=1;external=2"})
        EXPECT_FALSE(targets_parse_shares(&t, bad)) << bad;
    Add(TARGET_LOCAL, "l@example.com");
    ASSERT_TRUE(targets_parse_shares(&t, "local=1,unknown=1"));
    EXPECT_FALSE(targets_settle(&t));
}

} // namespace
