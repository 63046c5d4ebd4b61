// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

extern "C" {
#include "drivers/tcp/prr.h"
}

namespace
{

constexpr uint32_t kMss = 1000;

struct Prr : ::testing::Test {
    struct prr p;
    uint32_t pipe = 0, sent = 0;

    // `n` segments arrive, and what the window allows is sent. How many segments that is.
    uint32_t arrive(uint32_t n, uint32_t ssthresh, bool safe = false)
    {
        pipe -= n * kMss;
        uint32_t window = prr_window(&p, n * kMss, pipe, ssthresh, kMss, safe), count = 0;
        while (pipe + kMss <= window) {
            prr_sent(&p, kMss);
            pipe += kMss;
            count++;
        }
        sent += count;
        return count;
    }
    void begin(uint32_t flight)
    {
        prr_begin(&p, flight * kMss);
        pipe = flight * kMss;
    }
};

TEST_F(Prr, SendsHalfOfWhatArrivesIfTheWindowIsHalvedRfc6937Section31)
{
    begin(20);
    EXPECT_EQ(arrive(1, 10 * kMss), 1u) << "the first retransmission";
    for (unsigned k = 0; k < 9; k++)
        arrive(1, 10 * kMss);
    EXPECT_EQ(sent, 5u);
    EXPECT_EQ(pipe, 15 * kMss);
}

TEST_F(Prr, EndsAtTheThresholdWithoutAPause)
{
    begin(20);
    unsigned pause = 0, longest = 0;
    for (unsigned k = 0; k < 40; k++) {
        pause = arrive(1, 14 * kMss) > 0 ? 0 : pause + 1;
        longest = pause > longest ? pause : longest;
    }
    EXPECT_EQ(pipe, 14 * kMss);
    EXPECT_LE(longest, 3u);
}

TEST_F(Prr, AfterHeavyLossConservesPacketsWhileMoreIsLostRfc6937Section31)
{
    begin(20);
    pipe = 3 * kMss; // the rest was lost
    EXPECT_EQ(arrive(1, 10 * kMss), 1u);
    EXPECT_EQ(arrive(1, 10 * kMss), 1u);
    EXPECT_EQ(pipe, 3 * kMss);
}

TEST_F(Prr, AfterHeavyLossGrowsLikeSlowStartOnceTheRepairGoesWellRfc6937Section31)
{
    begin(20);
    pipe = 3 * kMss;
    arrive(1, 10 * kMss);
    EXPECT_EQ(arrive(1, 10 * kMss, true), 2u);
    EXPECT_EQ(arrive(2, 10 * kMss, true), 3u);
    for (unsigned k = 0; k < 20; k++)
        arrive(1, 10 * kMss, true);
    EXPECT_EQ(pipe, 10 * kMss) << "and not beyond";
}

} // namespace
