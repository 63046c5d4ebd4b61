// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

extern "C" {
#include "bench/smtpgen/schedule.h"
}

namespace
{

const nsec_t kStart = 7 * NSEC_PER_SEC;

std::vector<nsec_t> Arrivals(struct schedule s, nsec_t until)
{
    std::vector<nsec_t> all;
    nsec_t at;
    while (schedule_take(&s, kStart + until, &at))
        all.push_back(at - kStart);
    return all;
}

struct schedule Start(double rate, nsec_t ramp, bool even, uint64_t seed = 1)
{
    struct schedule s;
    schedule_start(&s, rate, ramp, even, seed, kStart);
    return s;
}

TEST(Schedule, SpacesArrivalsEvenly)
{
    auto all = Arrivals(Start(1000, 0, true), NSEC_PER_SEC);
    ASSERT_EQ(all.size(), 1000u);
    for (size_t i = 0; i < all.size(); i++)
        EXPECT_NEAR(static_cast<double>(all[i]), static_cast<double>(i + 1) * 1e6, 2.0);
}

TEST(Schedule, GrowsToItsRate)
{
    auto all = Arrivals(Start(1000, 2 * NSEC_PER_SEC, true), 4 * NSEC_PER_SEC);
    size_t ramp = 0;
    for (nsec_t at : all)
        ramp += at <= 2 * NSEC_PER_SEC;
    EXPECT_EQ(ramp, 1000u) << "half of what the full rate would have sent";
    EXPECT_EQ(all.size() - ramp, 2000u);
    for (size_t i = 1; i < all.size(); i++)
        ASSERT_GE(all[i], all[i - 1]);
}

TEST(Schedule, ArrivesAsChanceHasIt)
{
    auto all = Arrivals(Start(1000, 0, false), 100 * NSEC_PER_SEC);
    double mean = 1e11 / static_cast<double>(all.size()), squares = 0;
    EXPECT_NEAR(mean, 1e6, 2e4);
    for (size_t i = 1; i < all.size(); i++)
        squares += std::pow(static_cast<double>(all[i] - all[i - 1]) - mean, 2);
    double deviation = std::sqrt(squares / static_cast<double>(all.size()));
    EXPECT_NEAR(deviation / mean, 1.0, 0.05) << "the gaps of a Poisson process are exponential";
    EXPECT_EQ(all, Arrivals(Start(1000, 0, false), 100 * NSEC_PER_SEC)) << "the seed says it all";
    EXPECT_NE(all, Arrivals(Start(1000, 0, false, 3), 100 * NSEC_PER_SEC));
}

TEST(Schedule, KeepsTheTimeOfWhatIsTakenLate)
{
    struct schedule s = Start(1000, 0, true);
    nsec_t at;
    EXPECT_FALSE(schedule_take(&s, kStart, &at));
    EXPECT_EQ(schedule_waiting(&s, kStart + 10 * NSEC_PER_MSEC + 1), 10u);
    ASSERT_TRUE(schedule_take(&s, kStart + 10 * NSEC_PER_MSEC + 1, &at));
    EXPECT_NEAR(static_cast<double>(at - kStart), 1e6, 2.0);
    EXPECT_EQ(schedule_waiting(&s, kStart + 10 * NSEC_PER_MSEC + 1), 9u);
}

} // namespace
