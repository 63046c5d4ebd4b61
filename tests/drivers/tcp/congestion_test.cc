// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

extern "C" {
#include "drivers/tcp/congestion.h"
}

namespace
{

constexpr uint32_t kMss = 1448;

struct Congestion : ::testing::TestWithParam<congestion_algorithm> {
    struct congestion c;
    nsec_t now = NSEC_PER_SEC;
    nsec_t rtt = 10 * NSEC_PER_MSEC;
    uint32_t una = 0;
    void SetUp() override
    {
        begin(GetParam());
    }
    void begin(congestion_algorithm algorithm)
    {
        congestion_init(&c, algorithm, kMss, false);
    }
    void acked(uint32_t bytes, bool limited = true)
    {
        struct congestion_ack ack = {};
        now += NSEC_PER_MSEC;
        una += bytes;
        ack.now = now;
        ack.rtt = ack.srtt = rtt;
        ack.acked = bytes;
        ack.una = una;
        ack.nxt = una + c.cwnd;
        ack.limited = limited;
        congestion_acked(&c, &ack);
    }
    // A loss, with recovery over.
    void reduce(uint32_t flight)
    {
        congestion_reduce(&c, 0, flight, CONGESTION_LOSS);
        c.cwnd = c.ssthresh;
    }
};

struct NewReno : Congestion {
    void SetUp() override
    {
        begin(CONGESTION_NEWRENO);
    }
};

struct CubicWindow : Congestion {
    void SetUp() override
    {
        begin(CONGESTION_CUBIC);
    }
};

INSTANTIATE_TEST_SUITE_P(Either, Congestion,
                         ::testing::Values(CONGESTION_CUBIC, CONGESTION_NEWRENO),
                         [](const auto &name) {
                             return name.param == CONGESTION_CUBIC ? "Cubic" : "NewReno";
                         });

TEST_P(Congestion, BeginsWithTenSegmentsOrTheirLikeRfc6928)
{
    EXPECT_EQ(c.cwnd, 10 * kMss);
    congestion_init(&c, GetParam(), 536, false);
    EXPECT_EQ(c.cwnd, 5360u);
    congestion_init(&c, GetParam(), 8948, false);
    EXPECT_EQ(c.cwnd, 2 * 8948u);
    congestion_init(&c, GetParam(), kMss, true);
    EXPECT_EQ(c.cwnd, kMss);
}

TEST_P(Congestion, SlowStartDoublesARoundTrip)
{
    for (int k = 0; k < 10; k++)
        acked(kMss);
    EXPECT_EQ(c.cwnd, 20 * kMss);
}

TEST_P(Congestion, DoesNotGrowUnused)
{
    acked(5 * kMss, false);
    EXPECT_EQ(c.cwnd, 10 * kMss);
}

TEST_P(Congestion, NeverReducesBelowTwoSegments)
{
    c.cwnd = kMss;
    reduce(kMss);
    EXPECT_EQ(c.cwnd, 2 * kMss);
}

TEST_P(Congestion, AMarkReducesLessThanALossRfc8511)
{
    c.cwnd = 100 * kMss;
    congestion_reduce(&c, now, 100 * kMss, CONGESTION_LOSS);
    uint32_t lost = c.ssthresh;
    congestion_reduce(&c, now, 100 * kMss, CONGESTION_ECN);
    EXPECT_GT(c.ssthresh, lost);
    EXPECT_LT(c.ssthresh, 100 * kMss);
}

TEST_P(Congestion, ATimeoutLeavesOneSegmentAndOnlyTheFirstLowersTheThreshold)
{
    c.cwnd = 40 * kMss;
    congestion_timeout(&c, now, 40 * kMss, false);
    uint32_t threshold = c.ssthresh;
    EXPECT_EQ(c.cwnd, kMss);
    EXPECT_LT(threshold, 40 * kMss);
    congestion_timeout(&c, now, kMss, true);
    EXPECT_EQ(c.ssthresh, threshold);
}

TEST_P(Congestion, ALaterSlowStartAddsTwoSegmentsAnAckAtMostRfc3465)
{
    congestion_timeout(&c, now, 100 * kMss, false);
    acked(20 * kMss);
    EXPECT_EQ(c.cwnd, 3 * kMss);
}

TEST_P(Congestion, AReductionForNothingIsUndone)
{
    c.cwnd = 40 * kMss;
    reduce(40 * kMss);
    congestion_undo(&c);
    EXPECT_EQ(c.cwnd, 40 * kMss);
    EXPECT_GT(c.ssthresh, 40 * kMss);
}

TEST_P(Congestion, ATimeoutForNothingIsUndone)
{
    c.cwnd = 40 * kMss;
    congestion_timeout(&c, now, 40 * kMss, false);
    acked(kMss);
    congestion_undo(&c);
    EXPECT_EQ(c.cwnd, 40 * kMss);
    EXPECT_GT(c.ssthresh, 40 * kMss);
}

TEST_P(Congestion, AnIdleConnectionStartsAgainAndOneThatIsSmallStaysSo)
{
    c.cwnd = 100 * kMss;
    c.ssthresh = 20 * kMss;
    congestion_idle(&c, now);
    EXPECT_EQ(c.cwnd, 10 * kMss);
    EXPECT_EQ(c.ssthresh, 75 * kMss); // RFC 7661 §4.3
    c.cwnd = 3 * kMss;
    congestion_idle(&c, now);
    EXPECT_EQ(c.cwnd, 3 * kMss);
}

TEST_P(Congestion, TheWindowIsBounded)
{
    c.cwnd = (UINT32_C(1) << 30) - kMss / 2;
    acked(1000 * kMss);
    EXPECT_EQ(c.cwnd, UINT32_C(1) << 30);
    acked(1000 * kMss);
    EXPECT_EQ(c.cwnd, UINT32_C(1) << 30);
}

TEST_F(CubicWindow, ATimeoutAmidRecoveryCountsWhatIsOutstanding)
{
    c.cwnd = 2 * kMss;
    congestion_timeout(&c, now, 100 * kMss, false);
    EXPECT_EQ(c.ssthresh, 70 * kMss);
}

TEST_F(NewReno, AStretchAckCountsTwoRfc3465)
{
    acked(20 * kMss);
    EXPECT_EQ(c.cwnd, 12 * kMss);
}

TEST_F(NewReno, AvoidanceAddsASegmentARoundTripRfc5681)
{
    reduce(20 * kMss);
    EXPECT_EQ(c.cwnd, 10 * kMss);
    for (int k = 0; k < 10; k++)
        acked(kMss);
    EXPECT_EQ(c.cwnd, 11 * kMss);
}

TEST_F(CubicWindow, AStretchAckCountsWholeInTheFirstSlowStartThatIsPacedRfc9406)
{
    acked(20 * kMss);
    EXPECT_EQ(c.cwnd, 30 * kMss);
    rtt = NSEC_PER_MSEC; // too short for that
    acked(20 * kMss);
    EXPECT_EQ(c.cwnd, 38 * kMss);
}

TEST_F(CubicWindow, LongerRoundTripsEndTheFirstSlowStartRfc9406)
{
    struct congestion_ack ack = {};
    ack.limited = true;
    for (int round = 0; round < 10; round++) {
        uint32_t segments = c.cwnd / kMss;
        ack.nxt = ack.una + c.cwnd;
        ack.rtt = ack.srtt = (20 + (round < 2 ? 0 : 10)) * NSEC_PER_MSEC;
        for (uint32_t k = 0; k < segments; k++) {
            ack.now += ack.rtt / segments;
            ack.acked = kMss;
            ack.una += kMss;
            congestion_acked(&c, &ack);
        }
    }
    EXPECT_LT(c.ssthresh, 200 * kMss);
    EXPECT_NEAR(c.cwnd, c.ssthresh, 5 * kMss);
}

TEST_F(CubicWindow, ALossLeavesSevenTenthsAndAvoidanceBringsThemBackRfc9438)
{
    c.cwnd = 100 * kMss;
    reduce(100 * kMss);
    EXPECT_EQ(c.cwnd, 70 * kMss);
    for (int k = 0; k < 4220; k++) // K is 4.217 s, and an ACK comes every millisecond
        acked(kMss);
    EXPECT_GE(c.cwnd, 99 * kMss);
}

} // namespace
