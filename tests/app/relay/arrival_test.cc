// SPDX-License-Identifier: BSD-3-Clause
// Clients that come through others: PROXY headers of load balancers, XCLIENT.
#include "tests/app/relay/relay_fixture.h"

namespace
{

// 10.0.0.10 is both a load balancer and the mailbox server: by itself it is on the local side.
struct BehindAProxy : Relay {
    BehindAProxy() : Relay("", "", "proxy_from = 10.0.0.10")
    {
    }
};

const char kThroughProxy[] = R"(
    C: connect from 10.0.0.10
    C: silent
    C: PROXY TCP4 203.0.113.9 10.0.0.2 4711 25
    S: 220 mx1.example.net
    C: EHLO client.example.org
    S* 250
)";

TEST_F(BehindAProxy, TheClientIsWhomTheHeaderNames)
{
    Say(kThroughProxy);
    Say(kToData);
    Say(R"(
        C: .
        M~ Received: from client.example.org (unknown [203.0.113.9])
        M~ 	by mx1
        M~ 	(splitmx
        M~ 	for
        M> .
        M< 250 ok
        S: 250 ok
    )");
    EXPECT_NE(f.Log().back().find("client=203.0.113.9:4711 "), std::string::npos);
    EXPECT_EQ(f.Counter(RELAY_PROXY_HEADERS), 1u);
    EndsClean();
}

TEST_F(BehindAProxy, ABinaryHeaderCountsAsWellEvenInPieces)
{
    Say(R"(
        C: connect from 10.0.0.10
        C+ \r\n\r\n\0\r\nQUI
        wait 1s
        C+ T\n\x21\x11\0\x0c\xcb\0\x71\x09
        wait 1s
        C+ \x0a\0\0\x02\x12\x34\0\x19
        S: 220
        C: HELO there
        S: 250 mx1
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<nobody@elsewhere.example>
        S: 550 5.7.1
    )");
    EXPECT_NE(f.Log().back().find("client=203.0.113.9:4660 "), std::string::npos);
}

TEST_F(BehindAProxy, ALocalHeaderMeansTheProxyItself)
{
    Say(R"(
        C: connect from 10.0.0.10
        C+ \r\n\r\n\0\r\nQUIT\n\x20\0\0\0
        S: 220
        C: HELO proxy
        S: 250
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        S: 550 5.1.1 No such mailbox: neither side has it
    )");
    EXPECT_NE(f.Log().back().find("client=10.0.0.10:"), std::string::npos);
}

TEST_F(BehindAProxy, OthersSpeakForThemselves)
{
    Say(kHello);
    Say("C: QUIT\nS: 221\nC: gone");
}

TEST_F(BehindAProxy, NobodyElseMayNameAClient)
{
    Say("C: connect\nS: 220\nC: PROXY TCP4 10.0.0.20 10.0.0.2 4711 25\nC: gone");
    Say("C: connect\nS: 220\nC+ \\r\\n\\r\\n\\0\\r\\nQUIT\\n\\x20\\0\\0\\0\nC: gone");
    Say(kHello);
    Say("C: PROXY UNKNOWN\nC: gone");
    EXPECT_EQ(f.Counter(RELAY_PROXY_REFUSED), 3u);
}

TEST_F(BehindAProxy, AConnectionWithoutAGoodHeaderIsClosedWithoutAWord)
{
    Say("C: connect from 10.0.0.10\nC: EHLO there\nC: gone");
    Say("C: connect from 10.0.0.10\nC: PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\nC: gone");
    EXPECT_EQ(f.Counter(RELAY_PROXY_BAD), 2u);
    Say("C: connect from 10.0.0.10\nC+ PROXY TCP4 \nwait 29s\nC: silent\nC: gone");
    EXPECT_EQ(f.Counter(RELAY_PROXY_BAD), 3u);
    // A load balancer that looks whether we are there.
    Say("C: connect from 10.0.0.10\nwait 1s\nC: close\nwait 1s");
    EXPECT_EQ(f.Counter(RELAY_PROXY_BAD), 3u);
    f.Pass(90 * NSEC_PER_SEC);
    EXPECT_EQ(f.Leaks(), "");
}

TEST_F(BehindAProxy, AtTheEndOfTheServiceEvenThoseWhoHaveNotBeenNamedAreToldSo)
{
    Say("C: connect from 10.0.0.10\nC: silent");
    f.Shutdown();
    Say("S: 421 4.3.2\nC: gone");
}

TEST_F(Relay, AListenerThatNamesNoProxyTakesNoHeader)
{
    Say("C: connect from 10.0.0.10\nS: 220\nC: PROXY TCP4 203.0.113.9 10.0.0.2 4711 25\nC: gone");
    EXPECT_EQ(f.Counter(RELAY_PROXY_REFUSED), 1u);
}

// 10.0.0.10 may say XCLIENT; it is the mailbox server, too.
struct BehindXclient : Relay {
    BehindXclient() : Relay("", "", "xclient_from = 10.0.0.10")
    {
    }
};

const char kXclientHello[] = R"(
    C: connect from 10.0.0.10
    S: 220 mx1.example.net
    C: EHLO proxy.example.net
    S: 250-mx1.example.net
    S: 250-PIPELINING
    S: 250-SIZE 52428800
    S: 250-8BITMIME
    S: 250-SMTPUTF8
    S: 250-ENHANCEDSTATUSCODES
    S: 250-LIMITS RCPTMAX=
    S: 250-CHUNKING
    S: 250 XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT
)";

TEST_F(BehindXclient, TheClientIsWhomItNames)
{
    Say(kXclientHello);
    Say(R"(
        C: XCLIENT NAME=mail.example.org ADDR=203.0.113.9 PORT=4711 PROTO=ESMTP LOGIN=x
        S: 220 mx1.example.net ESMTP
        C: MAIL FROM:<a@b.example>
        S: 503 5.5.1 Say HELO
        C: XCLIENT HELO=client.example.org
        S: 220 mx1.example.net
        C: HELO proxy.example.net
        S: 250 mx1.example.net
    )");
    Say(kToData);
    Say(R"(
        C: .
        M~ Received: from client.example.org (mail.example.org [203.0.113.9])
        M~ 	by mx1.example.net with SMTP
        M~ 	(splitmx
        M~ 	for
        M> .
        M< 250 ok
        S: 250 ok
    )");
    EXPECT_NE(f.Log().back().find("client=203.0.113.9:4711 helo=client.example.org "),
              std::string::npos);
    EXPECT_EQ(f.Counter(RELAY_XCLIENT), 2u);
    EndsClean();
}

TEST_F(BehindXclient, AnAddressThatIsUnavailableIsOnNobodysSide)
{
    Say(kXclientHello);
    Say(R"(
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<alice@example.com>
        S: 550 5.1.1 No such mailbox: neither side has it
        C: XCLIENT ADDR=203.0.113.9
        S: 503 5.5.1
        C: RSET
        S: 250
        C: XCLIENT ADDR=[UNAVAILABLE]
        S: 220
        C: HELO there
        S: 250
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<carol@example.com>
        E: connect
    )");
}

TEST_F(BehindXclient, WhatCannotBeUnderstoodChangesNothing)
{
    Say(kXclientHello);
    Say(R"(
        C: XCLIENT ADDR=203.0.113.9 COLOUR=green
        S: 501 5.5.4
        C: XCLIENT HELO=a\x01
        S: 501 5.5.4
        C: XCLIENT
        S: 501 5.5.4
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<nobody@elsewhere.example>
        S: 550 5.7.1
    )");
    EXPECT_NE(f.Log().back().find("client=10.0.0.10:"), std::string::npos);
}

TEST_F(BehindXclient, NobodyElseHearsOfItOrMaySayIt)
{
    Say(kHello);
    Say("C: XCLIENT ADDR=10.0.0.20\nS: 421 4.7.0\nC: gone");
    // Nor does who was named become one who may name others, or lose the right to.
    Say(kXclientHello);
    Say("C: XCLIENT ADDR=10.0.0.1\nS: 220\nC: XCLIENT ADDR=10.0.0.20\nS: 220");
    EXPECT_EQ(f.Counter(RELAY_XCLIENT_REFUSED), 1u);
}

TEST_F(Relay, AListenerThatNamesNoNetworkTakesNoXclient)
{
    Say("C: connect from 10.0.0.10\nS: 220\nC: XCLIENT ADDR=203.0.113.9\nS: 421 4.7.0\nC: gone");
}

} // namespace
