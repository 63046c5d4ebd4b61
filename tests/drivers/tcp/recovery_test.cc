// SPDX-License-Identifier: BSD-3-Clause
#include "tests/drivers/tcp/buffers.h"

#include <random>

extern "C" {
#include "drivers/tcp/recovery.h"
}

namespace
{

constexpr uint32_t kMss = 1000;
constexpr nsec_t kRtt = 100 * NSEC_PER_MSEC;

struct Recovery : Buffers {
    struct sendq q = {};
    struct recovery r = {};
    struct congestion cc = {};
    nsec_t now = 1000 * NSEC_PER_SEC;
    // One round trip takes 100 ms.
    struct rack_ack time(uint64_t echoed = 0) const
    {
        return {now, kRtt, kRtt, echoed};
    }
    void pass(nsec_t span)
    {
        now += span;
    }

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
        congestion_init(&cc, CONGESTION_NEWRENO, kMss, false);
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
            recovery_sent(&r, &q, one, now);
    }
    struct recovery_news ack(uint32_t segments,
                             std::vector<std::pair<uint32_t, uint32_t>> sacks = {},
                             uint64_t echoed = 0, bool ece = false)
    {
        struct sack_block blocks[TCP_MAX_SACK];
        unsigned n = 0;
        for (auto [from, to] : sacks)
            blocks[n++] = {from * kMss, to * kMss};
        struct recovery_ack a = {
            time(echoed), segments * kMss, blocks, n, segments * kMss == q.una, true, ece};
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
        recovery_sent(&r, &q, s, now);
        EXPECT_TRUE(recovery_sane(&r, &q));
        return int(s->seq / kMss);
    }
    void timeout(bool again = false)
    {
        struct rack_ack t = time();
        recovery_on_timeout(&r, &q, &cc, &t, again);
        EXPECT_TRUE(recovery_sane(&r, &q));
    }
    bool reorder()
    {
        struct rack_ack t = time();
        return recovery_on_reorder(&r, &q, &cc, &t);
    }
    nsec_t deadline()
    {
        struct rack_ack t = time();
        return recovery_reorder_deadline(&r, &q, &cc, &t);
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
    EXPECT_EQ(cc.ssthresh, 5 * kMss);
    EXPECT_EQ(cc.cwnd, 7 * kMss) << "it comes down by what arrives";
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
    timeout();
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
    timeout();
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
    timeout();
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

TEST_F(Recovery, OneSegmentBeyondAHoleIsGivenAQuarterRoundTripRfc8985Section62)
{
    send(3);
    pass(kRtt);
    EXPECT_FALSE(ack(0, {{1, 2}}).entered);
    EXPECT_EQ(deadline(), now + kRtt / 4);
    pass(kRtt / 4 - 1);
    EXPECT_FALSE(reorder());
    pass(1);
    EXPECT_TRUE(reorder());
    EXPECT_EQ(resend(), 0);
    EXPECT_EQ(deadline(), UINT64_MAX) << "the third was sent no earlier than what has arrived";
}

TEST_F(Recovery, APathThatReordersIsGivenThatTimeAlwaysRfc8985Section62Step4)
{
    send(6);
    pass(kRtt);
    ack(0, {{1, 2}});
    ack(2); // the first came late
    EXPECT_TRUE(r.rack.reordering);
    EXPECT_FALSE(ack(2, {{3, 6}}).entered) << "three segments beyond the hole";
    pass(kRtt / 4);
    EXPECT_TRUE(reorder());
}

TEST_F(Recovery, WhatOneAckTellsOfIsNotReordered)
{
    send(6);
    pass(kRtt);
    EXPECT_TRUE(ack(1, {{2, 6}}).entered);
    EXPECT_FALSE(r.rack.reordering);
}

TEST_F(Recovery, EveryRoundTripWithADsackWidensTheReorderingWindowRfc8985Section62Step4)
{
    r.rack.reordering = true;
    for (unsigned k = 1; k <= 3; k++) {
        uint32_t una = q.una / kMss;
        send(4);
        pass(kRtt);
        ack(una + 1, {{una, una + 1}}); // a duplicate of what was acknowledged
        ack(una + 2, {{una, una + 1}}); // in the same round trip
        EXPECT_EQ(r.rack.quarters, 1 + k);
        ack(una + 4);
    }
    struct rack_ack t = time();
    EXPECT_EQ(rack_window(&r.rack, &t, false), kRtt);
    for (unsigned k = 0; k < 16; k++)
        rack_recovered(&r.rack);
    EXPECT_EQ(r.rack.quarters, 1) << "sixteen recoveries without one";
}

TEST_F(Recovery, ALostRetransmissionIsSeenByWhatWasSentAfterItRfc8985Section62)
{
    send(10);
    pass(kRtt);
    ack(0, {{1, 4}});
    EXPECT_EQ(resend(), 0);
    pass(1);
    send(2);
    pass(kRtt);
    ack(0, {{1, 10}});
    EXPECT_EQ(resend(), -1);
    ack(0, {{1, 12}});
    EXPECT_EQ(resend(), 0);
}

TEST_F(Recovery, TheTimerTakesForLostWhatIsOldEnoughRfc8985Section63)
{
    send(4);
    pass(kRtt);
    ack(1);
    send(2); // on the way when the timer expires
    pass(kRtt / 2);
    timeout();
    EXPECT_EQ(resend(), 1);
    EXPECT_EQ(resend(), 2);
    EXPECT_EQ(resend(), 3);
    EXPECT_EQ(resend(), -1);
}

TEST_F(Recovery, AProbedTailThatWasLostReducesTheWindowOnceRfc8985Section742)
{
    send(5);
    cc.cwnd = 20 * kMss;
    ASSERT_TRUE(recovery_may_probe(&r, &q));
    pass(2 * kRtt);
    recovery_probed(&r, &q, q.tail, now);
    EXPECT_FALSE(recovery_may_probe(&r, &q)) << "one probe for a tail";
    pass(kRtt);
    ack(5);
    send(1);
    pass(kRtt);
    EXPECT_TRUE(ack(6).reduced);
    EXPECT_LT(cc.ssthresh, 20 * kMss);
}

TEST_F(Recovery, AProbeThatWasNotNeededCostsNothingRfc8985Section742)
{
    send(5);
    pass(2 * kRtt);
    recovery_probed(&r, &q, q.tail, now);
    pass(kRtt);
    ack(5);
    EXPECT_FALSE(ack(5, {{4, 5}}).reduced) << "both came";
    send(1);
    EXPECT_FALSE(ack(6).reduced);
}

TEST_F(Recovery, AnEchoFromBeforeTheRetransmissionUndoesARecoveryRfc3522)
{
    cc.cwnd = 20 * kMss;
    send(10);
    pass(kRtt);
    uint64_t early = now / NSEC_PER_MSEC - 100;
    ack(0, {{1, 4}}, early);
    EXPECT_EQ(resend(), 0);
    pass(kRtt / 2);
    EXPECT_TRUE(ack(4, {}, early).undone);
    EXPECT_EQ(r.state, RECOVERY_CLEAR);
    EXPECT_EQ(cc.cwnd, 20 * kMss);
}

TEST_F(Recovery, AnEchoOfTheRetransmissionUndoesNothing)
{
    send(10);
    pass(kRtt);
    ack(0, {{1, 4}});
    EXPECT_EQ(resend(), 0);
    uint64_t late = now / NSEC_PER_MSEC;
    pass(kRtt);
    EXPECT_FALSE(ack(4, {}, late).undone);
}

TEST_F(Recovery, ASpuriousTimeoutIsUndoneAndTheRestNotSentAgainRfc4015)
{
    cc.cwnd = 20 * kMss;
    send(10);
    pass(5 * kRtt);
    timeout();
    EXPECT_EQ(resend(), 0);
    EXPECT_TRUE(ack(1, {}, now / NSEC_PER_MSEC - 500).undone);
    EXPECT_EQ(resend(), -1);
    EXPECT_EQ(pipe(), 9u);
    EXPECT_EQ(cc.cwnd, 20 * kMss);
}

TEST_F(Recovery, DsacksForAllThatWasSentAgainUndoARecoveryRfc3708)
{
    cc.cwnd = 20 * kMss;
    send(10);
    pass(kRtt);
    ack(0, {{2, 6}});
    EXPECT_EQ(resend(), 0);
    EXPECT_EQ(resend(), 1);
    pass(kRtt);
    ack(10);
    EXPECT_FALSE(ack(10, {{0, 1}}).undone);
    EXPECT_TRUE(ack(10, {{1, 2}}).undone);
    EXPECT_EQ(cc.cwnd, 20 * kMss);
}

TEST_F(Recovery, EceReducesOnceARoundTripRfc3168Section612)
{
    cc.cwnd = 20 * kMss;
    send(10);
    pass(kRtt);
    EXPECT_TRUE(ack(1, {}, 0, true).reduced);
    uint32_t after = cc.ssthresh;
    EXPECT_FALSE(ack(5, {}, 0, true).reduced);
    EXPECT_EQ(cc.ssthresh, after);
    ack(10, {}, 0, false);
    EXPECT_EQ(cc.cwnd, after);
    send(5);
    pass(kRtt);
    EXPECT_TRUE(ack(11, {}, 0, true).reduced);
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
                    timeout(random() % 2);
                break;
            case 2:
                resend();
                pass(random() % kRtt);
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
