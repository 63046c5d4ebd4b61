// SPDX-License-Identifier: BSD-3-Clause
// As many digits as mean something.
#include <gtest/gtest.h>

#include <string>

extern "C" {
#include "bench/smtpgen/number.h"
}

namespace
{

std::string Whole(uint64_t value)
{
    char buf[NUMBER_SIZE];
    return number_whole(buf, value);
}

std::string Figure(double value)
{
    char buf[NUMBER_SIZE];
    return number_figure(buf, value);
}

TEST(Number, SetsThousandsApart)
{
    EXPECT_EQ(Whole(0), "0");
    EXPECT_EQ(Whole(999), "999");
    EXPECT_EQ(Whole(1000), "1,000");
    EXPECT_EQ(Whole(123456), "123,456");
    EXPECT_EQ(Whole(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(Number, KeepsThreeDigitsOfAMeasurement)
{
    EXPECT_EQ(Figure(0), "0");
    EXPECT_EQ(Figure(0.1234), "0.12");
    EXPECT_EQ(Figure(1.234), "1.23");
    EXPECT_EQ(Figure(9.996), "10.0");
    EXPECT_EQ(Figure(12.34), "12.3");
    EXPECT_EQ(Figure(99.96), "100");
    EXPECT_EQ(Figure(123.4), "123");
    EXPECT_EQ(Figure(999.6), "1,000");
    EXPECT_EQ(Figure(12345), "12,300");
    EXPECT_EQ(Figure(617283.5), "617,000");
}

} // namespace
