// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

extern "C" {
#include "drivers/tcp/congestion.h"
}

namespace
{

constexpr uint32_t kMss = 1448;

struct Congestion : ::testing::Test {
    struct congestion c;
    void SetUp() override
    {
        congestion_init(&c, kMss, false);
    }
    void acked(uint32_t bytes, bool limited = true)
    {
        struct congestion_ack ack = {};
        ack.acked = bytes;
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

TEST_F(Congestion, BeginsWithTenSegmentsOrTheirLikeRfc6928)
{
    EXPECT_EQ(c.cwnd, 10 * kMss);
    congestion_init(&c, 536, false);
    EXPECT_EQ(c.cwnd, 5360u);
    congestion_init(&c, 8948, false);
    EXPECT_EQ(c.cwnd, 2 * 8948u);
    congestion_init(&c, kMss, true);
    EXPECT_EQ(c.cwnd, kMss);
}

TEST_F(Congestion, SlowStartDoublesARoundTripAndAStretchAckCountsTwo)
{
    for (int k = 0; k < 10; k++)
        acked(kMss);
    EXPECT_EQ(c.cwnd, 20 * kMss);
    acked(20 * kMss);
    EXPECT_EQ(c.cwnd, 22 * kMss);
}

TEST_F(Congestion, AvoidanceAddsASegmentARoundTrip)
{
    reduce(20 * kMss);
    EXPECT_EQ(c.cwnd, 10 * kMss);
    for (int k = 0; k < 10; k++)
        acked(kMss);
    EXPECT_EQ(c.cwnd, 11 * kMss);
}

TEST_F(Congestion, DoesNotGrowUnused)
{
    acked(5 * kMss, false);
    EXPECT_EQ(c.cwnd, 10 * kMss);
}

TEST_F(Congestion, NeverHalvesBelowTwoSegments)
{
    reduce(kMss);
    EXPECT_EQ(c.cwnd, 2 * kMss);
}

TEST_F(Congestion, ATimeoutLeavesOneSegmentAndOnlyTheFirstHalvesTheThreshold)
{
    congestion_timeout(&c, 0, 40 * kMss, false);
    EXPECT_EQ(c.cwnd, kMss);
    EXPECT_EQ(c.ssthresh, 20 * kMss);
    congestion_timeout(&c, 0, kMss, true);
    EXPECT_EQ(c.ssthresh, 20 * kMss);
}

TEST_F(Congestion, AReductionForNothingIsUndone)
{
    c.cwnd = 40 * kMss;
    reduce(40 * kMss);
    congestion_undo(&c);
    EXPECT_EQ(c.cwnd, 40 * kMss);
    EXPECT_GT(c.ssthresh, 40 * kMss);
}

TEST_F(Congestion, AnIdleConnectionStartsAgainAndOneThatIsSmallStaysSo)
{
    c.cwnd = 100 * kMss;
    congestion_idle(&c, 0);
    EXPECT_EQ(c.cwnd, 10 * kMss);
    c.cwnd = 3 * kMss;
    congestion_idle(&c, 0);
    EXPECT_EQ(c.cwnd, 3 * kMss);
}

TEST_F(Congestion, TheWindowIsBounded)
{
    c.cwnd = UINT32_C(1) << 30;
    acked(1000 * kMss);
    EXPECT_EQ(c.cwnd, UINT32_C(1) << 30);
}

} // namespace
