// SPDX-License-Identifier: BSD-3-Clause
// DATA that the client sent behind RCPT goes on to the destination so (RFC 2920 §3.1).
#include "tests/app/relay/relay_fixture.h"

namespace
{

const char kTogether[] = R"(
    C+ MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n
    M: connect
    M< 220 ours
    M> EHLO mx1.example.net
    M< 250-ours
    M< 250 PIPELINING
    M> MAIL FROM:<a@b.example>
    M> RCPT TO:<alice@example.com>
    M> DATA
)";

struct Ahead : Relay {
    void SetUp() override
    {
        Relay::SetUp();
        Say(kHello);
        Say(kTogether);
    }
};

TEST_F(Ahead, DataLeavesWithRcptAndTheAnswersComeInOrder)
{
    Say(R"(
        M< 250 sender
        C: silent
        M< 250 alice
        S: 250 2.1.0 OK
        S: 250 alice
        C: silent
        M< 354 go
        S: 354
        C: x
        C: .
        M: trace
        M> x
        M> .
        M< 250 done
        S: 250 done
    )");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES), 1u);
    EndsClean();
}

TEST_F(Ahead, AnAnswerThatComesWithRcptsIsKept)
{
    Say(R"(
        M+ 250 sender\r\n250 alice\r\n354 go\r\n
        S: 250 2.1.0 OK
        S: 250 alice
        S: 354
        C: .
        M: trace
        M> .
        M< 250 done
        S: 250 done
    )");
    EndsClean();
}

TEST_F(Ahead, ARefusedRecipientsDataIsNoAlarm)
{
    Say(R"(
        M< 250 sender
        M< 550 5.1.1 no alice
        M< 554 5.5.1 no valid recipients
        S: 250 2.1.0 OK
        S: 550 5.1.1 no alice
        S: 554 5.5.1
        C: RSET
        S: 250
        M> RSET
        M< 250 clean
    )");
    EXPECT_EQ(f.Counter(RELAY_ALARMS), 0u);
    EndsClean();
}

TEST_F(Ahead, ADestinationThatWantsContentForNobodyGetsNoCommandAsContent)
{
    Say(R"(
        M< 250 sender
        M< 550 5.1.1 no alice
        M< 354 go
        S: 250 2.1.0 OK
        S: 550 5.1.1 no alice
        S: 554 5.5.1
        C: RSET
        S: 250
        M: reset
    )");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES), 0u);
}

TEST_F(Ahead, ARefusalOfDataIsPassedOnAndTheConnectionKept)
{
    Say(R"(
        M< 250 sender
        M< 250 alice
        M< 452 4.3.1 disk full
        S: 250 2.1.0 OK
        S: 250 alice
        S: 452 4.3.1 disk full
        M> RSET
        M< 250 clean
    )");
    EndsClean();
}

TEST_F(Ahead, ARefusedMailRefusesAll)
{
    Say(R"(
        M< 552 5.3.4 too much
        M< 503 5.5.1 need MAIL
        M< 503 5.5.1 need RCPT
        S: 250 2.1.0 OK
        S: 550 5.3.4 
        S: 554 5.5.1
    )");
    EXPECT_EQ(f.Counter(RELAY_ALARMS), 0u);
}

TEST_F(Ahead, AClosingServerIsAskedAgainOnAFreshConnection)
{
    Say(R"(
        M< 250 sender
        M< 250 alice
        S: 250 2.1.0 OK
        S: 250 alice
        M< 421 4.3.2 bye
        M: connect
        M< 220 ours
        M> EHLO mx1.example.net
        M< 250-ours
        M< 250 PIPELINING
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M> DATA
        M< 250 sender
        M< 250 alice
        M< 354 go
        S: 354
        C: .
        M: trace
        M> .
        M< 250 done
        S: 250 done
    )");
    EXPECT_EQ(f.Counter(RELAY_CONNECTIONS_RETRIED), 1u);
    EndsClean();
}

TEST_F(Ahead, AClientThatGoesAwayLeavesNothingBehind)
{
    Say(R"(
        M< 250 sender
        M< 250 alice
        M< 354 go
        S: 250 2.1.0 OK
        S: 250 alice
        S: 354
        C: reset
        M: gone
    )");
    EXPECT_EQ(f.Counter(RELAY_MESSAGES), 0u);
}

TEST_F(Relay, DataWaitsForAServerWithoutPipelining)
{
    Say(kHello);
    Say(R"(
        C+ MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n
        M: connect
        M< 220 old
        M> EHLO mx1.example.net
        M< 250 old
        M> MAIL FROM:<a@b.example>
        M< 250 ok
        M> RCPT TO:<alice@example.com>
        M: silent
        M< 250 alice
        S: 250 2.1.0 OK
        S: 250 alice
        M> DATA
    )");
}

} // namespace
