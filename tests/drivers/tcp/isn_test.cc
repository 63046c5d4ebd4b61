// SPDX-License-Identifier: BSD-3-Clause
// Numbers that only we can foresee.
#include <gtest/gtest.h>

#include <set>

extern "C" {
#include "drivers/tcp/isn.h"
}

namespace
{

struct endpoint at(uint8_t last, uint16_t port)
{
    struct endpoint e = {};
    e.addr.b[10] = e.addr.b[11] = 0xff;
    e.addr.b[15] = last;
    e.port = port;
    return e;
}

struct Isn : ::testing::Test {
    struct isn isn = {};
    uint8_t secret[16] = {1, 2, 3};
    struct endpoint us = at(1, 25), them = at(2, 5000);
    void SetUp() override
    {
        ASSERT_TRUE(isn_create(&isn, secret));
    }
    void TearDown() override
    {
        isn_destroy(&isn);
    }
};

TEST_F(Isn, MovesOnByOneEveryFourMicrosecondsRfc6528)
{
    uint32_t first = isn_for(&isn, &us, &them, 1000).sequence;
    EXPECT_EQ(isn_for(&isn, &us, &them, 1000 + NSEC_PER_MSEC).sequence - first, 250u);
}

TEST_F(Isn, SaysNothingOfOtherEndpointsRfc6528)
{
    std::set<uint32_t> seen;
    for (uint16_t port = 1; port <= 100; port++) {
        them.port = port;
        seen.insert(isn_for(&isn, &us, &them, 1000).sequence);
    }
    EXPECT_EQ(seen.size(), 100u);
    uint32_t one = isn_for(&isn, &us, &them, 1000).sequence;
    isn_destroy(&isn);
    secret[15] ^= 1;
    ASSERT_TRUE(isn_create(&isn, secret));
    EXPECT_NE(isn_for(&isn, &us, &them, 1000).sequence, one);
}

TEST_F(Isn, TimestampsOfAnAddressPairHaveOneOriginRfc7323)
{
    uint32_t origin = isn_for(&isn, &us, &them, 1000).timestamp;
    struct endpoint other = at(2, 5001), source = at(1, 40000);
    EXPECT_EQ(isn_for(&isn, &source, &other, 77 * NSEC_PER_SEC).timestamp, origin);
    EXPECT_EQ(isn_timestamp(&isn, &us.addr, &them.addr), origin);
    other = at(3, 5000);
    EXPECT_NE(isn_for(&isn, &us, &other, 1000).timestamp, origin);
}

TEST_F(Isn, RandomWordsDoNotRepeat)
{
    std::set<uint64_t> seen;
    for (unsigned k = 0; k < 1000; k++)
        seen.insert(isn_random(&isn));
    EXPECT_EQ(seen.size(), 1000u);
}

} // namespace
