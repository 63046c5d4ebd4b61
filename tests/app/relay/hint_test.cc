// SPDX-License-Identifier: BSD-3-Clause
// Retries after a disagreement: each destination by itself, in turn.
#include "tests/app/relay/legs_fixture.h"

extern "C" {
#include "app/relay/hint.h"
}

namespace
{

struct Hint : Legs {
    using Legs::Legs;
    // Both sides were asked; the external one has refused, ours was called off.
    void Disagree()
    {
        Content();
        Say("E> x\nE> .\nE< 554 5.7.1 spam\nS: 451 4.3.0\nM= x\nM: gone");
    }
    void Again()
    {
        Say("C: MAIL FROM:<a@b.example>\nS: 250");
    }
    // alice is accepted on a fresh connection.
    void Alice()
    {
        Say("C: RCPT TO:<alice@example.com>");
        Say(kMailboxGreets);
        Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\n"
            "M< 250 alice\nS: 250 alice");
    }
};

struct HintAmongThree : Hint {
    HintAmongThree()
        : Hint("[domain third.example]\nmailboxes = mailboxes\nmailbox_server = 10.0.0.10:26\n")
    {
    }
};

TEST_F(HintAmongThree, NoLegIsAddedWhereTheHintComesAfterTwo)
{
    Disagree();
    Again();
    Say("C: RCPT TO:<anna@example.com>");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<anna@example.com>\nM< 250 ok\n"
        "M< 250 anna\nS: 250 anna");
    Say("C: RCPT TO:<ben@example.com>\nE> MAIL FROM:<a@b.example>\nE> RCPT TO:<ben@example.com>\n"
        "E< 250 ok\nE< 250 ben\nS: 250 ben");
    Say("C: RCPT TO:<alice@example.com>\nS: 452 4.5.3");
    Say("C: RCPT TO:<alice@third.example>\nS: 452 4.5.3");
}

TEST_F(Hint, EachSidesOwnAnswerReachesTheClient)
{
    Disagree();
    Again();
    // The other one than that which refused has the first turn.
    Say("C: RCPT TO:<bob@example.com>\nS: 452 4.5.3");
    Alice();
    Say(R"(
        C: DATA
        M> DATA
        M< 354 go
        S: 354
        C: x
        C: .
        M: trace
        M> x
        M> .
        M< 250 ours has it
        S: 250 ours has it
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<bob@example.com>
        E> MAIL FROM:<a@b.example>
        E> RCPT TO:<bob@example.com>
        E< 250 ok
        E< 250 bob
        S: 250 bob
        C: DATA
        E> DATA
        E< 554 5.7.1 its own words
        S: 554 5.7.1 its own words
    )");
    EXPECT_EQ(f.Counter(RELAY_HINTS), 1u);
    EXPECT_EQ(f.Counter(RELAY_RCPT_HINTED), 1u);
}

TEST_F(Hint, ADestinationThatDefersDoesNotHoldTheOthersUp)
{
    Disagree();
    Again();
    Alice();
    Say(R"(
        C: RCPT TO:<bob@example.com>
        S: 452 4.5.3
        C: DATA
        M> DATA
        M< 451 4.3.1 disk full
        S: 451 4.3.1 disk full
        M> RSET
        M< 250 ok
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        S: 452 4.5.3
        C: RCPT TO:<bob@example.com>
        E> MAIL FROM:<a@b.example>
        E> RCPT TO:<bob@example.com>
        E< 250 ok
        E< 250 bob
        S: 250 bob
        C: RCPT TO:<alice@example.com>
        S: 452 4.5.3
    )");
}

TEST_F(Hint, ATurnThatNobodyComesForIsTheNextOnes)
{
    Disagree();
    // alice does not come again: bob waits for one retry.
    Again();
    Say("C: RCPT TO:<bob@example.com>\nS: 452 4.5.3\nC: RSET\nS: 250");
    Again();
    Say(R"(
        C: RCPT TO:<bob@example.com>
        E> MAIL FROM:<a@b.example>
        E> RCPT TO:<bob@example.com>
    )");
}

TEST_F(Hint, AnotherSenderHasNone)
{
    Disagree();
    Say("C: MAIL FROM:<other@b.example>\nS: 250\nC: RCPT TO:<bob@example.com>\n"
        "E> MAIL FROM:<other@b.example>\nE> RCPT TO:<bob@example.com>");
}

// Two domains have one mailbox server, which learns of the client in different ways.
struct HintOfOneServer : Hint {
    HintOfOneServer()
        : Hint("[domain third.example]\nmailboxes = mailboxes\nmailbox_server = 10.0.0.10:25\n"
               "local_identity = xforward\n")
    {
    }
};

TEST_F(HintOfOneServer, EachOfItsDestinationsHasItsTurn)
{
    Say(kHello);
    Again();
    Alice();
    f.Keep('M', 'N');
    Say("C: RCPT TO:<alice@third.example>");
    Say(kMailboxGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@third.example>
        M< 250 ok
        M< 250 third
        S: 250 third
        C: DATA
        N> DATA
        M> DATA
        N< 354 go
        M< 554 5.7.1 no
        S: 451 4.3.0
        N: gone
        M> RSET
        M< 250 ok
    )");
    Again();
    f.Keep('M', 'N');
    Say("C: RCPT TO:<alice@third.example>\nS: 452 4.5.3");
    Alice();
    Say("C: DATA\nM> DATA\nM< 451 4.3.1 disk full\nS: 451 4.3.1\nM> RSET\nM< 250 ok");
    // The first one has deferred: the other one is asked, though it is the same server.
    Again();
    Say("C: RCPT TO:<alice@example.com>\nS: 452 4.5.3\nC: RCPT TO:<alice@third.example>");
    Say("N> MAIL FROM:<a@b.example>\nN> RCPT TO:<alice@third.example>");
}

// ----------------------------------------------------------------------------- the table --

constexpr nsec_t kTtl = 1000;

struct Table : ::testing::Test {
    struct hints *h = hints_create(kTtl);
    char somewhere[3] = {};
    const struct destination *row[3] = {};
    Table()
    {
        for (int i = 0; i < 3; i++)
            row[i] = reinterpret_cast<const struct destination *>(&somewhere[i]);
    }
    ~Table() override
    {
        hints_destroy(h);
    }
    static struct digest Who(uint64_t n)
    {
        return {{n, n * 7}};
    }
    hint_id Begin(unsigned count, uint64_t first, unsigned recipients, nsec_t now = 0)
    {
        hint_id id = hint_begin(h, row, count, now);
        for (unsigned i = 0; i < recipients; i++) {
            struct digest who = Who(first + i);
            hint_cover(h, id, &who);
        }
        return id;
    }
    hint_id Find(uint64_t n, nsec_t now = 0)
    {
        struct digest who = Who(n);
        return hint_find(h, &who, now);
    }
};

TEST_F(Table, TurnsGoRoundUntilOneIsLeft)
{
    hint_id id = Begin(3, 1, 1);
    EXPECT_EQ(Find(1), id);
    EXPECT_TRUE(hint_is_turn(h, id, row[0]));
    hint_next(h, id);
    EXPECT_TRUE(hint_is_turn(h, id, row[1]));
    hint_settle(h, id, row[1]);
    EXPECT_TRUE(hint_is_turn(h, id, row[2]));
    hint_next(h, id);
    EXPECT_TRUE(hint_is_turn(h, id, row[0]));
    EXPECT_FALSE(hint_is_turn(h, id, row[2]));
    hint_settle(h, id, row[2]);
    EXPECT_EQ(Find(1), 0u);
    EXPECT_TRUE(hints_empty(h));
}

TEST_F(Table, AHintEndsWithItsTime)
{
    Begin(2, 1, 1);
    EXPECT_NE(Find(1, kTtl - 1), 0u);
    EXPECT_EQ(Find(1, kTtl), 0u);
    EXPECT_TRUE(hints_empty(h));
}

TEST_F(Table, ADestinationThatARecipientHasMovedToNeedNotWaitForAnothersTurn)
{
    hint_id id = Begin(2, 1, 1);
    EXPECT_FALSE(hint_is_turn(h, id, row[1]));
    EXPECT_TRUE(hint_is_turn(h, id, row[2])) << "nobody comes for the others any more";
}

TEST_F(Table, ANewHintTakesARecipientFromAnOldOne)
{
    hint_id a = Begin(2, 1, 2), b = Begin(2, 2, 2);
    EXPECT_EQ(Find(1), a);
    EXPECT_EQ(Find(2), b);
    hint_id c = Begin(2, 1, 1);
    EXPECT_EQ(Find(1), c);
    EXPECT_EQ(Find(3), b);
    EXPECT_TRUE(hint_is_turn(h, a, row[2])) << "the one without recipients is gone";
}

TEST_F(Table, TheOldestMakeRoom)
{
    for (unsigned i = 0; i < 5000; i++)
        Begin(2, 10 * i, 10);
    EXPECT_EQ(Find(0), 0u);
    EXPECT_NE(Find(10 * 4999 + 9), 0u);
    EXPECT_NE(Find(10 * 4300), 0u);
    // One with more recipients than there is room for covers as many as there is.
    Begin(2, 1000000, 10000);
    EXPECT_NE(Find(1000000), 0u);
    EXPECT_EQ(Find(1009999), 0u);
}

} // namespace
