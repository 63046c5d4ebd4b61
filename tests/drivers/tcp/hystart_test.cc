// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

extern "C" {
#include "drivers/tcp/hystart.h"
}

namespace
{

constexpr uint32_t kMss = 1448;

// Rounds of twenty segments, each acknowledged by an ACK of its own.
struct Hystart : ::testing::Test {
    struct hystart h;
    uint32_t nxt = UINT32_MAX - 100000; // the sequence wraps on the way

    void SetUp() override
    {
        hystart_init(&h);
    }
    hystart_phase round(unsigned rtt_ms, unsigned acks = 20)
    {
        hystart_phase phase = HYSTART_SLOW_START;
        uint32_t una = nxt;
        nxt += acks * kMss;
        for (unsigned k = 0; k < acks; k++) {
            una += kMss;
            phase = hystart_on_ack(&h, rtt_ms * NSEC_PER_MSEC, una, nxt);
        }
        return phase;
    }
};

TEST_F(Hystart, ConstantRoundTripsKeepSlowStartRfc9406)
{
    for (int k = 0; k < 30; k++)
        EXPECT_EQ(round(100), HYSTART_SLOW_START);
}

TEST_F(Hystart, AnEighthMoreIsAQueueRfc9406Section4_2)
{
    round(100);
    round(100);
    EXPECT_EQ(round(112), HYSTART_SLOW_START); // the threshold is 12.5 ms
    SetUp();
    round(100);
    round(100);
    EXPECT_EQ(round(113), HYSTART_CONSERVATIVE);
}

TEST_F(Hystart, TheThresholdIsNeverLessThan4MsNorMoreThan16Rfc9406Section4_3)
{
    round(8);
    round(8);
    EXPECT_EQ(round(11), HYSTART_SLOW_START);
    EXPECT_EQ(round(15), HYSTART_CONSERVATIVE);
    SetUp();
    round(400);
    round(400);
    EXPECT_EQ(round(417), HYSTART_CONSERVATIVE);
}

TEST_F(Hystart, FewerThanEightSamplesProveNothing)
{
    round(100);
    round(100);
    EXPECT_EQ(round(300, 6), HYSTART_SLOW_START);
}

TEST_F(Hystart, AcksWithoutAMeasurementAreNoSamples)
{
    round(100);
    round(100);
    for (int k = 0; k < 20; k++)
        EXPECT_EQ(hystart_on_ack(&h, 0, nxt - 1, nxt), HYSTART_SLOW_START);
}

TEST_F(Hystart, OneQuickSampleVouchesForTheRound)
{
    round(100);
    round(100);
    nxt += 20 * kMss;
    for (int k = 0; k < 20; k++)
        EXPECT_EQ(hystart_on_ack(&h, (k == 3 ? 100 : 300) * NSEC_PER_MSEC, nxt - 1, nxt),
                  HYSTART_SLOW_START);
}

TEST_F(Hystart, ConservativeGrowthIsAQuarterRfc9406Section4_2)
{
    EXPECT_EQ(hystart_growth(&h, kMss, kMss, false), kMss);
    EXPECT_EQ(hystart_growth(&h, 100 * kMss, kMss, false), 8 * kMss);
    round(100);
    round(100);
    round(150);
    EXPECT_EQ(hystart_growth(&h, kMss, kMss, false), kMss / 4);
    EXPECT_EQ(hystart_growth(&h, 100 * kMss, kMss, false), 2 * kMss);
}

TEST_F(Hystart, WhatIsPacedNeedsNoLimitRfc9406Section4_3)
{
    EXPECT_EQ(hystart_growth(&h, 100 * kMss, kMss, true), 100 * kMss);
}

TEST_F(Hystart, FiveConservativeRoundsEndSlowStartRfc9406Section4_2)
{
    round(100);
    round(100);
    EXPECT_EQ(round(150), HYSTART_CONSERVATIVE);
    for (int k = 0; k < 3; k++)
        EXPECT_EQ(round(150), HYSTART_CONSERVATIVE);
    EXPECT_EQ(round(150), HYSTART_DONE);
    EXPECT_EQ(round(100), HYSTART_DONE);
}

TEST_F(Hystart, ShorterRoundTripsResumeSlowStartRfc9406Section4_2)
{
    round(100);
    round(100);
    EXPECT_EQ(round(150), HYSTART_CONSERVATIVE);
    EXPECT_EQ(round(140), HYSTART_SLOW_START);
    EXPECT_EQ(round(170), HYSTART_CONSERVATIVE);
}

} // namespace
