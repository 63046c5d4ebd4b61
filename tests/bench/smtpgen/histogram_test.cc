// SPDX-License-Identifier: BSD-3-Clause
// What a histogram says is what the samples themselves would say, within its buckets' width.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

extern "C" {
#include "bench/smtpgen/histogram.h"
}

namespace
{

using Histogram = std::unique_ptr<struct histogram>;

Histogram Empty()
{
    return Histogram(new struct histogram());
}

Histogram Recorded(const std::vector<uint64_t> &values)
{
    Histogram h = Empty();
    for (uint64_t v : values)
        histogram_record(h.get(), v);
    return h;
}

// Of all magnitudes: as many below 1 us as above a minute.
std::vector<uint64_t> Values(unsigned seed, size_t n)
{
    std::mt19937_64 random(seed);
    std::vector<uint64_t> values;
    while (values.size() < n)
        values.push_back(random() >> (22 + random() % 42));
    return values;
}

void ExpectSame(const struct histogram &a, const struct histogram &b)
{
    EXPECT_TRUE(a.sum == b.sum);
    EXPECT_EQ(a.max, b.max);
    EXPECT_EQ(a.inverted, b.inverted);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        ASSERT_EQ(a.buckets[i], b.buckets[i]) << "bucket " << i;
}

TEST(Histogram, PutsEveryValueIntoABucketThatIsNoWiderThanASixtyFourthOfIt)
{
    for (uint64_t v = 1; 2 * v + 2 < HISTOGRAM_LIMIT; v += 1 + v / 1000) {
        Histogram h = Recorded({v, v, 2 * v + 2});
        uint64_t said = histogram_percentile(h.get(), 50);
        EXPECT_LE(said > v ? said - v : v - said, v / 64) << v;
        ASSERT_LE(histogram_index(v), histogram_index(v + 1)) << v;
        ASSERT_LE(histogram_index(v + 1), histogram_index(v) + 1) << v;
    }
}

TEST(Histogram, TellsValuesUpTo128NanosecondsApart)
{
    for (unsigned v = 0; v < 128; v++)
        EXPECT_EQ(histogram_index(v), v);
}

TEST(Histogram, SpansMoreThanAnHour)
{
    const uint64_t hour = UINT64_C(3600) * 1000 * 1000 * 1000;
    EXPECT_LT(histogram_index(hour), histogram_index(2 * hour));
    EXPECT_EQ(histogram_index(HISTOGRAM_LIMIT), HISTOGRAM_BUCKETS - 1u);
    EXPECT_EQ(histogram_index(UINT64_MAX), HISTOGRAM_BUCKETS - 1u);
    EXPECT_EQ(histogram_max(Recorded({UINT64_MAX, 1}).get()), UINT64_MAX);
}

TEST(Histogram, SaysPercentilesWithinASixtyFourth)
{
    for (unsigned seed = 0; seed < 50; seed++) {
        std::vector<uint64_t> values = Values(seed, 1 + seed * 37);
        Histogram h = Recorded(values);
        std::sort(values.begin(), values.end());
        for (double percent : {0.0, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
            size_t rank = (size_t)std::ceil(percent * (double)values.size() / 100);
            uint64_t exact = values[rank == 0 ? 0 : rank - 1];
            uint64_t said = histogram_percentile(h.get(), percent);
            EXPECT_LE(said > exact ? said - exact : exact - said, exact / 64)
                << percent << " of seed " << seed;
        }
    }
}

TEST(Histogram, KnowsCountLeastGreatestAndMeanExactly)
{
    std::vector<uint64_t> values = Values(7, 1000);
    Histogram h = Recorded(values);
    long double sum = 0;
    for (uint64_t v : values)
        sum += (long double)v;
    EXPECT_EQ(histogram_count(h.get()), 1000u);
    EXPECT_EQ(histogram_min(h.get()), *std::min_element(values.begin(), values.end()));
    EXPECT_EQ(histogram_max(h.get()), *std::max_element(values.begin(), values.end()));
    EXPECT_DOUBLE_EQ(histogram_mean(h.get()), (double)(sum / 1000));
    EXPECT_EQ(histogram_percentile(h.get(), 0), histogram_min(h.get()));
    EXPECT_EQ(histogram_percentile(h.get(), 100), histogram_max(h.get()));
}

TEST(Histogram, SaysZeroOfNothing)
{
    Histogram h = Empty();
    EXPECT_EQ(histogram_count(h.get()), 0u);
    EXPECT_EQ(histogram_min(h.get()), 0u);
    EXPECT_EQ(histogram_max(h.get()), 0u);
    EXPECT_EQ(histogram_mean(h.get()), 0);
    EXPECT_EQ(histogram_percentile(h.get(), 50), 0u);
}

TEST(Histogram, MergesIntoWhatOneWouldHaveRecorded)
{
    for (unsigned seed = 0; seed < 20; seed++) {
        std::vector<uint64_t> a = Values(seed, seed * 10), b = Values(seed + 100, 55);
        std::vector<uint64_t> both = a;
        both.insert(both.end(), b.begin(), b.end());
        Histogram merged = Recorded(a);
        histogram_merge(merged.get(), Recorded(b).get());
        histogram_merge(merged.get(), Empty().get());
        ExpectSame(*merged, *Recorded(both));
    }
}

TEST(Histogram, CorrectsByTheSamplesThatASlowOneHid)
{
    std::mt19937_64 random(1);
    for (unsigned round = 0; round < 300; round++) {
        uint64_t interval = 1 + random() % 100000, value = random() % (interval * 500);
        Histogram corrected = Empty();
        std::vector<uint64_t> phantoms = {value};
        histogram_record_corrected(corrected.get(), value, interval);
        for (uint64_t v = value; v >= 2 * interval; v -= interval)
            phantoms.push_back(v - interval);
        ExpectSame(*corrected, *Recorded(phantoms));
    }
}

TEST(Histogram, CorrectsNothingWithoutAnInterval)
{
    Histogram h = Empty();
    histogram_record_corrected(h.get(), 1000000, 0);
    ExpectSame(*h, *Recorded({1000000}));
}

TEST(Histogram, CorrectsAnHourByNanosecondsInBoundedTime)
{
    const uint64_t hour = UINT64_C(3600) * 1000 * 1000 * 1000;
    Histogram h = Empty();
    histogram_record_corrected(h.get(), hour, 1);
    EXPECT_EQ(histogram_count(h.get()), hour);
    EXPECT_DOUBLE_EQ(histogram_mean(h.get()), (double)(hour + 1) / 2);
    EXPECT_EQ(histogram_min(h.get()), 1u);
}

TEST(Histogram, CorrectsAfterwardsAsItWouldHaveOnTheWay)
{
    // Values that are the middles of their buckets, so that nothing is lost in between.
    std::vector<uint64_t> values = {100, 90, 5, 127, 60, 60, 60};
    Histogram before = Empty(), after = Empty();
    for (uint64_t v : values)
        histogram_record_corrected(before.get(), v, 7);
    histogram_merge_corrected(after.get(), Recorded(values).get(), 7);
    ExpectSame(*before, *after);
}

} // namespace
