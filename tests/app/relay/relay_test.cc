// SPDX-License-Identifier: BSD-3-Clause
// The relay, rule by rule, as conversations between a client, the worker and two destinations.
#include "tests/app/relay/relay_fixture.h"

#include <gmock/gmock.h>

using ::testing::Contains;
using ::testing::HasSubstr;

namespace
{

TEST_F(Relay, PassesAMessageToTheServerThatHasTheMailbox)
{
    Say(kHello);
    Say(kToData);
    Say(R"(
        C: Subject: hello
        C:
        C: ..dotted
        C: .
        M: trace
        M> Subject: hello
        M>
        M> ..dotted
        M> .
        M< 250 2.0.0 queued as 42
        S: 250 2.0.0 queued as 42
    )");
    EXPECT_THAT(f.Log(), Contains(::testing::AllOf(
                             HasSubstr("status=delivered"), HasSubstr("to=alice@example.com"),
                             HasSubstr("verdict=local"), HasSubstr("next_hop=10.0.0.10:25"),
                             HasSubstr("reply=\"250 2.0.0 queued as 42\""))));
    EXPECT_EQ(f.Counter(RELAY_MESSAGES), 1u);
    EndsClean();
}

TEST_F(Relay, PassesAnEmptyMessage)
{
    Say(kHello);
    Say(kToData);
    Say(R"(
        C: .
        M: trace
        M> .
        M< 250 ok
        S: 250 ok
    )");
    EndsClean();
}

TEST_F(Relay, AnswersAPipelinedTransactionInTheClientsOrder)
{
    Say(kHello);
    Say(R"(
        C+ MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.com>\r\nRCPT TO:<x@elsewhere.example>\r\nRCPT TO:<anna@example.com>\r\nDATA\r\n
    )");
    Say(kMailboxGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M> RCPT TO:<anna@example.com>
        C: silent
        M< 250 ok
        M< 250 alice
        M< 550 5.1.1 no anna
        S: 250 2.1.0 OK
        S: 250 alice
        S: 550 5.7.1
        S: 550 5.1.1 no anna
        M> DATA
        M< 354 go
        S: 354
        C: x
        C: .
    )");
    Say(R"(
        M: trace
        M> x
        M> .
        M< 250 done
        S: 250 done
    )");
    EndsClean();
}

TEST_F(Relay, PutsMailAndRecipientIntoOneSegment)
{
    // The mailbox server hears RCPT without having answered MAIL: they left together.
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>");
}

TEST_F(Relay, SendsOneCommandAtATimeToAServerWithoutPipelining)
{
    Say(kHello);
    Say(R"(
        C+ MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.com>\r\nRCPT TO:<anna@example.com>\r\n
        M: connect
        M< 220 old
        M> EHLO mx1.example.net
        M< 502 what
        M> HELO mx1.example.net
        M< 250 old
        M> MAIL FROM:<a@b.example>
        M: silent
        M< 250 ok
        M> RCPT TO:<alice@example.com>
        M: silent
        M< 250 alice
        M> RCPT TO:<anna@example.com>
        M< 250 anna
        S: 250 2.1.0 OK
        S: 250 alice
        S: 250 anna
    )");
}

TEST_F(Relay, PipelinesNoRsetBehindAClientThatLeavesEither)
{
    Say(kHello);
    Say(R"(
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        M: connect
        M< 220 old
        M> EHLO mx1.example.net
        M< 250 old
        M> MAIL FROM:<a@b.example>
        C: reset
        M: silent
        M< 250 ok
        M> RSET
        M< 250 ok
        wait 15s
        M> QUIT
        M< 221 bye
        M: gone
    )");
    f.Pass(90 * NSEC_PER_SEC);
    EXPECT_EQ(f.Leaks(), "");
}

TEST_F(Relay, RefusesDomainsThatAreNotOursWithoutAConnection)
{
    Say(kHello);
    Say(R"(
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<x@elsewhere.example>
        S: 550 5.7.1
        C: RCPT TO:<alice%elsewhere.example@example.com>
        S: 550 5.1.3
        M: no connection
        E: no connection
        C: DATA
        S: 554 5.5.1
    )");
}

TEST_F(Relay, KeepsAConnectionForTheNextMessage)
{
    Say(kHello);
    for (int i = 0; i < 3; i++) {
        if (i == 0)
            Say(kToData);
        else
            Say(R"(
                C+ MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n
                M> MAIL FROM:<a@b.example>
                M> RCPT TO:<alice@example.com>
                M< 250 ok
                C: silent
                M< 250 ok
                S: 250 2.1.0 OK
                S: 250 ok
                M> DATA
                M< 354 go
                S: 354
            )");
        Say("C: .\nM: trace\nM> .\nM< 250 ok\nS: 250 ok");
    }
    EXPECT_EQ(f.Counter(RELAY_CONNECTS), 2u); // the other one is the probe of the external server
    EndsClean();
}

TEST_F(Relay, ResetsTheDestinationWhenTheClientResets)
{
    Say(kHello);
    Say(R"(
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
    )");
    Say(kMailboxGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 250 ok
        S: 250 ok
        C: RSET
        S: 250 2.0.0
        M> RSET
        M< 250 ok
        C: MAIL FROM:<c@d.example>
        S: 250
        C: RCPT TO:<anna@example.com>
        M> MAIL FROM:<c@d.example>
        M> RCPT TO:<anna@example.com>
    )");
}

// ---------------------------------------------------------------------------------- replies --

TEST_F(Relay, PassesRepliesOfSeveralLinesUnchanged)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 550-5.7.1 first
        M< 550 5.7.1 second
        S: 550-5.7.1 first
        S: 550 5.7.1 second
    )");
}

TEST_F(Relay, TriesAFreshConnectionAfter421AndThenDefers)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 421 4.3.2 going down
    )");
    Say(kMailboxGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 421 4.3.2 going down
        S: 451 4.3.2
    )");
}

TEST_F(Relay, RetriesAStaleConnectionInvisibly)
{
    Say(kHello);
    Say(kToData);
    Say(R"(
        C: .
        M: trace
        M> .
        M< 250 ok
        S: 250 ok
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M: close
    )");
    Say(kMailboxGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 250 welcome
        S: 250 welcome
    )");
    EXPECT_EQ(f.Counter(RELAY_CONNECTIONS_RETRIED), 1u);
}

TEST_F(Relay, ARefusedMailIsTheAnswerToEachRecipient)
{
    Say(kHello);
    Say("C+ MAIL FROM:<a@b.example>\\r\\nRCPT TO:<alice@example.com>\\r\\nRCPT "
        "TO:<anna@example.com>\\r\\n");
    Say(kMailboxGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M> RCPT TO:<anna@example.com>
        M< 552 5.3.4 too much
        M< 503 5.5.1 need MAIL
        M< 503 5.5.1 need MAIL
        S: 250 2.1.0 OK
        S: 550 5.3.4 
        S: 550 5.3.4 
        C: DATA
        S: 554 5.5.1
    )");
    EXPECT_EQ(f.Counter(RELAY_ALARMS), 0u) << "the 503s follow from the refused MAIL";
}

TEST_F(Relay, ComplaintsAboutUsAreNotTheSendersFault)
{
    Say(kHello);
    for (const char *reply : {"503 5.5.1 bad sequence", "530 5.7.0 authenticate first",
                              "554 5.7.1 host 10.0.0.2 is blocked", "220 what"}) {
        Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
        Say(kMailboxGreets);
        Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\nM< 250 ok");
        Say("M< " + std::string(reply));
        Say("S: 451 4.3.5\nC: RSET\nS: 250\nM: reset");
    }
    EXPECT_EQ(f.Counter(RELAY_ALARMS), 4u);
    EXPECT_THAT(f.Log(), Contains(HasSubstr("alarm: 10.0.0.10:25 answered out of place: 503")));
}

TEST_F(Relay, AnAddressThatMerelyBeginsLikeOursIsNotOurs)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 554 5.7.1 host 10.0.0.20 is blocked
        S: 554 5.7.1 host 10.0.0.20
    )");
}

TEST_F(Relay, PassesARefusalOfTheMessage)
{
    Say(kHello);
    Say(kToData);
    Say("C: spam\nC: .\nM: trace\nM> spam\nM> .\nM< 554 5.7.1 spam\nS: 554 5.7.1 spam");
    EXPECT_THAT(f.Log(), Contains(HasSubstr("status=refused")));
    EXPECT_EQ(f.Counter(RELAY_MESSAGES), 0u);
    EndsClean();
}

TEST_F(Relay, PassesARefusalOfData)
{
    Say(kHello);
    Say(R"(
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
    )");
    Say(kMailboxGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 250 ok
        S: 250 ok
        C: DATA
        M> DATA
        M< 451 4.3.1 disk full
        S: 451 4.3.1 disk full
        M> RSET
        M< 250 ok
        C: NOOP
        S: 250
    )");
    EndsClean();
}

// --------------------------------------------------------------------------- what goes wrong --

TEST_F(Relay, DefersWhenTheServerRefusesConnections)
{
    Say("M: refuse");
    Say(kHello);
    Say(R"(
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        S: 451 4.4.1
        C: RSET
        S: 250
        M: listen
    )");
    Say(kToData);
}

TEST_F(Relay, DefersWhenTheServerDoesNotAnswerRcptWithinItsBudget)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        wait 238s
        C: silent
        wait 2s
        S: 451 4.4.2
        M: gone
        C: NOOP
        S: 250
    )");
    EXPECT_EQ(f.Counter(RELAY_TIMEOUT_RCPT), 1u);
}

TEST_F(Relay, ClosesWhereTheAnswerFindsNoMemory)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say("wait 235s");
    f.Famine(0, 10 * NSEC_PER_SEC);
    Say("wait 6s\nC: closed"); // a RST would be sent once, and might be lost
}

TEST_F(Relay, DefersWhenTheServerNeverGreets)
{
    Say(kHello);
    Say(R"(
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        M: connect
        wait 241s
        S: 451 4.4.2
    )");
}

TEST_F(Relay, DefersWhenTheServerDoesNotAnswerData)
{
    Say(kHello);
    Say(R"(
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
    )");
    Say(kMailboxGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 250 ok
        S: 250 ok
        C: DATA
        M> DATA
        wait 98s
        C: silent
        wait 2s
        S: 451 4.4.2
        M: gone
    )");
    EXPECT_EQ(f.Counter(RELAY_TIMEOUT_DATA), 1u);
}

TEST_F(Relay, IsInDoubtWhenTheServerDoesNotConfirm)
{
    Say(kHello);
    Say(kToData);
    Say(R"(
        C: .
        M: trace
        M> .
        wait 538s
        C: silent
        wait 2s
        S: 451 4.4.2
        M: gone
    )");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_IN_DOUBT), 1u);
    EXPECT_THAT(f.Log(), Contains(HasSubstr("status=in-doubt")));
}

TEST_F(Relay, IsInDoubtWhenTheServersAnswerToTheEndIsNeitherYesNorNo)
{
    Say(kHello);
    Say(kToData);
    Say(R"(
        C: .
        M: trace
        M> .
        M< 354 go ahead
        S: 451 4.3.5
    )");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_IN_DOUBT), 1u);
    EXPECT_THAT(f.Log(), Contains(HasSubstr("status=in-doubt")));
}

TEST_F(Relay, IsInDoubtWhenTheServerClosesAfterTheEnd)
{
    Say(kHello);
    Say(kToData);
    Say("C: .\nM: trace\nM> .\nM: close\nS: 451 4.4.2\nC: NOOP\nS: 250");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_IN_DOUBT), 1u);
}

TEST_F(Relay, DrainsTheClientWhenTheServerClosesDuringTheContent)
{
    Say(kHello);
    Say(kToData);
    Say(R"(
        C: one
        M: trace
        M= one
        M: refuse
        M: reset
        C: silent
        C: two
        C: RSET
        C: silent
        C: .
        S: 451 4.4.1
        C: NOOP
        S: 250
    )");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_IN_DOUBT), 0u);
}

TEST_F(Relay, AServerThatRefusesDuringTheContentIsHeard)
{
    Say(kHello);
    Say(kToData);
    Say(R"(
        C: one
        M: trace
        M= one
        M< 552 5.2.2 mailbox full
        C: two
        C: .
        S: 552 5.2.2 mailbox full
    )");
}

TEST_F(Relay, AServerThatAcceptsDuringTheContentIsNotBelieved)
{
    Say(kHello);
    Say(kToData);
    Say(R"(
        C: one
        M: trace
        M= one
        M< 250 2.0.0 queued already
        M: gone
        C: .
        S: 451 4.3.5
    )");
}

TEST_F(Relay, AReplyThatCameBeforeItsCommandIsNotItsAnswer)
{
    // An answer too many: what follows must not be taken for the answers of the next commands.
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(R"(
        M: connect
        M< 220 ours
        M> EHLO mx1.example.net
        M< 250 no pipelining
        M> MAIL FROM:<a@b.example>
        M+ 250 ok\r\n250 alice\r\n250 one too many\r\n
        S: 451 4.3.5
        M: gone
    )");
    EXPECT_EQ(f.Counter(RELAY_REPLY_OUT_OF_PLACE), 1u);
    EXPECT_EQ(f.Counter(RELAY_RCPT_ACCEPTED), 0u);
}

TEST_F(Relay, ARefusalThatCameBeforeRcptRefusesNobody)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(R"(
        M: connect
        M< 220 ours
        M> EHLO mx1.example.net
        M< 250 no pipelining
        M> MAIL FROM:<a@b.example>
        M+ 250 ok\r\n550 5.1.1 nobody was asked for\r\n
        S: 451 4.3.5
        M: gone
    )");
    EXPECT_EQ(f.Counter(RELAY_REPLY_OUT_OF_PLACE), 1u);
}

TEST_F(Relay, AFarewellToAnIdleConnectionThatWasTakenAgainRefusesNobody)
{
    Say(kHello);
    Say(kToData);
    Say("C: .\nM: trace\nM> .\nM< 250 taken\nS: 250 taken");
    Say("C: MAIL FROM:<a@b.example>\nS: 250");
    Say(R"(
        C: RCPT TO:<alice@example.com>
        M< 554 5.4.7 idle for too long
        M: gone
        M: connect
        M< 220 ours
        M> EHLO mx1.example.net
        M< 250-ours
        M< 250 PIPELINING
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 250 alice
        S: 250 alice
    )");
    EXPECT_EQ(f.Counter(RELAY_CONNECTIONS_RETRIED), 1u);
    EXPECT_EQ(f.Counter(RELAY_ALARMS), 0u);
}

TEST_F(Relay, ADrippedCommandIsNotWaitedForForEver)
{
    Say("C: connect\nS: 220");
    for (int i = 0; i < 31; i++)
        Say("C+ x\nwait 9700ms");
    Say("S: 421 4.4.2\nC: gone");
}

TEST_F(Relay, AnAbortedMessageWasNeverComplete)
{
    Say(kHello);
    Say(kToData);
    // The client dies right behind the last line: CRLF is withheld, the server sees a reset.
    Say("C: all of it\nM: trace\nM= all of it\nC: close\nM: gone");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_ABANDONED), 1u);
    EXPECT_THAT(f.Log(), Contains(HasSubstr("status=abandoned")));
}

TEST_F(Relay, HearsTheServerOutWhenTheClientLeavesAfterTheEnd)
{
    Say(kHello);
    Say(kToData);
    Say("C: .\nM: trace\nM> .\nC: reset\nwait 1s\nM< 250 2.0.0 ok\nwait 1s");
    EXPECT_THAT(f.Log(), Contains(HasSubstr("status=delivered")));
    EXPECT_EQ(f.Counter(RELAY_MESSAGES), 1u);
}

TEST_F(Relay, RefusesABareNewlineAndAbortsTheServer)
{
    for (const char *bare :
         {"a\\nb\\r\\n", "a\\rb\\r\\n", "\\r\\n.\\n", "\\n.\\r\\n", "\\n.\\n", "\\r.\\r"}) {
        Say(kHello);
        Say(kToData);
        Say(std::string("C+ ") + bare);
        Say("C+ MAIL FROM:<smuggled@example.org>\\r\\n\nC: silent\nC+ \\r\\n.\\r\\n\nS: 550 "
            "5.6.11");
        Say("C: QUIT\nS: 221\nC: gone\nM: reset");
    }
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_BARE_NEWLINE), 6u);
    EXPECT_EQ(f.Counter(RELAY_MESSAGES), 0u);
}

TEST_F(Relay, ASlowServerHoldsTheClientBackAndThenFails)
{
    Say(kHello);
    Say(kToData);
    StopsUnderMuch(1200);
    Say("wait 149s\nC: silent\nwait 60s");
    Say("C: .\nS: 451 4.4.2");
    EXPECT_EQ(f.Counter(RELAY_TIMEOUT_CONTENT), 1u);
}

// A mailbox server that takes nothing for a while, and content whose end has arrived behind it.
struct SlowEnd : Relay {
    explicit SlowEnd(const std::string &extra = "") : Relay(extra)
    {
    }
    void EndArrives()
    {
        Say(kHello);
        Say(kToData);
        StopsUnderMuch(138);
        Say("C: .\nwait 1s");
    }
};

TEST_F(SlowEnd, TheBudgetOfTheCommitRunsFromWhenTheEndArrived)
{
    EndArrives();
    Say("wait 139s");
    EXPECT_EQ(f.Heard('M').find("\r\n.\r\n"), std::string::npos);
    Say("M: read on\nwait 1s");
    EXPECT_NE(f.Heard('M').find("\r\n.\r\n"), std::string::npos);
    Say("wait 397s\nC: silent\nwait 2s\nS: 451 4.4.2");
    EXPECT_EQ(f.Counter(RELAY_TIMEOUT_COMMIT), 1u);
}

TEST_F(SlowEnd, ItRunsFromWhenTheEndMayHaveBeenSentThoughItWaitedAtTheClients)
{
    Say(kHello);
    Say(kToData);
    StopsUnderMuch(400);
    Say("C: .\nwait 140s");
    Say("M: read on\nwait 1s");
    EXPECT_NE(f.Heard('M').find("\r\n.\r\n"), std::string::npos);
    Say("wait 397s\nC: silent\nwait 3s\nS: 451 4.4.2");
    EXPECT_EQ(f.Counter(RELAY_TIMEOUT_COMMIT), 1u);
}

struct ShortCommit : SlowEnd {
    ShortCommit() : SlowEnd("[timeouts]\ncommit = 120s\n")
    {
    }
};

TEST_F(ShortCommit, ContentThatLeavesNoTimeForTheAnswerIsDeferredBeforeItsEnd)
{
    EndArrives();
    Say("wait 87s\nC: silent\nwait 2s\nS: 451 4.4.2 The destination stopped");
    EXPECT_EQ(f.Counter(RELAY_TIMEOUT_CONTENT), 1u);
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_IN_DOUBT), 0u);
}

} // namespace
