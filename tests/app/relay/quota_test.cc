// SPDX-License-Identifier: BSD-3-Clause
// What the clients of one network may do.
#include "tests/app/relay/relay_fixture.h"

extern "C" {
#include "app/relay/quota.h"
}

namespace
{

struct Limits : ::testing::Test {
    std::unique_ptr<struct settings> s = std::make_unique<struct settings>();
    struct quotas *l = nullptr;
    nsec_t now = 1000 * NSEC_PER_SEC;
    void Start()
    {
        s->max_sessions = 100;
        l = quota_create(s.get(), 7);
        ASSERT_NE(l, nullptr);
    }
    ~Limits() override
    {
        quota_destroy(l);
    }
    bool Enter(const char *text, struct quota_network **n)
    {
        struct ip_addr a;
        EXPECT_TRUE(ip_addr_parse(text, strlen(text), &a));
        return quota_enter(l, &a, now, n);
    }
};

TEST_F(Limits, ConnectionsOfANetworkAreCountedTogether)
{
    s->network_connections = 2;
    Start();
    struct quota_network *a, *b, *c, *d;
    EXPECT_TRUE(Enter("192.0.2.1", &a));
    EXPECT_TRUE(Enter("192.0.2.255", &b));
    EXPECT_FALSE(Enter("192.0.2.7", &c));
    EXPECT_TRUE(Enter("192.0.3.1", &c));
    EXPECT_TRUE(Enter("2001:db8:0:ff::1", &c));
    EXPECT_TRUE(Enter("2001:db8:0:00::1", &d));
    EXPECT_FALSE(Enter("2001:db8:0:80::1", &d));
    EXPECT_TRUE(Enter("2001:db8:0:100::1", &d));
    quota_leave(l, a);
    EXPECT_TRUE(Enter("192.0.2.7", &a));
}

TEST_F(Limits, ARateIsABucketOfOneMinutesWorth)
{
    s->network_rates[LIMIT_MESSAGE_RATE] = 6;
    Start();
    struct quota_network *n;
    ASSERT_TRUE(Enter("192.0.2.1", &n));
    for (int i = 0; i < 6; i++)
        EXPECT_TRUE(quota_take(l, n, LIMIT_MESSAGE_RATE, now));
    EXPECT_TRUE(quota_exceeded(l, n, LIMIT_MESSAGE_RATE, now));
    EXPECT_FALSE(quota_take(l, n, LIMIT_MESSAGE_RATE, now));
    EXPECT_TRUE(quota_take(l, n, LIMIT_RECIPIENT_RATE, now)) << "that one has no limit";
    now += 10 * NSEC_PER_SEC - 1;
    EXPECT_TRUE(quota_exceeded(l, n, LIMIT_MESSAGE_RATE, now));
    now += 1;
    EXPECT_FALSE(quota_exceeded(l, n, LIMIT_MESSAGE_RATE, now));
    EXPECT_FALSE(quota_exceeded(l, n, LIMIT_MESSAGE_RATE, now)) << "asking costs nothing";
    EXPECT_TRUE(quota_take(l, n, LIMIT_MESSAGE_RATE, now));
    EXPECT_FALSE(quota_take(l, n, LIMIT_MESSAGE_RATE, now));
    now += 3600 * NSEC_PER_SEC;
    for (int i = 0; i < 6; i++)
        EXPECT_TRUE(quota_take(l, n, LIMIT_MESSAGE_RATE, now));
    EXPECT_FALSE(quota_take(l, n, LIMIT_MESSAGE_RATE, now));
}

TEST_F(Limits, ANetworkIsRememberedWhenItsClientsHaveGone)
{
    s->network_rates[LIMIT_CONNECTION_RATE] = 1;
    Start();
    struct quota_network *n;
    ASSERT_TRUE(Enter("192.0.2.1", &n));
    quota_leave(l, n);
    EXPECT_FALSE(Enter("192.0.2.2", &n));
}

TEST_F(Limits, TheTableIsBoundedAndForgetsWhoWasQuietForLongest)
{
    s->network_rates[LIMIT_CONNECTION_RATE] = 1;
    Start();
    struct quota_network *kept, *n;
    ASSERT_TRUE(Enter("192.0.2.1", &kept));
    for (unsigned i = 0; i < 40000; i++) {
        std::string from = "10." + std::to_string(i >> 8) + "." + std::to_string(i & 255) + ".1";
        ASSERT_TRUE(Enter(from.c_str(), &n)) << from;
        quota_leave(l, n);
    }
    EXPECT_TRUE(Enter("10.0.0.1", &n)) << "forgotten";
    EXPECT_FALSE(Enter("10.156.63.1", &n)) << "the last one is not";
    EXPECT_FALSE(Enter("192.0.2.1", &n)) << "nor one that is there";
}

TEST_F(Limits, TrustedNetworksAreExempt)
{
    s->network_connections = 1;
    s->limits_exempt.count = 1;
    ASSERT_TRUE(ip_prefix_parse("192.0.2.0/28", 12, true, &s->limits_exempt.prefixes[0]));
    Start();
    struct quota_network *n;
    for (int i = 0; i < 10; i++) {
        EXPECT_TRUE(Enter("192.0.2.1", &n));
        EXPECT_EQ(n, nullptr);
    }
    EXPECT_TRUE(Enter("192.0.2.16", &n));
    EXPECT_FALSE(Enter("192.0.2.17", &n));
}

// ------------------------------------------------------------------------------ in sessions --

// C and D are in the same network.
struct Limited : Relay {
    Limited()
        : Relay("[limits]\nconnections = 2\nconnection_rate = 10\nmessage_rate = 3\n"
                "recipient_rate = 4\ninvalid_rate = 2\nerror_rate = 5\nmin_data_rate = 100\n")
    {
    }
};

TEST_F(Limited, AThirdConnectionIsShedAndTheOthersStayWhole)
{
    Say(kHello);
    Say("D: connect\nT: 220");
    Say("D: connect\nT: 421 4.7.0 Too many connections\nD: gone");
    Say("C: NOOP\nS: 250\nC: QUIT\nS: 221\nC: gone\nD: connect\nT: 220");
    EXPECT_EQ(f.Counter(RELAY_LIMIT_CONNECTIONS), 1u);
}

TEST_F(Limited, ConnectionsBeyondTheRateAreShed)
{
    Say(kHello);
    for (int i = 0; i < 9; i++)
        Say("D: connect\nT: 220\nD: QUIT\nT: 221\nD: gone");
    Say("D: connect\nT: 421 4.7.0\nD: gone\nC: NOOP\nS: 250");
    EXPECT_EQ(f.Counter(RELAY_LIMIT_CONNECTIONS), 1u);
    Say("wait 6s\nD: connect\nT: 220");
}

TEST_F(Relay, BeyondTheSessionsOfAWorkerNewOnesAreShedAndTheOthersStayWhole)
{
    Say(kHello);
    Say(kToData);
    for (int i = 1; i < 64; i++)
        Say("D: connect\nT: 220");
    Say("D: connect\nT: 421 4.3.2\nD: gone");
    EXPECT_EQ(f.Counter(RELAY_SESSIONS_SHED), 1u);
    Say("C: x\nC: .\nM: trace\nM> x\nM> .\nM< 250 ok\nS: 250 ok\nC: QUIT\nS: 221\nC: gone");
    Say("D: connect\nT: 220");
}

struct RoomForOne : Relay {
    RoomForOne() : Relay("[memory]\nmax_transactions = 1\n")
    {
    }
};

TEST_F(RoomForOne, AMessageBeyondTheTransactionsOfAWorkerIsDeferredAndTheOthersStayWhole)
{
    Say(kHello);
    Say(kToData);
    Say("D: connect\nT: 220\nD: HELO there\nT: 250\nD: MAIL FROM:<d@b.example>\nT: 451 4.3.2");
    Say("C: x\nC: .\nM: trace\nM> x\nM> .\nM< 250 ok\nS: 250 ok");
    Say("D: MAIL FROM:<d@b.example>\nT: 250");
}

TEST_F(Limited, MessagesBeyondTheRateAreDeferred)
{
    Say(kHello);
    for (int i = 0; i < 3; i++)
        Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RSET\nS: 250");
    Say("C: MAIL FROM:<a@b.example>\nS: 450 4.7.1\nwait 20s\nC: MAIL FROM:<a@b.example>\nS: 250");
    EXPECT_EQ(f.Counter(RELAY_LIMIT_MESSAGES), 1u);
}

TEST_F(Limited, WhatComesBehindADeferredMailIsDeferredToo)
{
    Say(kHello);
    for (int i = 0; i < 3; i++)
        Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RSET\nS: 250");
    Say(R"(
        C+ MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n
        S: 450 4.7.1
        S: 451 4.5.0
        S: 451 4.5.0
    )");
    EXPECT_EQ(f.Counter(RELAY_CLIENT_ERRORS), 0u);
}

TEST_F(Limited, WhoAsksForTooManyUnknownRecipientsIsAnsweredWithoutTroublingADestination)
{
    Say(kHello);
    Say(R"(
        C: MAIL FROM:<a@b.example>
        S: 250
        C: RCPT TO:<x@elsewhere.example>
        S: 550 5.7.1
        C: RCPT TO:<alice@example.com>
        M: connect
        M< 220 ours
        M> EHLO mx1.example.net
        M< 250 ours
        M> MAIL FROM:<a@b.example>
        M< 250 ok
        M> RCPT TO:<alice@example.com>
        M< 550 5.1.1 unknown
        S: 550 5.1.1 unknown
        C: RCPT TO:<anna@example.com>
        S: 450 4.7.1 Too many unknown recipients
        M: silent
        C: QUIT
        S: 221
        C: gone
        D: connect from 10.0.0.1
        T: 220
        D: HELO there
        T: 250
        D: MAIL FROM:<a@b.example>
        T: 250
        D: RCPT TO:<alice@example.com>
        T: 450 4.7.1
        wait 30s
        D: RCPT TO:<anna@example.com>
        M: connect
    )");
    EXPECT_EQ(f.Counter(RELAY_LIMIT_INVALID), 2u);
}

TEST_F(Limited, RecipientsBeyondTheRateAreDeferred)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\nM< 250 ok\nS: 250");
    for (int i = 0; i < 3; i++)
        Say("C: RCPT TO:<anna@example.com>\nM> RCPT TO:<anna@example.com>\nM< 250 ok\nS: 250");
    Say("C: RCPT TO:<anna@example.com>\nS: 450 4.7.1 Too many recipients\nM: silent");
    EXPECT_EQ(f.Counter(RELAY_LIMIT_RECIPIENTS), 1u);
}

TEST_F(Limited, ErrorsOfANetworkAddUp)
{
    Say("C: connect\nS: 220\nD: connect\nT: 220");
    for (int i = 0; i < 2; i++)
        Say("C: BLAH\nS: 500\nD: BLAH\nT: 500");
    Say("C: BLAH\nS: 500\nD: BLAH\nT: 421 4.7.0\nD: gone\nC: NOOP\nS: 250");
}

TEST_F(Limited, ContentThatDripsIsCutOff)
{
    Say(kHello);
    Say(kToData);
    for (int i = 0; i < 59; i++)
        Say("C: drip\nwait 1s");
    Say("wait 2s\nS: 421 4.4.2\nC: gone");
    EXPECT_EQ(f.Counter(RELAY_CLIENT_TOO_SLOW), 1u);
}

TEST_F(Limited, ContentThatDripsInChunksIsCutOff)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\nM< 250 alice\n"
        "S: 250 alice\nC+ BDAT 0\\r\\n\nM> DATA\nM< 354 go\nS: 250");
    for (int i = 0; i < 29; i++)
        Say("C+ BDAT 4\\r\\ndrip\nS: 250\nwait 1s\nC: NOOP\nS: 250\nwait 1s");
    Say("wait 3s\nS: 421 4.4.2\nC: gone");
    EXPECT_EQ(f.Counter(RELAY_CLIENT_TOO_SLOW), 1u);
}

TEST_F(Limited, ChunksAreNotSlowForThatTheyAreMany)
{
    Say(kHello);
    Say("C: MAIL FROM:<a@b.example>\nS: 250\nC: RCPT TO:<alice@example.com>");
    Say(kMailboxGreets);
    Say("M> MAIL FROM:<a@b.example>\nM> RCPT TO:<alice@example.com>\nM< 250 ok\nM< 250 alice\n"
        "S: 250 alice\nC+ BDAT 0\\r\\n\nM> DATA\nM< 354 go\nS: 250");
    for (int i = 0; i < 130; i++)
        Say("C+ BDAT 160\\r\\n" + std::string(160, 'x') + "\nS: 250\nwait 1s");
    Say("C+ BDAT 0 LAST\\r\\n\nwait 100ms\nM< 250 ok\nS: 250 ok");
    EXPECT_EQ(f.Counter(RELAY_CLIENT_TOO_SLOW), 0u);
}

TEST_F(Limited, AClientIsNotSlowWhereTheDestinationIs)
{
    Say(kHello);
    Say(kToData);
    Say("M: stop reading");
    for (int i = 0; i < 40; i++)
        Say("C: " + std::string(16000, 'x'));
    Say("wait 140s");
    EXPECT_EQ(f.Counter(RELAY_CLIENT_TOO_SLOW), 0u);
}

TEST_F(Relay, NothingIsLimitedUnlessAskedFor)
{
    for (int i = 0; i < 20; i++)
        Say("D: connect\nT: 220");
    EXPECT_EQ(f.Counter(RELAY_LIMIT_CONNECTIONS), 0u);
}

} // namespace
