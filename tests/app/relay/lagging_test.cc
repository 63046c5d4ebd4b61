// SPDX-License-Identifier: BSD-3-Clause
// Moves must not bounce: refusals of destinations whose directory may lag.
#include "tests/app/relay/relay_fixture.h"

#include <gmock/gmock.h>

using ::testing::Contains;
using ::testing::HasSubstr;

namespace
{
struct Migration : ::testing::Test {
    Fixture f{"", "migration = yes"};
    // What the client is told when the destination says this to RCPT.
    void Says(const std::string &destination, const std::string &client)
    {
        ASSERT_EQ(f.Run(kHello), "");
        ASSERT_EQ(f.Run("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>"), "");
        ASSERT_EQ(f.Run(kMailboxGreets), "");
        ASSERT_EQ(f.Run("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\n"
                        "M< 250 ok\nM< " +
                        destination + "\nS: " + client),
                  "");
    }
};

TEST_F(Migration, AMailboxThatIsNotKnownThereYetIsDeferredAndLoggedWithItsOriginal)
{
    Says("550 5.1.1 no such user", "450 4.1.1 The mailbox is being moved");
    ASSERT_EQ(f.Run("C: RSET\nS: 250"), "");
    EXPECT_THAT(f.Log(), Contains(::testing::AllOf(HasSubstr("status=deferred"),
                                                   HasSubstr("reply=\"450 4.1.1 "),
                                                   HasSubstr("word=\"550 5.1.1 no such user\""))));
    EXPECT_EQ(f.Counter(RELAY_RCPT_LAGGING), 1u);
}

TEST_F(Migration, AMailboxThatHasMovedOnIsDeferredToo)
{
    Says("551 5.1.6 moved away", "450 4.1.1");
}

TEST_F(Migration, ARefusalWithoutAnEnhancedCodeIsTakenForUnknown)
{
    Says("550 who is that", "450 4.1.1");
}

TEST_F(Migration, AMailboxThatExchangeOnlinesEdgeDoesNotKnowIsDeferredToo)
{
    Says("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "450 4.1.1");
}

struct MigrationContent : Migration {
    // The same to the end of data.
    void SaysBehind(const std::string &destination, const std::string &client)
    {
        Says("250 alice", "250 alice");
        ASSERT_EQ(f.Run("C: DATA\nM> DATA\nM< 354 go\nS: 354\nC: .\nM: trace\nM> .\nM< " +
                        destination + "\nS: " + client),
                  "");
    }
};

TEST_F(MigrationContent, AMailboxThatIsLookedUpBehindTheContentIsDeferredToo)
{
    SaysBehind("550 5.1.10 RESOLVER.ADR.RecipientNotFound", "450 4.1.1 The mailbox is being moved");
    EXPECT_EQ(f.Counter(RELAY_RCPT_LAGGING), 1u);
    EXPECT_THAT(f.Log(), Contains(::testing::AllOf(HasSubstr("status=deferred"),
                                                   HasSubstr("word=\"550 5.1.10 RESOLVER"))));
}

TEST_F(MigrationContent, ARefusalOfContentPasses)
{
    SaysBehind("550 5.7.1 spam", "550 5.7.1 spam");
}

TEST_F(MigrationContent, AndSoDoesOneWithoutAnEnhancedCode)
{
    SaysBehind("550 spam", "550 spam");
}

TEST_F(Migration, OtherRefusalsPass)
{
    Says("550 5.7.1 policy", "550 5.7.1 policy");
    EXPECT_EQ(f.Counter(RELAY_RCPT_LAGGING), 0u);
}

TEST_F(Migration, AFullMailboxIsNotAMovedOne)
{
    Says("552 5.2.2 full", "552 5.2.2 full");
}

TEST_F(Unverified, AMailboxThatMovesWhileItsOldSystemIsAskedDoesNotBounce)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\nM< 250 ok");
    f.Reload("somebody\n");
    Say("M< 550 5.1.1 no such user\nS: 450 4.1.1 The mailbox is being moved");
    EXPECT_EQ(f.Counter(RELAY_RCPT_LAGGING), 1u);
}

TEST_F(Unverified, WithoutAMoveThereIsNoGrace)
{
    ASSERT_EQ(f.Run(kHello), "");
    ASSERT_EQ(f.Run("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>"), "");
    ASSERT_EQ(f.Run(kMailboxGreets), "");
    ASSERT_EQ(f.Run("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\n"
                    "M< 250 ok\nM< 550 5.1.1 no such user\nS: 550 5.1.1 no such user"),
              "");
}
} // namespace
