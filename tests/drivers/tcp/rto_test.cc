// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

extern "C" {
#include "drivers/tcp/rto.h"
}

namespace
{

constexpr nsec_t kMs = NSEC_PER_MSEC;

struct Rto : ::testing::Test {
    struct rto r;
    void SetUp() override
    {
        rto_init(&r);
    }
};

TEST_F(Rto, BeginsAtOneSecond)
{
    EXPECT_EQ(rto_get(&r), NSEC_PER_SEC);
}

TEST_F(Rto, TheFirstSampleCountsThreefold)
{
    rto_sample(&r, 500 * kMs);
    EXPECT_EQ(rto_get(&r), 1500 * kMs);
}

TEST_F(Rto, NeverFallsBelowTwoHundredMilliseconds)
{
    for (int k = 0; k < 100; k++)
        rto_sample(&r, kMs);
    EXPECT_EQ(rto_get(&r), 200 * kMs);
}

TEST_F(Rto, ASteadyPathConvergesToItsRoundTrip)
{
    for (int k = 0; k < 100; k++)
        rto_sample(&r, 400 * kMs);
    EXPECT_NEAR(double(rto_get(&r)), 401e6, 1e6);
}

TEST_F(Rto, BacksOffToOneMinuteAndASampleEndsThat)
{
    rto_sample(&r, 100 * kMs);
    nsec_t before = rto_get(&r);
    rto_back_off(&r);
    EXPECT_EQ(rto_get(&r), 2 * before);
    for (int k = 0; k < 100; k++)
        rto_back_off(&r);
    EXPECT_EQ(rto_get(&r), 60 * NSEC_PER_SEC);
    rto_sample(&r, 100 * kMs);
    EXPECT_LE(rto_get(&r), before);
}

TEST_F(Rto, ASampleOfNothingIsASample)
{
    rto_sample(&r, 0);
    EXPECT_NE(r.srtt, 0u);
    EXPECT_EQ(rto_get(&r), 200 * kMs);
}

} // namespace
