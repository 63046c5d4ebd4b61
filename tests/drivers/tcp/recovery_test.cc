// SPDX-License-Identifier: BSD-3-Clause
#include "tests/drivers/tcp/buffers.h"

#include <random>

extern "C" {
#include "drivers/tcp/recovery.h"
}

namespace
{

constexpr uint32_t kMss = 1000;

struct Recovery : Buffers {
    struct sendq q = {};
    struct recovery r = {};
    struct congestion cc = {};
    bool sack = true;

    void SetUp() override
    {
        Buffers::SetUp();
        begin(true);
    }
    void begin(bool with_sack)
    {
        sendq_release(&q, &nodes);
        sendq_init(&q, 0);
        recovery_init(&r, with_sack, 0);
        congestion_init(&cc, kMss, false);
    }
    void TearDown() override
    {
        sendq_release(&q, &nodes);
        Buffers::TearDown();
    }
    // Segment k stands at k * kMss.
    void send(unsigned segments)
    {
        std::string s(segments * kMss, 'x');
        pools_poll(pools);
        ASSERT_TRUE(sendq_write(&q, &nodes, pools, s.data(), s.size()));
        while (struct sent *one = sendq_cut(&q, &nodes, kMss, 16))
            one->transmissions = 1;
    }
    struct recovery_news ack(uint32_t segments,
                             std::vector<std::pair<uint32_t, uint32_t>> sacks = {})
    {
        struct sack_block blocks[TCP_MAX_SACK];
        unsigned n = 0;
        for (auto [from, to] : sacks)
            blocks[n++] = {from * kMss, to * kMss};
        struct recovery_ack a = {0, 0, segments * kMss, blocks, n, segments * kMss == q.una, true};
        struct recovery_news news = recovery_on_ack(&r, &q, &cc, &nodes, &a);
        EXPECT_TRUE(recovery_sane(&r, &q));
        EXPECT_TRUE(sendq_sane(&q));
        return news;
    }
    // The segment to send again now, sent again; -1 if there is none.
    int resend()
    {
        struct sent *s = recovery_next_lost(&r, &q);
        if (s == nullptr)
            return -1;
        s->transmissions++;
        recovery_resent(&r, s);
        EXPECT_TRUE(recovery_sane(&r, &q));
        return int(s->seq / kMss);
    }
    uint32_t pipe()
    {
        return recovery_pipe(&r, &q) / kMss;
    }
};

TEST_F(Recovery, ThreeSegmentsBeyondAHoleMakeItLost)
{
    send(10);
    EXPECT_FALSE(ack(0, {{1, 2}}).entered);
    EXPECT_FALSE(ack(0, {{1, 3}}).entered);
    EXPECT_EQ(pipe(), 8u) << "limited transmit has room for two";
    EXPECT_TRUE(ack(0, {{1, 4}}).entered);
    EXPECT_EQ(resend(), 0);
    EXPECT_EQ(resend(), -1);
    EXPECT_EQ(pipe(), 7u) << "ten less three, one of them on the way again";
    EXPECT_EQ(cc.cwnd, 5 * kMss);
}

TEST_F(Recovery, OneSackOfManySegmentsIsEnough)
{
    send(10);
    EXPECT_TRUE(ack(0, {{2, 10}}).entered);
    EXPECT_EQ(resend(), 0);
    EXPECT_EQ(resend(), 1);
    EXPECT_EQ(resend(), -1);
}

TEST_F(Recovery, EndsWhenEverythingOfThatFlightIsAcknowledged)
{
    send(10);
    ack(0, {{1, 4}});
    resend();
    ack(4);
    EXPECT_EQ(r.state, RECOVERY_FAST);
    ack(10);
    EXPECT_EQ(r.state, RECOVERY_CLEAR);
    EXPECT_EQ(cc.cwnd, 5 * kMss);
}

TEST_F(Recovery, ASecondLossInTheSameFlightDoesNotHalveAgain)
{
    send(10);
    ack(0, {{1, 4}});
    resend();
    EXPECT_FALSE(ack(4, {{5, 10}}).entered);
    EXPECT_EQ(resend(), 4);
    EXPECT_EQ(cc.cwnd, 5 * kMss);
}

TEST_F(Recovery, AHoleThatNobodyCallsLostIsTheLastResort)
{
    send(10);
    ack(0, {{1, 4}});
    EXPECT_EQ(resend(), 0);
    ack(0, {{5, 6}, {1, 4}}); // one segment beyond 4: that is reordering, so far
    EXPECT_EQ(resend(), -1);
    struct sent *s = recovery_next_hole(&r, &q);
    ASSERT_NE(s, nullptr);
    EXPECT_EQ(s->seq, 4 * kMss);
    recovery_resent(&r, s);
    EXPECT_TRUE(recovery_sane(&r, &q));
    EXPECT_EQ(recovery_next_hole(&r, &q), nullptr) << "the tail is above every SACK";
}

TEST_F(Recovery, WithoutSackThreeDuplicatesAreEnough)
{
    begin(false);
    send(10);
    ack(0);
    ack(0);
    EXPECT_EQ(pipe(), 8u);
    EXPECT_TRUE(ack(0).entered);
    EXPECT_EQ(resend(), 0);
    ack(0);
    ack(0);
    EXPECT_EQ(pipe(), 5u) << "each duplicate is a segment that left the network";
    // A partial acknowledgement: the next hole.
    ack(5);
    EXPECT_EQ(resend(), 5);
    ack(10);
    EXPECT_EQ(r.state, RECOVERY_CLEAR);
    EXPECT_EQ(r.assumed, 0u);
}

TEST_F(Recovery, EchoesOfOurOwnRetransmissionsDoNotStartAnother)
{
    begin(false);
    send(4);
    recovery_on_timeout(&r, &q, &cc, 0, false);
    while (resend() >= 0)
        ;
    ack(4);
    send(4);
    for (unsigned k = 0; k < 5; k++)
        EXPECT_FALSE(ack(4).entered);
    ack(5); // beyond the point: from now on duplicates count
    ack(5);
    ack(5);
    EXPECT_TRUE(ack(5).entered);
}

TEST_F(Recovery, ATimeoutMeansEverythingButWhatWasSacked)
{
    send(6);
    ack(0, {{2, 4}});
    recovery_on_timeout(&r, &q, &cc, 0, false);
    EXPECT_TRUE(recovery_sane(&r, &q));
    EXPECT_EQ(pipe(), 0u);
    EXPECT_EQ(cc.cwnd, kMss);
    EXPECT_EQ(resend(), 0);
    EXPECT_EQ(resend(), 1);
    EXPECT_EQ(resend(), 4);
    EXPECT_EQ(resend(), 5);
    EXPECT_EQ(resend(), -1);
}

TEST_F(Recovery, ATimeoutWithTheFirstSegmentSackedMeansReneging)
{
    send(4);
    ack(0, {{1, 3}});
    ack(1);
    recovery_on_timeout(&r, &q, &cc, 0, false);
    EXPECT_EQ(r.sacked, 0u);
    EXPECT_EQ(resend(), 1);
    EXPECT_EQ(resend(), 2);
    EXPECT_EQ(resend(), 3);
}

TEST_F(Recovery, NonsenseBlocksAreIgnored)
{
    send(5);
    ack(0, {{3, 2}}); // backwards
    ack(0, {{4, 9}}); // beyond what was sent
    ack(2, {{0, 1}}); // a duplicate report
    ack(2, {{2000000, 2000001}});
    EXPECT_EQ(r.sacked, 0u);
    EXPECT_EQ(r.state, RECOVERY_CLEAR);
}

TEST_F(Recovery, AnRttSampleComesFromWhatWasSentOnceAndNotSackedBefore)
{
    send(3);
    q.head->when = 10;
    q.head->next->when = 20;
    q.head->next->next->when = 30;
    ack(0, {{2, 3}});
    q.head->next->transmissions = 2;
    EXPECT_EQ(ack(3).sample_sent, 10u);
}

TEST_F(Recovery, TooBigSegmentsAreSentAgainWithoutBlame)
{
    send(4);
    uint32_t cwnd = cc.cwnd;
    recovery_on_too_big(&r, &q, 500);
    EXPECT_EQ(cc.cwnd, cwnd);
    EXPECT_EQ(resend(), 0);
    EXPECT_FALSE(ack(4).entered);
    EXPECT_EQ(r.state, RECOVERY_CLEAR);
}

// Whatever a peer acknowledges, the sums stay right and everything gets through in the end.
TEST_F(Recovery, AgreesWithItsRecordsThroughRandomAcks)
{
    for (unsigned seed = 0; seed < 60; seed++) {
        std::mt19937 random(seed);
        begin(seed % 3 != 0);
        uint32_t una = 0, nxt = 0;
        for (unsigned step = 0; step < 600; step++) {
            switch (random() % 5) {
            case 0:
                send(1 + random() % 4);
                nxt = q.nxt / kMss;
                break;
            case 1:
                if (q.head != nullptr)
                    recovery_on_timeout(&r, &q, &cc, 0, random() % 2);
                break;
            case 2:
                resend();
                break;
            default: {
                una += random() % 3 == 0 ? random() % (nxt - una + 1) : 0;
                std::vector<std::pair<uint32_t, uint32_t>> sacks;
                for (unsigned k = random() % 4; k > 0 && nxt > una + 1; k--) {
                    uint32_t from = una + 1 + random() % (nxt - una - 1);
                    sacks.push_back({from, from + 1 + random() % (nxt - from)});
                }
                ack(una, sacks);
            }
            }
            ASSERT_TRUE(recovery_sane(&r, &q)) << "seed " << seed << " step " << step;
        }
        ack(nxt);
        EXPECT_EQ(q.head, nullptr);
        EXPECT_EQ(recovery_pipe(&r, &q), 0u);
    }
}

} // namespace
