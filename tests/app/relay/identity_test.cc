// SPDX-License-Identifier: BSD-3-Clause
// Destinations that learn who the client is.
#include "tests/app/relay/relay_fixture.h"

namespace
{

struct ByXclient : Relay {
    ByXclient() : Relay("", "local_identity = xclient")
    {
    }
};
struct ByXforward : Relay {
    ByXforward() : Relay("", "local_identity = xforward")
    {
    }
};
struct ByProxy : Relay {
    ByProxy() : Relay("", "local_identity = proxy-v2")
    {
    }
};

const char kXclientGreets[] = R"(
    M: connect
    M< 220 ours
    M> EHLO mx1.example.net
    M< 250-ours
    M< 250-PIPELINING
    M< 250 XCLIENT NAME ADDR PROTO HELO
    M> XCLIENT NAME=[UNAVAILABLE] ADDR=10.0.0.1 PROTO=ESMTP HELO=client.example.org
    M< 220 ours
    M> EHLO client.example.org
    M< 250-ours
    M< 250 PIPELINING
)";

TEST_F(ByXclient, TheSessionIsTheClients)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kXclientGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 250 ok
        S: 250 ok
        C: RSET
        S: 250
        M> RSET
        M< 250 ok
        C: MAIL FROM:<c@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        M> MAIL FROM:<c@b.example>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 250 ok
        S: 250 ok
    )");
    EXPECT_EQ(f.Counter(RELAY_CONNECTIONS_REUSED), 1u);
}

TEST_F(ByXclient, AServerThatThenKnowsHeloOnlyHasNoExtensions)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME\nS: 250\nC: RCPT "
        "TO:<alice@example.com>");
    Say(R"(
        M: connect
        M< 220 ours
        M> EHLO mx1.example.net
        M< 250-ours
        M< 250-PIPELINING
        M< 250-8BITMIME
        M< 250-SIZE
        M< 250 XCLIENT ADDR
        M> XCLIENT ADDR=10.0.0.1
        M< 220 ours
        M> EHLO client.example.org
        M< 502 5.5.1 what
        M> HELO client.example.org
        M< 250 ours
        S: 550 5.6.3
        C: RSET
        S: 250
        M: silent
        C: MAIL FROM:<a@b.example> SIZE=100
        S: 250
        C: RCPT TO:<alice@example.com>
        M> MAIL FROM:<a@b.example>
        M: silent
    )");
}

TEST_F(ByXclient, AConnectionThatCarriedOneClientIsNeverGivenToAnother)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kXclientGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 250 ok
        S: 250 ok
        C: RSET
        S: 250
        M> RSET
        M< 250 ok
        D: connect from 10.0.0.20
        T: 220
        D: HELO other.example.org
        T: 250
        D: MAIL FROM:<c@b.example>
        T: 250
        D: RCPT TO:<alice@example.com>
        M: connect
        M< 220 ours
        M> EHLO mx1.example.net
        M< 250-ours
        M< 250-PIPELINING
        M< 250 XCLIENT NAME ADDR PROTO HELO
        M> XCLIENT NAME=[UNAVAILABLE] ADDR=10.0.0.20 PROTO=SMTP HELO=other.example.org
        M< 220 ours
        M> EHLO other.example.org
        M< 250 ours
        M> MAIL FROM:<c@b.example>
    )");
    EXPECT_EQ(f.Counter(RELAY_CONNECTIONS_REUSED), 0u);
}

struct OneByXclient : Relay {
    OneByXclient() : Relay("[destinations]\nconnections = 1\n", "local_identity = xclient")
    {
    }
};

TEST_F(OneByXclient, AnotherClientsIdleConnectionMakesRoom)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kXclientGreets);
    Say(R"(
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        D: connect from 10.0.0.20
        T: 220
        D: HELO other.example.org
        T: 250
        D: MAIL FROM:<c@b.example>
        T: 250
        D: RCPT TO:<alice@example.com>
        M: no connection
        M< 250 ok
        M< 250 ok
        S: 250 ok
        C: RSET
        S: 250
        M> RSET
        M< 250 ok
        M> QUIT
        M< 221 bye
        M: gone
        M: connect
        M< 220 ours
        M> EHLO mx1.example.net
        M< 250-ours
        M< 250 XCLIENT ADDR
        M> XCLIENT ADDR=10.0.0.20
    )");
    EXPECT_EQ(f.Counter(RELAY_WAITED), 1u);
}

TEST_F(ByXclient, NothingThatAClientCallsItselfInjectsACommand)
{
    Say(R"(
        C: connect
        S: 220
        C: HELO x=y PORT=1 +0D+0ARCPT
        S: 250
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        M: connect
        M< 220 ours
        M> EHLO mx1.example.net
        M< 250-ours
        M< 250 XCLIENT ADDR HELO
        M> XCLIENT ADDR=10.0.0.1 HELO=x+3Dy+20PORT+3D1+20+2B0D+2B0ARCPT
        M< 220 ours
        M> EHLO mx1.example.net
    )");
}

TEST_F(ByXclient, ARefusalDefersTheClientAndSaysNothingOfTheServer)
{
    Say(kHello);
    for (int i = 0; i < 4; i++)
        Say(R"(
            C: MAIL FROM:<a@b.example>
            S: 250
            C: RCPT TO:<alice@example.com>
            M: connect
            M< 220 ours
            M> EHLO mx1.example.net
            M< 250-ours
            M< 250 XCLIENT ADDR
            M> XCLIENT ADDR=10.0.0.1
            M< 550 5.7.0 Error: insufficient authorization
            M: gone
            S: 451 4.3.5 The destination did not take who the client is
            C: RSET
            S: 250
        )");
}

TEST_F(ByXclient, AServerThatDoesNotOfferItGetsTheMailWithoutAndAnAlarmIsRaised)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<a@b.example>");
    EXPECT_EQ(f.Counter(RELAY_IDENTITY_MISSED), 1u);
    EXPECT_EQ(f.Counter(RELAY_ALARMS), 1u);
}

TEST_F(ByXforward, EachTransactionBeginsWithTheClientsName)
{
    Say(kHello);
    Say(R"(
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        M: connect
        M< 220 ours
        M> EHLO mx1.example.net
        M< 250-ours
        M< 250-PIPELINING
        M< 250 XFORWARD NAME ADDR PROTO HELO SOURCE
        M> XFORWARD NAME=[UNAVAILABLE] ADDR=10.0.0.1 PROTO=ESMTP HELO=client.example.org
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 250 ok
        M< 250 ok
        S: 250 ok
        C: RSET
        S: 250
        M> RSET
        M< 250 ok
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        M> XFORWARD NAME=[UNAVAILABLE] ADDR=10.0.0.1 PROTO=ESMTP HELO=client.example.org
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 501 5.5.4 no
        S: 451 4.3.5 The destination did not take who the client is
        M: gone
    )");
}

TEST_F(ByXforward, AKeptConnectionThatIsStaleIsReplacedUnseen)
{
    Say(kHello);
    Say(R"(
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        M: connect
        M< 220 ours
        M> EHLO mx1.example.net
        M< 250-ours
        M< 250-PIPELINING
        M< 250 XFORWARD ADDR
        M> XFORWARD ADDR=10.0.0.1
        M> MAIL FROM:<a@b.example>
        M> RCPT TO:<alice@example.com>
        M< 250 ok
        M< 250 ok
        M< 250 ok
        S: 250 ok
        C: RSET
        S: 250
        M> RSET
        M< 250 ok
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        M> XFORWARD ADDR=10.0.0.1
        M: reset
        M: connect
        M< 220 ours
        M> EHLO mx1.example.net
        M< 250-ours
        M< 250-PIPELINING
        M< 250 XFORWARD ADDR
        M> XFORWARD ADDR=10.0.0.1
        M> MAIL FROM:<a@b.example>
    )");
}

TEST_F(ByProxy, AHeaderComesBeforeTheBanner)
{
    Say(kHello);
    Say(R"(
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        M: connect
        M> 
        M> 
    )");
    // The rest of the signature, 10.0.0.1 and our own address; the client's port is any.
    Say("M~ \\0");
}

struct ProbedByProxy : Unverified {
    ProbedByProxy() : Unverified("", "external_identity = proxy-v2")
    {
    }
};

TEST_F(ProbedByProxy, TheProbeComesFromOurselves)
{
    Say(R"(
        E: connect
        E= \r\n\r\n\0\r\nQUIT\n\x20\0\0\0
        E< 220 external
        E> EHLO mx1.example.net
        E< 250 external
        E> MAIL FROM:<>
        E< 250 OK
    )");
}

} // namespace
