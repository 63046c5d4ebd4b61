// SPDX-License-Identifier: BSD-3-Clause
// Messages to both sides of a domain: several legs, one honest answer (DESIGN §5).
#include "tests/app/relay/legs_fixture.h"

#include <gmock/gmock.h>

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

namespace
{

TEST_F(Legs, AMessageToBothSidesIsOneTransaction)
{
    Content();
    // The external side gets the end first; the other one only when that has answered.
    Say(R"(
        M= x
        E> x
        E> .
        M: silent
        E< 250 external has it
        M= \r\n.\r\n
        C: silent
        M< 250 ours has it
        S: 250 2.0.0 OK: 
    )");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES), 1u);
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_FANNED_OUT), 1u);
    EXPECT_EQ(f.Counter(RELAY_DELIVERED), 2u);
    EXPECT_THAT(f.Log(), AllOf(Contains(AllOf(HasSubstr("to=alice"), HasSubstr("status=delivered"),
                                              HasSubstr("word=\"250 ours has it\""))),
                               Contains(AllOf(HasSubstr("to=bob"), HasSubstr("status=delivered"),
                                              HasSubstr("word=\"250 external has it\"")))));
}

struct LocalFirst : Legs {
    LocalFirst() : Legs("[message]\ncommit_order = local\n")
    {
    }
};

TEST_F(LocalFirst, GivesTheMailboxServerTheEndFirst)
{
    Content();
    Say(R"(
        E= x
        M> x
        M> .
        M< 250 ours has it
        E= \r\n.\r\n
        E< 250 external has it
        S: 250 2.0.0 OK: 
    )");
}

TEST_F(Legs, ARefusalOfTheFirstCallsTheOtherOff)
{
    Content();
    Say(R"(
        E> x
        E> .
        E< 554 5.7.1 spam
        S: 451 4.3.0
        M= x
        M: gone
        C: NOOP
        S: 250
    )");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_REFUSED), 1u);
    EXPECT_THAT(f.Log(), Contains(AllOf(HasSubstr("to=bob"), HasSubstr("status=deferred"),
                                        HasSubstr("word=\"554 5.7.1 spam\""))));
}

TEST_F(Legs, ARefusalOfTheSecondIsDeferredAndTheFirstRemembered)
{
    Content();
    Say(R"(
        E> x
        E> .
        E< 250 external has it
        M> x
        M> .
        M< 552 5.3.4 too big
        S: 451 4.3.0
    )");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_PARTIAL), 1u);
    EXPECT_THAT(f.Log(), AllOf(Contains(AllOf(HasSubstr("to=bob"), HasSubstr("status=remembered"))),
                               Contains(AllOf(HasSubstr("to=alice"), HasSubstr("status=deferred"),
                                              HasSubstr("word=\"552 5.3.4 too big\"")))));
}

TEST_F(Legs, ALegInDoubtCallsTheOtherOff)
{
    Content();
    Say(R"(
        E> x
        E> .
        E: reset
        S: 451 4.4.2
        M= x
        M: gone
    )");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_IN_DOUBT), 1u);
    EXPECT_THAT(f.Log(), Contains(AllOf(HasSubstr("to=bob"), HasSubstr("status=in-doubt"))));
}

TEST_F(Legs, AllCommitsTogetherHaveOneBudget)
{
    Content();
    Say(R"(
        E> x
        E> .
        wait 300s
        E< 250 external has it
        M> x
        M> .
        wait 235s
        C: silent
        wait 5s
        S: 451 4.4.2
    )");
    EXPECT_EQ(f.Counter(RELAY_TIMEOUT_COMMIT), 1u);
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_PARTIAL), 1u);
}

TEST_F(Legs, RefusedRecipientsLeaveTheirLegAsItWas)
{
    Say(kHello);
    Say("C+ MAIL FROM:<a@b.example>\\r\\nRCPT TO:<alice@example.com>\\r\\n"
        "RCPT TO:<bob@example.com>\\r\\nRCPT TO:<anna@example.com>\\r\\n");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\nM> RCPT "
        "TO:<anna@example.com>");
    Say(kExternalGreets);
    // Replies keep the client's order.
    Say(R"(
        E> MAIL FROM:<a@b.example>
        E> RCPT TO:<bob@example.com>
        E< 250 ok
        E< 550 5.1.1 no bob
        C: silent
        M< 250 ok
        M< 250 alice
        M< 250 anna
        S: 250 2.1.0
        S: 250 alice
        S: 550 5.1.1 no bob
        S: 250 anna
        C: DATA
        E> RSET
        E< 250 ok
        M> DATA
        M< 354 go
        S: 354
        C: .
        M~ Received:
        M~ \x09by
        M~ \x09(splitmx 
        M> .
        M< 554 5.7.1 the only one's own words
        S: 554 5.7.1 the only one's own words
    )");
}

TEST_F(Legs, DataRefusedByOneIsNoRefusalForTheOther)
{
    Envelope();
    Say(R"(
        C: DATA
        M> DATA
        E> DATA
        M< 354 go
        E< 554 5.7.1 no
        S: 451 4.3.0
        M: gone
        C: NOOP
        S: 250
    )");
}

TEST_F(Legs, ADestinationThatSpeaksDuringTheBodyHasRefused)
{
    Data();
    Say("C: line one\nC: line two");
    Say(Trace("E") + "E> line one\nE= line two\nE< 552 5.3.4 enough\nE: gone");
    Say(Trace("M") + "M> line one\nM= line two\nM: gone");
    // The client is heard out, then answered.
    Say(R"(
        C: silent
        C: line three
        C: .
        S: 451 4.3.0
        C: NOOP
        S: 250
    )");
}

TEST_F(Legs, TheSlowestSetsThePace)
{
    Data();
    Say("M: stop reading");
    std::string line(900, 'a');
    std::string body;
    for (int i = 0; i < 1000; i++)
        body += "C: " + line + "\n";
    Say(body);
    Say("wait 5s");
    // What the other has is not more than what the slow one's buffers hold.
    EXPECT_LT(f.Heard('E').size(), 400000u);
    EXPECT_GT(f.Heard('E').size(), 10000u);
}

TEST_F(Legs, ALegThatStallsWhileAnotherIsReadyFailsTheMessage)
{
    Data();
    Say("M: stop reading");
    std::string line(900, 'a');
    std::string body;
    for (int i = 0; i < 1000; i++)
        body += "C: " + line + "\n";
    Say(body);
    Say("wait 25s");
    EXPECT_EQ(f.Counter(RELAY_TIMEOUT_CONTENT), 0u);
    Say("wait 10s");
    EXPECT_EQ(f.Counter(RELAY_TIMEOUT_CONTENT), 1u);
    EXPECT_EQ(f.Counter(RELAY_HINTS), 1u);
    Say("C: .\nS: 451 4.4.2");
}

TEST_F(Legs, ALegThatDoesNotAcknowledgeTheLastOfItFailsTheMessage)
{
    Data();
    Say("M: stop reading");
    std::string line(900, 'a');
    std::string body;
    for (int i = 0; i < 75; i++)
        body += "C: " + line + "\n";
    Say(body + "C: .\nwait 25s\nC: silent\nwait 10s\nS: 451 4.4.2");
    EXPECT_EQ(f.Counter(RELAY_HINTS), 1u);
    EXPECT_EQ(f.Heard('E').find("\r\n.\r\n"), std::string::npos);
}

// In this or that of them the time is over in the round in which it comes.
struct JustInTime : Legs, ::testing::WithParamInterface<int> {
};

TEST_P(JustInTime, TheLastAcknowledgmentComes)
{
    Data();
    Say("C: x\n" + Trace("M") + "M= x\n" + Trace("E") + "E= x\nM: mute\nC: y\nC: .");
    f.Pass(GetParam() * NSEC_PER_MSEC);
    Say("M: sound\nwait 1s");
    if (f.Counter(RELAY_TIMEOUT_CONTENT) > 0)
        Say("S: 451 4.4.2");
    else
        Say("E>\nE> y\nE> .\nE< 250 ok\nM>\nM> y\nM> .\nM< 250 ok\nS: 250 2.0.0");
}

INSTANTIATE_TEST_SUITE_P(By, JustInTime, ::testing::Range(30038, 30046));

// ------------------------------------------------------------------------- the client's end --

TEST_F(Legs, AClientLostDuringTheBodyIsLostForAll)
{
    Data();
    Say("C: x\nC+ y\n" + Trace("M") + "M> x\n" + Trace("E") +
        "E> x\nC: reset\nM= y\nM: gone\nE= y\nE: gone");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_ABANDONED), 1u);
}

TEST_F(Legs, AClientLostAfterTheFirstDotIsServedToTheEnd)
{
    Content();
    Say(R"(
        E> x
        E> .
        C: reset
        wait 1s
        E< 250 external has it
        M> x
        M> .
        M< 250 ours has it
        wait 100ms
    )");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES), 1u);
}

TEST_F(Legs, AClientLostBeforeTheFirstDotIsLostForAll)
{
    Data();
    Say("M: stop reading");
    // The mailbox server's TCP has not acknowledged all when the end comes: nobody has a dot.
    std::string line(900, 'a');
    std::string body;
    for (int i = 0; i < 75; i++)
        body += "C: " + line + "\n";
    Say(body + "C: .\nwait 1s\nC: reset\nwait 1s");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_ABANDONED), 1u);
    EXPECT_EQ(f.Heard('E').find("\r\n.\r\n"), std::string::npos);
}

// ---------------------------------------------------------------------------------- limits --

struct OneLeg : Legs {
    OneLeg() : Legs("[message]\nmax_legs = 1\n")
    {
    }
};

TEST_F(OneLeg, DefersARecipientOfASecondDestination)
{
    Say(kHello);
    Say(kToData);
    Say("C: .");
    Say(R"(
        M: trace
        M> .
        M< 250 ok
        S: 250 ok
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 250 ok
        S: 250 ok
        C: RCPT TO:<bob@example.com>
        S: 452 4.5.3
        E: no connection
    )");
    EXPECT_EQ(f.Counter(RELAY_RCPT_SECOND_LEG), 1u);
}

struct Serialized : Legs {
    Serialized() : Legs("[message]\nmulti_route = serialize\n")
    {
    }
};

TEST_F(Serialized, EachDestinationHasATransactionOfItsOwn)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\n"
        "M< 250 ok\nM< 250 ok\nS: 250 ok\nC: RCPT TO:<bob@example.com>\nS: 452 4.5.3");
}

struct OneConnection : Legs {
    OneConnection() : Legs("[destinations]\nconnections = 1\n")
    {
    }
};

TEST_F(OneConnection, NobodyWaitsForAConnectionWhileHoldingAnother)
{
    Say(kHello);
    Say("D: connect\nT: 220\nD: EHLO d.example.org\nT* 250");
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\n"
        "M< 250 ok\nM< 250 ok\nS: 250 ok");
    Say("D: MAIL FROM:<c@d.example>\nT: 250\nD: RCPT TO:<bob@example.com>");
    Say(kExternalGreets);
    Say(R"(
        E> MAIL FROM:<c@d.example>
        E> RCPT TO:<bob@example.com>
        E< 250 ok
        E< 250 ok
        T: 250 ok
        D: RCPT TO:<alice@example.com>
        T: 452 4.5.3
        C: RCPT TO:<bob@example.com>
        S: 452 4.5.3
    )");
    EXPECT_EQ(f.Counter(RELAY_RCPT_SECOND_LEG_BUSY), 2u);
}

} // namespace
