// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

extern "C" {
#include "drivers/tcp/cubic.h"
}

namespace
{

constexpr uint32_t kMss = 1448;
constexpr nsec_t kMsec = NSEC_PER_MSEC;

// RFC 9438 §4.2 in floating point, in segments and seconds.
double k_of(double w_max, double cwnd)
{
    return std::cbrt((w_max - cwnd) / 0.4);
}

double w_cubic(double w_max, double k, double t)
{
    return 0.4 * std::pow(t - k, 3) + w_max;
}

// A sender whose window is always in use, in time steps of a round trip.
struct Cubic : ::testing::Test {
    struct cubic q = {};
    uint32_t cwnd = 0;
    nsec_t now = 1000 * kMsec;

    void lose()
    {
        cwnd = cubic_reduce(&q, cwnd, false);
    }
    // `duration` passes, with an ACK of each segment.
    void run(nsec_t duration, nsec_t rtt)
    {
        for (nsec_t end = now + duration; now < end;) {
            uint32_t segments = cwnd / kMss;
            for (uint32_t k = 0; k < segments; k++) {
                now += rtt / segments;
                cwnd = cubic_grow(&q, cwnd, kMss, kMss, now, rtt);
            }
        }
    }
    double segments() const
    {
        return static_cast<double>(cwnd) / kMss;
    }
};

TEST_F(Cubic, KIsTheCubeRootOfTheLossOverCRfc9438Section4_2)
{
    for (uint32_t w_max : {10u, 100u, 1000u, 10000u, 500000u}) {
        uint32_t w = w_max * kMss, c = w / 10 * 7;
        EXPECT_NEAR(cubic_k(w, c, kMss), 1000 * k_of(w_max, w_max * 0.7), 2) << w_max;
    }
    EXPECT_EQ(cubic_k(100 * kMss, 100 * kMss, kMss), 0u);
    EXPECT_EQ(cubic_k(100 * kMss, 200 * kMss, kMss), 0u);
}

TEST_F(Cubic, TheWindowFollowsTheCubeOfTimeRfc9438Section4_2)
{
    const double w_max = 1000, k = k_of(w_max, 700);
    const auto k_ms = static_cast<uint32_t>(std::lround(k * 1000));
    for (uint32_t ms : {0u, 500u, 2000u, 5000u, 9000u, 9086u, 12000u, 20000u, 60000u}) {
        double expected = std::max(0.0, w_cubic(w_max, k, ms / 1000.0));
        double is = cubic_window(1000 * kMss, kMss, ms, k_ms) / static_cast<double>(kMss);
        EXPECT_NEAR(is, expected, 0.1 + expected / 1000) << ms;
    }
}

TEST_F(Cubic, TheWindowSaturatesFarFromItsMaximum)
{
    EXPECT_EQ(cubic_window(1000 * kMss, kMss, 0, 4000000), 0u);
    EXPECT_EQ(cubic_window(1000 * kMss, 65535, UINT64_C(1) << 40, 0), UINT32_MAX);
}

TEST_F(Cubic, AReductionLeavesSevenTenthsRfc9438Section4_6)
{
    EXPECT_EQ(cubic_reduce(&q, 100 * kMss, false), 70 * kMss);
}

TEST_F(Cubic, AnAckOfManyWindowsGrowsLikeOneOfAWindow)
{
    cwnd = 10 * kMss;
    lose();
    EXPECT_LE(cubic_grow(&q, cwnd, kMss, 300 * kMss, now, 100 * kMsec), cwnd + kMss);
}

TEST_F(Cubic, AMarkLeavesMoreThanALossRfc8511)
{
    EXPECT_EQ(cubic_reduce(&q, 100 * kMss, true), 85 * kMss);
}

TEST_F(Cubic, IsBackAtItsMaximumAfterKAndFlatThere)
{
    cwnd = 1000 * kMss;
    lose();
    double k = k_of(1000, 700);
    run(static_cast<nsec_t>(k / 2 * 1e9), 100 * kMsec);
    EXPECT_NEAR(segments(), w_cubic(1000, k, k / 2 + 0.1), 5);
    run(static_cast<nsec_t>(k / 2 * 1e9), 100 * kMsec);
    EXPECT_NEAR(segments(), 1000, 3);
    run(2 * NSEC_PER_SEC, 100 * kMsec);
    EXPECT_NEAR(segments(), w_cubic(1000, k, k + 2), 3);
}

TEST_F(Cubic, GrowsInTimeAndNotInRoundTripsRfc9438Section2)
{
    double reached[2];
    for (int i = 0; i < 2; i++) {
        q = {};
        cwnd = 2000 * kMss;
        lose();
        run(8 * NSEC_PER_SEC, i == 0 ? 50 * kMsec : 200 * kMsec);
        reached[i] = segments();
    }
    EXPECT_NEAR(reached[0], reached[1], 30);
}

TEST_F(Cubic, OnAShortPathFollowsRenoRfc9438Section4_3)
{
    cwnd = 20 * kMss;
    lose();
    // 100 round trips of 1 ms: the cube is nowhere near, W_est adds 9/17 of a segment each until
    // 20 segments are reached, and one afterwards: 6 take about 11.3 round trips.
    run(100 * kMsec, kMsec);
    EXPECT_NEAR(segments(), 20 + (100 - 11.3), 3);
}

TEST_F(Cubic, NeverGrowsByMoreThanHalfInARoundTripRfc9438Section4_2)
{
    cwnd = 10 * kMss;
    q.stage = {};
    cubic_grow(&q, cwnd, kMss, kMss, now, 100 * kMsec);
    now += 60 * NSEC_PER_SEC; // W_cubic is at 86,000 segments by now
    EXPECT_EQ(cubic_grow(&q, cwnd, kMss, cwnd, now, 100 * kMsec), cwnd + cwnd / 2);
}

TEST_F(Cubic, GivesRoomToOthersWhenItDidNotGetBackRfc9438Section4_7)
{
    cwnd = 1000 * kMss;
    lose();
    EXPECT_EQ(q.stage.w_max, 1000 * kMss);
    lose(); // at 700, below the maximum
    EXPECT_EQ(q.stage.w_max, 700 * kMss / 100 * 85);
    EXPECT_EQ(cwnd, 490 * kMss);
}

TEST_F(Cubic, AfterATimeoutItProbesFromWhereSlowStartEndedRfc9438Section4_8)
{
    cwnd = 1000 * kMss;
    lose();
    cubic_forget(&q);
    cwnd = 500 * kMss;
    run(3 * NSEC_PER_SEC, 100 * kMsec);
    EXPECT_EQ(q.stage.k, 0u);
    EXPECT_EQ(q.stage.w_max, 500 * kMss);
    EXPECT_NEAR(segments(), std::max(w_cubic(500, 0, 3.1), 500 + 30 * 9.0 / 17), 3);
}

TEST_F(Cubic, TimeWithoutUseOfTheWindowDoesNotCountRfc9438Section5_8)
{
    cwnd = 1000 * kMss;
    lose();
    run(4 * NSEC_PER_SEC, 100 * kMsec);
    uint32_t before = cwnd;
    cubic_unused(&q, now);
    now += 30 * NSEC_PER_SEC;
    cubic_unused(&q, now);
    now += 30 * NSEC_PER_SEC;
    run(100 * kMsec, 100 * kMsec);
    double k = k_of(1000, 700);
    EXPECT_GE(cwnd, before);
    EXPECT_NEAR(segments(), w_cubic(1000, k, 4.2), 5);
}

TEST_F(Cubic, AReductionForNothingIsForgottenRfc9438Section4_9)
{
    cwnd = 1000 * kMss;
    lose();
    run(4 * NSEC_PER_SEC, 100 * kMsec);
    uint32_t before = cwnd;
    struct cubic_stage stage = q.stage;
    lose();
    cubic_forget(&q);
    cubic_undo(&q);
    cwnd = before;
    EXPECT_EQ(q.stage.began, stage.began);
    EXPECT_EQ(q.stage.w_max, stage.w_max);
    EXPECT_EQ(q.stage.k, stage.k);
    EXPECT_EQ(q.stage.estimate, stage.estimate);
    EXPECT_EQ(q.stage.cwnd_prior, stage.cwnd_prior);
}

TEST_F(Cubic, AStretchAckGrowsTheWindowLikeTheAcksThatItStandsFor)
{
    uint32_t reached[2];
    for (int i = 0; i < 2; i++) {
        q = {};
        cwnd = 400 * kMss;
        lose();
        now = 1000 * kMsec;
        uint32_t per_ack = i == 0 ? 1 : 20;
        for (nsec_t round = 0; round < 20; round++) {
            for (uint32_t k = 0; k < 280; k += per_ack)
                cwnd = cubic_grow(&q, cwnd, kMss, per_ack * kMss, now + round * 50 * kMsec,
                                  50 * kMsec);
        }
        reached[i] = cwnd;
    }
    EXPECT_NEAR(reached[0], reached[1], 3.0 * kMss);
}

} // namespace
