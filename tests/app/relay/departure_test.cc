// SPDX-License-Identifier: BSD-3-Clause
// The end of a client, wherever it comes: nothing half is delivered, nothing is done twice that can
// be known again, and everything is logged (DESIGN §5).
#include "tests/app/relay/legs_fixture.h"

#include <gmock/gmock.h>

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

namespace
{

struct Departure : Legs {
    void SetUp() override
    {
        Legs::SetUp();
        f.Log();
    }
    // The log's lines about both.
    void Logged(const std::string &alice, const std::string &bob)
    {
        std::vector<std::string> log = f.Log();
        EXPECT_THAT(log, Contains(AllOf(HasSubstr("to=alice"), HasSubstr("status=" + alice))));
        EXPECT_THAT(log, Contains(AllOf(HasSubstr("to=bob"), HasSubstr("status=" + bob))));
    }
    void NothingIsLeft()
    {
        f.Pass(100 * NSEC_PER_SEC);
        EXPECT_EQ(f.Leaks(), "");
    }
};

// ------------------------------------------------------------------------------ before DATA --

TEST_F(Departure, WhileARecipientIsAskedForTheQuestionIsTakenBack)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\nC: reset\nM> RSET\n"
        "M< 250 ok\nM< 250 alice\nM< 250 ok\nwait 10ms");
    EXPECT_THAT(f.Log(), Contains(AllOf(HasSubstr("to=alice"), HasSubstr("status=abandoned"))));
    Say("wait 11s\nM> QUIT\nM: close");
    NothingIsLeft();
}

TEST_F(Departure, WithItsEnvelopeAcceptedEachDestinationKeepsNothingOfIt)
{
    for (const char *how : {"C: reset", "C: close", "C: RSET\nS: 250\nC: QUIT\nS: 221\nC: gone",
                            "C: QUIT\nS: 221\nC: gone", "wait 301s\nS: 421 4.4.2\nC: gone"}) {
        Envelope();
        Say(how);
        Say("M> RSET\nM< 250 ok\nE> RSET\nE< 250 ok\nwait 10ms");
        Logged("abandoned", "abandoned");
        Say("wait 11s\nM> QUIT\nM: close\nE> QUIT\nE: close");
    }
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_ABANDONED), 5u);
    NothingIsLeft();
}

// -------------------------------------------------------------------------- behind DATA, 354 --

TEST_F(Departure, BehindDataTheDestinationsAreLeftWithoutAByteOfContent)
{
    Envelope();
    Say("C: DATA\nM> DATA\nE> DATA\nM< 354 go\nwait 10ms\nC: reset\nM: gone\nE: gone");
    Logged("abandoned", "abandoned");
    NothingIsLeft();
}

TEST_F(Departure, ThatItWillSayNoMoreIsHeardWhenItWouldHaveToSpeak)
{
    Envelope();
    Say("C: DATA\nM> DATA\nE> DATA\nM< 354 go\nC: close\nE: silent\nE< 354 go\nM: gone\nE: gone");
    Logged("abandoned", "abandoned");
    NothingIsLeft();
}

TEST_F(Departure, DuringTheContentNobodyCanTakeItForComplete)
{
    for (const char *how : {"C: reset", "C: close", "wait 301s\nS: 421 4.4.2\nC: gone"}) {
        Data();
        Say("C: x\nC: y");
        Say(Trace("M") + "M> x\nM= y\n" + Trace("E") + "E> x\nE= y\n" + how + "\nM: gone\nE: gone");
        Logged("abandoned", "abandoned");
    }
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_ABANDONED), 3u);
    NothingIsLeft();
}

// ---------------------------------------------------------------------------- behind its end --

TEST_F(Departure, AClientThatClosesItsHalfBehindTheEndIsStillThere)
{
    Content();
    Say("C: close\nwait 1s\nE> x\nE> .\nE< 250 ok\nM> x\nM> .\nM< 250 ok\nwait 10ms");
    EXPECT_THAT(f.Log(), Contains(AllOf(HasSubstr("to=alice"), HasSubstr("status=delivered"),
                                        Not(HasSubstr("heard=no")))));
}

TEST_F(Departure, BehindTheFirstEndTheOthersGetTheirs)
{
    Content();
    Say("E> x\nE> .\nC: reset\nwait 1s\nE< 250 external has it\nM> x\nM> .\nM< 250 ours has it\n"
        "wait 10ms");
    std::vector<std::string> log = f.Log();
    for (const char *to : {"to=alice", "to=bob"})
        EXPECT_THAT(log, Contains(AllOf(HasSubstr(to), HasSubstr("status=delivered"),
                                        HasSubstr("heard=no"))));
    EXPECT_EQ(f.Counter(RELAY_UNHEARD), 1u);
}

TEST_F(Departure, BehindTheFirstEndARefusalCallsTheOthersOff)
{
    Content();
    Say("E> x\nE> .\nC: reset\nwait 1s\nE< 554 5.7.1 spam\nM= x\nM: gone");
    Logged("deferred", "deferred");
}

TEST_F(Departure, BehindTheFirstEndARefusalOfTheSecondLeavesTheFirstRemembered)
{
    Content();
    Say("E> x\nE> .\nC: reset\nwait 1s\nE< 250 external has it\nM> x\nM> .\nM< 452 full\nwait "
        "10ms");
    Logged("deferred", "remembered");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_PARTIAL), 1u);
}

TEST_F(Departure, BehindTheFirstEndTheBudgetGoesOn)
{
    Content();
    Say("E> x\nE> .\nC: reset\nwait 541s\nE: gone\nM= x\nM: gone");
    Logged("deferred", "in-doubt");
}

// ----------------------------------------------------------------------------- the answer --

TEST_F(Departure, AnAnswerThatItDidNotAcknowledgeIsRemembered)
{
    Data();
    Say("C: Message-ID: <1@a>\nC:\nC: .");
    Say(Trace("E") + "E> Message-ID: <1@a>\nE>\nE> .\nE< 250 ok");
    Say(Trace("M") + "M> Message-ID: <1@a>\nM>\nM> .");
    // Our answer and its reset pass each other.
    Say("M< 250 ok\nwait 1ms\nC: reset\nwait 100ms");
    Logged("delivered", "delivered");
    EXPECT_EQ(f.Counter(RELAY_UNHEARD), 1u);
    Say(kHello);
    Say("C+ MAIL FROM:<a@b.example>\\r\\nRCPT TO:<alice@example.com>\\r\\n"
        "RCPT TO:<bob@example.com>\\r\\n");
    for (const char *side : {"M", "E"}) {
        std::string t = side;
        Say(t + "> MAIL FROM:<a@b.example>\n" + t + "> RCPT TO:<" + (t == "M" ? "alice" : "bob") +
            "@example.com>\n" + t + "< 250 ok\n" + t + "< 250 ok");
    }
    Say("S: 250\nS: 250\nS: 250\nC: DATA\nM> DATA\nE> DATA\nM< 354 go\nE< 354 go\nS: 354\n"
        "C: Message-ID: <1@a>\nC:\nC: .\nS: 250 2.0.0");
    EXPECT_EQ(f.Counter(RELAY_LEGS_SUPPRESSED), 2u);
    Logged("suppressed", "suppressed");
}

} // namespace
