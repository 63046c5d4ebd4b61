// SPDX-License-Identifier: BSD-3-Clause
// Which servers may have mail, and which sides.
#include "tests/app/relay/relay_fixture.h"

#include <gmock/gmock.h>

using ::testing::Contains;
using ::testing::HasSubstr;

namespace
{

// ----------------------------------------------------------------------------- verification --

TEST_F(Unverified, NothingGoesToAnUnverifiedServer)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<bob@example.com>\nS: 451 4.4.1");
    ASSERT_EQ(f.Verify(), "");
    Say("C: RCPT TO:<bob@example.com>");
    Say(kExternalGreets);
    Say(R"(
        E> MAIL FROM:<a@b.example>
        E> RCPT TO:<bob@example.com>
        E< 250 ok
        E< 250 bob is here
        S: 250 bob is here
    )");
}

TEST_F(Unverified, ARefusedFirstProbeLeavesTheServerUnverifiedAndIsTriedAgain)
{
    Say(R"(
        E: connect
        E< 220 external
        E> EHLO mx1.example.net
        E< 250 external
        E> MAIL FROM:<>
        E< 250 OK
        E> RCPT TO:<carol@example.com>
        E< 550 5.1.1 who is carol
        E> RSET
        E< 250 OK
        wait 300ms
    )");
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<bob@example.com>\nS: 451 4.4.1");
    Say("E> MAIL FROM:<>\nE< 250 OK\nE> RCPT TO:<carol@example.com>\nE< 250 OK\nwait 10ms");
    Say("C: RCPT TO:<bob@example.com>");
    EXPECT_EQ(f.Counter(RELAY_PROBES_REFUSED), 1u);
    EXPECT_THAT(f.Log(), Contains(HasSubstr("unverified -> up")));
}

TEST_F(Relay, AVerifiedServerGoesDownAfterThreeFailedConnectionsAndUpOnTheFirstSuccess)
{
    Say("E: refuse");
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250");
    for (int i = 0; i < 3; i++)
        Say("C: RCPT TO:<bob@example.com>\nS: 451 4.4.1\nC: RSET\nS: 250\nC: MAIL "
            "FROM:<a@b.example>\nS: 250");
    EXPECT_EQ(f.Counter(RELAY_RCPT_EXTERNAL_DOWN), 0u);
    Say("C: RCPT TO:<bob@example.com>\nS: 451 4.4.1");
    EXPECT_EQ(f.Counter(RELAY_RCPT_EXTERNAL_DOWN), 1u) << "it is down: no connection is tried";
    Say("E: listen");
    ASSERT_EQ(f.Verify(), "");
    Say("C: RCPT TO:<bob@example.com>\nE: connect");
}

// ------------------------------------------------------------------------------------ sides --

TEST_F(Relay, NeverSendsARecipientBackToTheSideItCameFrom)
{
    Say(R"(
        C: connect from 10.0.0.20
        S: 220
        C: HELO external
        S: 250
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<bob@example.com>
        S: 550 5.1.1
        E: no connection
        C: RCPT TO:<alice@example.com>
        M: connect
        D: connect from 10.0.0.10
        T: 220
        D: HELO mailbox
        T: 250
        D: MAIL FROM:<a@b.example>
        T: 250
        D: RCPT TO:<alice@example.com>
        T: 550 5.1.1
        D: RCPT TO:<bob@example.com>
        E: connect
    )");
}

} // namespace
