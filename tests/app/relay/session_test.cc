// SPDX-License-Identifier: BSD-3-Clause
// The client side of the relay, and its end.
#include "tests/app/relay/legs_fixture.h"

#include <gmock/gmock.h>

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

namespace
{

// ------------------------------------------------------------------------------ the client --

TEST_F(Relay, KeepsTheOrderOfCommands)
{
    Say(R"(
        C: connect
        S: 220
        C: MAIL FROM:<a@b.example>
        S: 503 5.5.1
        C: HELO there
        S: 250 mx1.example.net
        C: RCPT TO:<alice@example.com>
        S: 503 5.5.1
        C: DATA
        S: 503 5.5.1
        C: MAIL FROM:<a@b.example>
        S: 250
        C: MAIL FROM:<a@b.example>
        S: 503 5.5.1
        C: DATA
        S: 503 5.5.1
        C: VRFY alice
        S: 252
        C: HELP
        S: 214
        C: EXPN all
        S: 502
        C: FROBNICATE
        S: 500 5.5.2
        C: QUIT
        S: 221
        C: gone
    )");
}

TEST_F(Relay, RefusesLinesThatAreTooLongAndGoesOn)
{
    Say("C: connect\nS: 220");
    Say("C: NOOP " + std::string(5000, 'x'));
    Say("S: 500 5.5.2\nC: NOOP\nS: 250");
}

TEST_F(Relay, ClosesAfterTooManyErrors)
{
    Say("C: connect\nS: 220");
    for (int i = 0; i < 19; i++)
        Say("C: BLAH\nS: 500");
    Say("C: BLAH\nS: 421 4.7.0\nC: gone");
}

TEST_F(Relay, DoesNotCountWhatFollowsARefusalInAPipelineAsErrors)
{
    Say(kHello);
    for (int i = 0; i < 30; i++)
        Say(R"(
            C+ MAIL FROM:<a@b.example> SIZE=99999999999\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n
            S: 552 5.3.4
            S: 503 5.5.1
            S: 503 5.5.1
            C+ MAIL FROM:<a@b.example>\r\nRCPT TO:<x@elsewhere.example>\r\nDATA\r\n
            S: 250 2.1.0
            S: 550 5.7.1
            S: 554 5.5.1
            C: RSET
            S: 250
        )");
    EXPECT_EQ(f.Counter(RELAY_CLIENT_ERRORS), 0u);
}

TEST_F(Relay, AKeptConnectionThatGoesAsItIsTakenIsReplaced)
{
    Say(kHello);
    Say(kToData);
    Say("C: .\nM: trace\nM> .\nM< 250 ok\nS: 250 ok");
    Say(R"(
        C+ MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n
        wait 1ms
        M: reset
        M: connect
        M< 220 ours
        M> EHLO mx1.example.net
        M< 250-ours
        M< 250 PIPELINING
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M> DATA
        M< 250 ok
        M< 250 ok
        S: 250 2.1.0 OK
        S: 250 ok
    )");
}

TEST_F(Relay, ClosesASilentClient)
{
    Say("C: connect\nS: 220\nwait 298s\nC: silent\nwait 1s\nS: 421 4.4.2\nC: gone");
}

TEST_F(Relay, RefusesAMessageDeclaredTooBig)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example> SIZE=99999999999\nS: 552 5.3.4");
}

TEST_F(Relay, TakesACommandByteByByte)
{
    Say("C: connect\nS: 220");
    for (char c : std::string("EHLO x\r\n")) {
        char text[40];
        snprintf(text, sizeof(text), "C+ \\x%02x\nwait 2ms", static_cast<unsigned>(c & 0x7f));
        Say(text);
    }
    Say("S: 250-mx1.example.net");
}

// Two processes that start within one second.
TEST_F(Unverified, TransactionIdsOfAnotherProcessAreOthers)
{
    std::string ids[2];
    for (std::string &id : ids) {
        Say(kHello);
        Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<x@elsewhere.example>\nS: 550 5.7.1");
        std::vector<std::string> log = f.Log();
        ASSERT_EQ(log.size(), 1u);
        size_t at = log[0].find("txn=");
        ASSERT_NE(at, std::string::npos);
        id = log[0].substr(at + 4, 23);
        f.Crash(8);
        f.Log();
    }
    EXPECT_EQ(ids[0].substr(0, 8), ids[1].substr(0, 8)) << "the same second";
    EXPECT_NE(ids[0], ids[1]);
    EXPECT_EQ(ids[0].find_first_not_of("0123456789ABCDEF"), std::string::npos) << ids[0];
}

TEST_F(Relay, AClientThatIsSilentInAChunkThatWasRefusedIsGivenUp)
{
    Say(kHello);
    Say("C: MAIL FROM:<sender@example.org>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say(R"(
        M> MAIL FROM:<sender@example.org>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 250 ok
        S: 250 ok
        C: BDAT 300 LAST
        C: x
        M> DATA
        M< 554 5.7.1 no
        wait 299s
        C: silent
        wait 2s
        S: 421 4.4.2
    )");
}

// What a chunk has left for the next one is no stream's.
TEST_F(Relay, AProcessThatEndsBetweenChunksGivesBackWhatItHeld)
{
    Say(kHello);
    Say(R"(
        C: MAIL FROM:<sender@example.org>
        S: 250
        C: RCPT TO:<alice@example.com>
    )");
    Say(kMailboxGreets);
    Say(R"(
        M> MAIL FROM:<sender@example.org>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 250 ok
        S: 250 ok
        C: BDAT 3
        C: x
        M> DATA
        M< 354 go
        S: 250 2.0.0
    )");
    f.Crash(8);
    f.Pass(NSEC_PER_SEC);
    EXPECT_EQ(f.Leaks().find("buffers"), std::string::npos) << f.Leaks();
}

// -------------------------------------------------------------------------------- shutdown --

TEST_F(Relay, AShutdownFinishesTheOpenTransaction)
{
    Say(kHello);
    Say(kToData);
    Say("D: connect\nT: 220");
    f.Shutdown();
    Say(R"(
        T: 421 4.3.2
        C: x
        C: .
        M: trace
        M> x
        M> .
        M< 250 ok
        S: 250 ok
        S: 421 4.3.2
        C: gone
        M> QUIT
        M< 221 bye
        M: gone
        D: connect
        D: gone
    )");
}

// A message to both sides: the external one has it, ours has its end and has not answered.
struct ShutdownInDoubt : Legs {
};

TEST_F(ShutdownInDoubt, WhoHasNotAnsweredWhenTheTimeIsUpIsLogged)
{
    Content();
    Say("E> x\nE> .\nE< 250 external has it\nM> x\nM> .");
    f.Log();
    f.Shutdown();
    Say("wait 30s");
    EXPECT_EQ(f.Log(), std::vector<std::string>{});
    f.Abort();
    Say("M: gone\nC: gone");
    EXPECT_THAT(f.Log(),
                AllOf(Contains(AllOf(HasSubstr("to=alice"), HasSubstr("status=in-doubt"))),
                      Contains(AllOf(HasSubstr("to=bob"), HasSubstr("status=remembered")))));
    EXPECT_EQ(f.Counter(RELAY_MESSAGES_IN_DOUBT), 1u);
    EXPECT_TRUE(f.Finished());
}

TEST_F(Relay, AShutdownDoesNotWaitForAConnectionThatNobodyWaitsFor)
{
    // One client leaves before the shutdown, while its connection waits for a greeting, ...
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>\nM: connect\nC: reset");
    Say("wait 100ms");
    f.Keep('M', 'N');
    // ... another one behind it.
    Say("D: connect\nT: 220\nD: HELO d\nT: 250\nD: MAIL FROM:<a@b.example>\nT: 250\n"
        "D: RCPT TO:<alice@example.com>\nM: connect");
    f.Shutdown();
    Say("N: gone\nM: silent\nD: reset\nM: gone");
    EXPECT_TRUE(f.Finished());
}

TEST_F(Relay, AShutdownWaitsNotLongForAnswersThatNobodyWaitsFor)
{
    // One client leaves before the shutdown, its recipient's server having said nothing, ...
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>\nM: connect\n"
        "M< 220 ours\nM> EHLO mx1.example.net\nM< 250 ours\nM> MAIL FROM:<a@b.example>\n"
        "M< 250 ok\nM> RCPT TO:<alice@example.com>\nC: reset");
    f.Keep('M', 'N');
    // ... another one behind it.
    Say("D: connect\nT: 220\nD: HELO d\nT: 250\nD: MAIL FROM:<a@b.example>\nT: 250\n"
        "D: RCPT TO:<alice@example.com>\nM: connect\nM< 220 ours\nM> EHLO mx1.example.net\n"
        "M< 250 ours\nM> MAIL FROM:<a@b.example>\nM< 250 ok\nM> RCPT TO:<alice@example.com>");
    f.Shutdown();
    Say("D: reset\nwait 4s\nM: silent\nN: silent\nwait 2s\nM: gone\nN: gone");
    EXPECT_TRUE(f.Finished());
}

struct FewConnections : Relay {
    FewConnections() : Relay("[destinations]\nconnections = 1\n")
    {
    }
};

TEST_F(FewConnections, WhoWaitsForAConnectionWaitsInTurn)
{
    Say(kHello);
    Say(kToData);
    Say(R"(
        D: connect
        T: 220
        D: HELO second
        T: 250
        D: MAIL FROM:<d@b.example>
        T: 250
        D: RCPT TO:<anna@example.com>
        D: silent
    )");
    Say(R"(
        C: .
        M: trace
        M> .
        M< 250 ok
        S: 250 ok
        M> MAIL FROM:<d@b.example>
        M> RCPT TO:<anna@example.com>
        M< 250 ok
        M< 250 anna
        T: 250 anna
    )");
    EXPECT_EQ(f.Counter(RELAY_WAITED), 1u);
}

struct LastConnection : Relay {
    LastConnection() : Relay("[memory]\nmax_transactions = 1\n")
    {
    }
    void ToExternal()
    {
        Say(R"(
            C: MAIL FROM:<a@b.example>
            S: 250
            C: RCPT TO:<nora@example.com>
            E: connect
            E< 220 external
            E> EHLO mx1.example.net
            E< 250-external
            E< 250 PIPELINING
            E> MAIL FROM:<a@b.example>
            E> RCPT TO:<nora@example.com>
            E< 250 ok
            E< 250 nora
            S: 250 nora
            C: RSET
            S: 250
            E> RSET
            E< 250 ok
            C: MAIL FROM:<a@b.example>
            S: 250
            C: RCPT TO:<alice@example.com>
        )");
    }
    void MailboxAnswers()
    {
        Say(kMailboxGreets);
        Say(R"(
            M> MAIL FROM:<a@b.example>
            M> RCPT TO:<alice@example.com>
            M< 250 ok
            M< 250 alice
            S: 250 alice
            C: RSET
            S: 250
            M> RSET
            M< 250 ok
        )");
    }
};

TEST_F(LastConnection, OneThatIsIdleElsewhereGivesWay)
{
    Say(kHello);
    ToExternal();
    Say("M: no connection\nE> QUIT\nE< 221 bye\nE: gone");
    MailboxAnswers();
    EndsClean();
    EXPECT_EQ(f.Counter(RELAY_WAITED), 1u);
}

TEST_F(LastConnection, OneWhoseServerDoesNotAnswerGivesWayNevertheless)
{
    Say(kHello);
    ToExternal();
    Say("E> QUIT\nwait 5s\nE: reset");
    MailboxAnswers();
    EndsClean();
}

} // namespace
