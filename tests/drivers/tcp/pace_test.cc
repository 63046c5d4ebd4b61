// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

extern "C" {
#include "drivers/tcp/pace.h"
}

namespace
{

constexpr uint32_t kMss = 1000;
constexpr nsec_t kRtt = 100 * NSEC_PER_MSEC;

struct Pace : ::testing::Test {
    struct pace p = {};
    struct congestion cc = {};
    nsec_t now = 5 * NSEC_PER_SEC;

    void SetUp() override
    {
        cc.mss = kMss;
        cc.cwnd = 100 * kMss;
        cc.ssthresh = 50 * kMss;
    }
    // Segments that go out now.
    unsigned burst(nsec_t srtt = kRtt)
    {
        unsigned n = 0;
        for (; n < 1000 && pace_next(&p, &cc, srtt, now) <= now; n++)
            pace_sent(&p, &cc, srtt, now, kMss);
        return n;
    }
    unsigned in_a_round_trip()
    {
        unsigned n = burst();
        for (nsec_t end = now + kRtt; (now = pace_next(&p, &cc, kRtt, now)) < end;)
            n += burst();
        return n;
    }
};

TEST_F(Pace, ABurstIsAnInitialWindow)
{
    EXPECT_EQ(burst(), 11u);
}

TEST_F(Pace, ARoundTripTakesAQuarterMoreThanTheWindow)
{
    EXPECT_NEAR(in_a_round_trip(), 125 + 10, 2);
}

TEST_F(Pace, SlowStartMayTakeTwoWindows)
{
    cc.ssthresh = UINT32_MAX;
    EXPECT_NEAR(in_a_round_trip(), 200 + 10, 2);
}

TEST_F(Pace, SilenceIsNotSavedUp)
{
    burst();
    now += 10 * kRtt;
    EXPECT_EQ(burst(), 11u);
}

TEST_F(Pace, AnUnknownOrShortRoundTripIsNotPaced)
{
    EXPECT_EQ(burst(0), 1000u);
    EXPECT_EQ(burst(NSEC_PER_MSEC), 1000u);
}

} // namespace
