// SPDX-License-Identifier: BSD-3-Clause
// Legs that are lost before their end, and begin again on a fresh connection (DESIGN §5).
#include "tests/app/relay/legs_fixture.h"

#include <gmock/gmock.h>

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

namespace
{

// Ours, again, up to RCPT for alice.
const char kAgain[] = R"(
    M: connect
    M< 220 ours
    M> EHLO mx1.example.net
    M< 250-ours
    M< 250 PIPELINING
    M> MAIL FROM:<sender@example.org>
    M> RCPT TO:<alice@example.com>
)";

struct Replay : Legs {
    using Legs::Legs;
    // Ours has two lines of a message, the client goes on when it likes.
    void TwoLines()
    {
        Say(kHello);
        Say(kToData);
        Say("C: one\nC: two\nM: trace\nM> one\nM= two");
    }
    void Accepted()
    {
        Say(kAgain);
        Say("M< 250 ok\nM< 250 alice again\nM> DATA\nM< 354 go");
    }
    // In a message to both sides, ours begins again up to its 354.
    void BothAgain()
    {
        Say(kMailboxGreets);
        Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\n"
            "M< 250 alice again\nM> DATA\nM< 354 go");
        Say(Trace("M") + "M> Subject: both\nM>");
    }
};

struct ReplayOfMuch : Replay {
    ReplayOfMuch() : Replay("[message]\nreplay_bytes = 16M\n")
    {
    }
};

TEST_F(ReplayOfMuch, TheClientsPatienceRunsFromItsLastProgress)
{
    Say(kHello);
    Say(kToData);
    StopsUnderMuch(1200);
    Say("wait 100s\nC: silent\nM: reset\nM: connect\nM< 220 ours");
    EXPECT_EQ(f.Counter(RELAY_REPLAYS), 1u);
    Say("wait 60s\nC: .\nS: 451 4.4.2");
}

TEST_F(Replay, ALostConnectionIsReplacedAndTheClientHearsNothingOfIt)
{
    TwoLines();
    Say("M: reset");
    Accepted();
    Say("M: trace\nM> one\nM= two\nC: silent\nC: three\nM>\nM= three\nC: .\nM>\nM> .\n"
        "M< 250 ours has it\nS: 250 ours has it");
    EXPECT_EQ(f.Counter(RELAY_REPLAYS), 1u);
    EXPECT_EQ(f.Counter(RELAY_REPLAYED), 1u);
    EXPECT_EQ(f.Counter(RELAY_MESSAGES), 1u);
    EXPECT_THAT(f.Log(), Contains(AllOf(HasSubstr("to=alice"), HasSubstr("status=delivered"))));
    EndsClean();
}

TEST_F(Replay, SoIsOneThatIsClosedWithoutAWord)
{
    TwoLines();
    Say("M: close");
    Accepted();
    Say("C: .\nM: trace\nM> one\nM> two\nM> .\nM< 250 ok\nS: 250 ok");
}

TEST_F(Replay, SoIsOneThatClosesItsService)
{
    TwoLines();
    Say("M< 421 4.3.2 going down\nM: gone");
    Accepted();
    Say("C: .\nM: trace\nM> one\nM> two\nM> .\nM< 250 ok\nS: 250 ok");
}

TEST_F(Replay, TheSecondConnectionGetsTheSameToTheByte)
{
    Say(kHello);
    Say(kToData);
    std::string body;
    for (int i = 0; i < 220; i++)
        body +=
            "C: " + std::to_string(i) + std::string(static_cast<size_t>(i * 11 % 990), 'x') + "\n";
    Say(body + "wait 3s");
    std::string first = f.Heard('M');
    EXPECT_GT(first.size(), 90000u);
    Say("M: reset");
    Accepted();
    Say("wait 1s");
    EXPECT_EQ(f.Heard('M'), first);
    Say("C: .\nwait 1s");
    EXPECT_EQ(f.Heard('M'), first + "\r\n.\r\n");
}

TEST_F(Replay, WhatTheClientSendsMeanwhileFollows)
{
    TwoLines();
    Say("M: reset");
    Say("C: three\nC: .\nC: NOOP\nC: silent");
    Accepted();
    Say("M: trace\nM> one\nM> two\nM> three\nM> .\nM< 250 ok\nS: 250 ok\nS: 250");
}

TEST_F(Replay, AConnectionThatGoesWithTheLastOfTheContentIsReplacedToo)
{
    Say(kHello);
    Say(kToData);
    // Both in one round of the router's, the client's first.
    Say("C: one\nwait 1ms\nM: reset\nC: two\nC: .");
    Accepted();
    Say("M: trace\nM> one\nM> two\nM> .\nM< 250 ok\nS: 250 ok\nC: NOOP\nS: 250");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_IN_DOUBT), 0u);
}

TEST_F(Replay, AHalfWordIsAWordAndTheMessageIsDeferred)
{
    TwoLines();
    Say("M+ 552 5.2.2 mailb\nwait 10ms\nM: reset\nC: .\nS: 451 4.4.2\nM: no connection");
    EXPECT_EQ(f.Counter(RELAY_REPLAYS), 0u);
}

TEST_F(Replay, WhoIsLostTwiceIsLost)
{
    TwoLines();
    Say("M: reset");
    Accepted();
    Say("M: trace\nM> one\nM= two\nM: reset\nC: silent\nC: .\nS: 451 4.4.2\nM: no connection");
    EXPECT_EQ(f.Counter(RELAY_REPLAY_LOST_AGAIN), 1u);
}

TEST_F(Replay, ARecipientThatIsRefusedTheSecondTimeFailsTheMessage)
{
    TwoLines();
    Say("M: reset");
    Say(kAgain);
    Say("M< 250 ok\nM< 550 5.1.1 no alice\nM: gone\nC: silent\nC: .\nS: 451 4.3.2");
    EXPECT_EQ(f.Counter(RELAY_REPLAY_FAILED), 1u);
}

TEST_F(Replay, ASenderThatIsRefusedTheSecondTimeFailsTheMessage)
{
    TwoLines();
    Say("M: reset");
    Say(kAgain);
    Say("M< 550 5.7.1 no\nM: gone\nC: silent\nC: .\nS: 451 4.3.2");
    EXPECT_EQ(f.Counter(RELAY_REPLAY_FAILED), 1u);
}

TEST_F(Replay, AServerThatIsGoneFailsTheMessage)
{
    TwoLines();
    Say("M: refuse\nM: reset\nC: silent\nC: .\nS: 451 4.4.1");
    EXPECT_EQ(f.Counter(RELAY_REPLAY_FAILED), 1u);
}

TEST_F(Replay, TheSecondTryHasItsTime)
{
    TwoLines();
    Say("M: reset\nM: connect\nwait 148s\nC: silent\nC: .\nwait 3s\nS: 451 4.4.2");
    EXPECT_EQ(f.Counter(RELAY_REPLAY_FAILED), 1u);
}

TEST_F(Replay, AClientThatLeavesMeanwhileEndsIt)
{
    TwoLines();
    Say("M: reset\nM: connect\nM< 220 ours\nM> EHLO mx1.example.net\nM< 250 ours\n"
        "M> MAIL FROM:<sender@example.org>\nC: reset\nM: silent\nM< 250 ok\nM> RSET");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_ABANDONED), 1u);
}

struct SmallReplay : Replay {
    SmallReplay() : Replay("[message]\nreplay_bytes = 1K\n")
    {
    }
};

TEST_F(SmallReplay, BeyondReplayBytesNothingIsKept)
{
    TwoLines();
    Say("C: " + std::string(990, 'x') + "\nC: " + std::string(990, 'x'));
    Say("wait 100ms\nM: reset\nC: silent\nC: .\nS: 451 4.4.2\nM: no connection");
    EXPECT_EQ(f.Counter(RELAY_REPLAY_TOO_BIG), 1u);
}

TEST_F(SmallReplay, NorOfAMessageThatSaysSo)
{
    Say(kHello);
    Say("C: MAIL FROM:<sender@example.org> SIZE=1025\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kAgain);
    Say("M< 250 ok\nM< 250 ok\nS: 250 ok\nC: DATA\nM> DATA\nM< 354 go\nS: 354\nC: x\nC: y\n"
        "M: trace\nM> x\nM= y\nM: reset\nC: .\nS: 451 4.4.2");
    EXPECT_EQ(f.Counter(RELAY_REPLAY_TOO_BIG), 1u);
}

struct NoReplay : Replay {
    NoReplay() : Replay("[message]\nreplay_bytes = 0\n")
    {
    }
};

TEST_F(NoReplay, OfNothingAndWithoutContentItBeginsAgainAllTheSame)
{
    Say(kHello);
    Say(kToData);
    Say("M: reset");
    Accepted();
    Say("C: x\nC: y\nM: trace\nM> x\nM= y\nM: reset\nC: .\nS: 451 4.4.2");
}

TEST_F(Replay, WhileMemoryIsShortNothingIsKeptAndNothingRefused)
{
    Say(kHello);
    Say(kToData);
    f.Famine(1000, 10 * NSEC_PER_SEC);
    Say("C: one\nC: two\nM: trace\nM> one\nM= two\nM: reset\nC: .\nS: 451 4.4.2");
    EXPECT_EQ(f.Counter(RELAY_KEPT_NO_MEMORY), 1u);
    EXPECT_EQ(f.Counter(RELAY_REPLAY_NO_MEMORY), 1u);
    Say("wait 10s");
}

// ------------------------------------------------------------------------------- both sides --

TEST_F(Replay, TheOthersWaitForTheOneThatBeginsAgain)
{
    Data();
    Say("C: one\nC: two");
    Say(Trace("M") + "M> one\nM= two\n" + Trace("E") + "E> one\nE= two");
    Say("M: reset\nC: three\nE: silent");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\n"
        "M< 250 alice again\nM> DATA\nE: silent\nM< 354 go");
    Say(Trace("M") + "M> one\nM> two\nM= three\nE>\nE= three\nC: .\nE>\nE> .\nE< 250 ok\nM>\nM> "
                     ".\nM< 250 ok\nS: 250 2.0.0");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_FANNED_OUT), 1u);
}

TEST_F(Replay, BeforeTheFirstEndItIsWaitedFor)
{
    Data();
    // The external side does not acknowledge all of it yet.
    Say("E: stop reading");
    std::string line(900, 'a'), body;
    for (int i = 0; i < 75; i++)
        body += "C: " + line + "\n";
    Say(body + "C: .\nwait 1s");
    std::string first = f.Heard('M');
    Say("M: reset");
    Say(kMailboxGreets);
    Say("E: read on\nwait 1s");
    EXPECT_EQ(f.Heard('E').find("\r\n.\r\n"), std::string::npos);
    Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\nM< 250 alice\n"
        "M> DATA\nM< 354 go\nwait 1s");
    EXPECT_EQ(f.Heard('M'), first);
    EXPECT_NE(f.Heard('E').find("\r\n.\r\n"), std::string::npos);
    Say("E< 250 external has it\nwait 1s");
    EXPECT_EQ(f.Heard('M'), first + "\r\n.\r\n");
    Say("M< 250 ours has it\nS: 250 2.0.0");
}

TEST_F(Replay, BehindTheEndOfAnotherItBeginsAgainToo)
{
    Content();
    Say("E> x\nE> .\nM= x\nM: close");
    BothAgain();
    Say("M= x\nC: silent\nE< 250 external has it\nM= \\r\\n.\\r\\n\nM< 250 ours has it\nS: 250 "
        "2.0.0");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_FANNED_OUT), 1u);
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_PARTIAL), 0u);
}

TEST_F(Replay, AfterAnothersCommitItMayStillCatchUp)
{
    Content();
    Say("E> x\nE> .\nM= x\nM: close\nE< 250 external has it\nC: silent");
    BothAgain();
    Say("M> x\nM> .\nM< 250 ours has it\nS: 250 2.0.0");
}

TEST_F(Replay, AnotherOnesRefusalEndsIt)
{
    Content();
    Say("E> x\nE> .\nM= x\nM: close\nM: connect\nE< 554 5.7.1 spam\nS: 451 4.3.0\nC: NOOP\nS: 250");
    EXPECT_EQ(f.Counter(RELAY_HINTS), 1u);
}

TEST_F(Replay, ARefusalOfTheSecondTrySplitsTheRetry)
{
    Data();
    Say("C: one\nC: two");
    Say(Trace("M") + "M> one\nM= two\n" + Trace("E") + "E> one\nE= two\nM: reset");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\n"
        "M< 550 5.1.1 no alice\nE: gone\nM: gone\nC: .\nS: 451 4.3.");
    EXPECT_EQ(f.Counter(RELAY_HINTS), 1u);
}

TEST_F(Replay, OneThatIsLostBeforeTheOthersAreOpenBeginsAgain)
{
    Envelope();
    Say("C: DATA\nM> DATA\nE> DATA\nM< 354 go\nC: silent\nM: reset");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\n"
        "M< 250 alice again\nM> DATA\nE< 354 go\nC: silent\nM< 354 go\nS: 354\nC: x\nC: .");
    Say(Trace("E") + "E> x\nE> .\nE< 250 ok\n" + Trace("M") +
        "M> x\nM> .\nM< 250 ok\nS: 250 2.0.0");
}

TEST_F(Replay, ItIsCalledOffWhenTheClientLeavesBehindTheFirstEnd)
{
    Content();
    Say("E> x\nE> .\nM= x\nM: close\nM: connect\nC: reset\nwait 10ms\nE< 250 external has it");
    Say("wait 1s");
    EXPECT_THAT(f.Log(),
                AllOf(Contains(AllOf(HasSubstr("to=bob"), HasSubstr("status=remembered"))),
                      Contains(AllOf(HasSubstr("to=alice"), HasSubstr("status=deferred")))));
    EXPECT_EQ(f.Counter(RELAY_REPLAY_NO_CLIENT), 1u);
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_PARTIAL), 1u);
}

TEST_F(Replay, AndDoesNotBeginWhenTheClientHasLeft)
{
    Content();
    Say("E> x\nE> .\nM= x\nC: reset\nwait 10ms\nM: close\nwait 10ms\nE< 250 external has it");
    Say("wait 1s\nM: no connection");
    EXPECT_THAT(f.Log(), Contains(AllOf(HasSubstr("to=alice"), HasSubstr("status=deferred"))));
}

TEST_F(Replay, TheBudgetOfTheCommitsBoundsIt)
{
    Content();
    Say("E> x\nE> .\nM= x\nwait 404s\nM: close\nM: connect\nE< 250 external has it\nwait 2s\n"
        "S: 451 4.4.2");
    EXPECT_EQ(f.Counter(RELAY_REPLAY_FAILED), 1u);
}

TEST_F(Replay, BehindMostOfThatBudgetItIsTooLate)
{
    Content();
    Say("E> x\nE> .\nM= x\nwait 406s\nM: close\nM: no connection\nE< 250 external has it\nS: 451 "
        "4.4.2");
    EXPECT_EQ(f.Counter(RELAY_REPLAY_TOO_LATE), 1u);
}

struct ReplayOfRepairs : Replay {
    ReplayOfRepairs() : Replay("", "bare_newline = repair\n")
    {
    }
};

TEST_F(ReplayOfRepairs, WhatWasRepairedIsGivenAsItWas)
{
    Say(kHello);
    Say(kToData);
    Say(R"(
        C+ a\nb\r.c\r\n.\n\n..d\r\n
        C: e
        M: trace
        M> a
        M> b
        M> ..c
        M>
        M>
        M> ...d
        M= e
        M: reset
    )");
    Accepted();
    Say(R"(
        C+ f\ng
        M: trace
        M> a
        M> b
        M> ..c
        M>
        M>
        M> ...d
        M> e
        M> f
        M= g
        C+ \r\n.\r\n
        M>
        M> .
        M< 250 ours has it
        S: 250 ours has it
    )");
    EXPECT_EQ(f.Counter(RELAY_REPLAYED), 1u);
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_MENDED), 1u);
    EndsClean();
}

TEST_F(ReplayOfRepairs, WithMoreRepairsThanCanBeKeptItIsADeferral)
{
    Say(kHello);
    Say(kToData);
    std::string line = "C+ ";
    for (int i = 0; i < 200; i++)
        line += "\\n";
    for (int i = 0; i < 6; i++)
        Say(line);
    Say("M: trace");
    Say("M: reset\nM: no connection\nC+ \\r\\n.\\r\\n\nS: 451 4.4.2");
    EXPECT_EQ(f.Counter(RELAY_REPLAY_MENDED), 1u);
}

struct OneSlot : Replay {
    OneSlot() : Replay("[destinations]\nconnections = 1\n")
    {
    }
};

TEST_F(OneSlot, WhoHoldsAnotherConnectionDoesNotWaitForOne)
{
    Data();
    Say("C: one\nC: two");
    Say(Trace("M") + "M> one\nM= two\n" + Trace("E") + "E> one\nE= two");
    // Somebody else waits for the mailbox server.
    Say("D: connect\nT: 220\nD: HELO d\nT: 250\nD: MAIL FROM:<c@d.example>\nT: 250\n"
        "D: RCPT TO:<anna@example.com>\nwait 100ms\nM: reset\nE: gone\nC: .\nS: 451 4.");
    EXPECT_EQ(f.Counter(RELAY_REPLAY_BUSY), 1u);
}

} // namespace
