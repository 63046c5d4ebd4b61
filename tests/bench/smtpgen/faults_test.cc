// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <map>

extern "C" {
#include "bench/smtpgen/faults.h"
}

namespace
{

struct Faults : ::testing::Test {
    struct faults f = {};
    uint64_t random = 1;

    // How often each came out of so many draws.
    std::map<enum fault, int> Draw(enum fault_point point, int times)
    {
        std::map<enum fault, int> all;
        for (int i = 0; i < times; i++)
            all[faults_draw(&f, point, &random)]++;
        return all;
    }
};

TEST_F(Faults, ComeAtThePointsThatWereNamed)
{
    ASSERT_TRUE(faults_add(&f, FAULT_HARD, "rcpt, DATA"));
    ASSERT_TRUE(faults_add(&f, FAULT_RESET, "."));
    EXPECT_EQ(Draw(FAULT_AT_RCPT, 100)[FAULT_HARD], 100);
    EXPECT_EQ(Draw(FAULT_AT_DATA, 100)[FAULT_HARD], 100);
    EXPECT_EQ(Draw(FAULT_AT_DOT, 100)[FAULT_RESET], 100);
    EXPECT_EQ(Draw(FAULT_AT_MAIL, 100)[FAULT_NONE], 100);
    EXPECT_TRUE(faults_any(&f, FAULT_AT_DOT));
    EXPECT_FALSE(faults_any(&f, FAULT_AT_MAIL));
}

TEST_F(Faults, ComeAsOftenAsTheirOddsSay)
{
    ASSERT_TRUE(faults_add(&f, FAULT_SOFT, "MAIL:10,CONTENT:0.5"));
    EXPECT_NEAR(Draw(FAULT_AT_MAIL, 100000)[FAULT_SOFT], 10000, 400);
    EXPECT_NEAR(Draw(FAULT_AT_CONTENT, 100000)[FAULT_SOFT], 500, 100);
}

TEST_F(Faults, OfOnePointEachHaveTheirOdds)
{
    ASSERT_TRUE(faults_add(&f, FAULT_HARD, "RCPT:50"));
    ASSERT_TRUE(faults_add(&f, FAULT_CLOSE, "RCPT:50"));
    ASSERT_TRUE(faults_add(&f, FAULT_SOFT, "RCPT"));
    auto all = Draw(FAULT_AT_RCPT, 100000);
    EXPECT_NEAR(all[FAULT_CLOSE], 50000, 1000);
    EXPECT_NEAR(all[FAULT_HARD], 25000, 1000);
    EXPECT_NEAR(all[FAULT_SOFT], 25000, 1000);
}

TEST_F(Faults, RepeatFromTheSameSeed)
{
    ASSERT_TRUE(faults_add(&f, FAULT_HARD, "RCPT:50"));
    uint64_t first = 7, second = 7;
    for (int i = 0; i < 1000; i++)
        ASSERT_EQ(faults_draw(&f, FAULT_AT_RCPT, &first), faults_draw(&f, FAULT_AT_RCPT, &second));
}

TEST_F(Faults, MayBeDelaysOrRandomMultiplesOfOne)
{
    ASSERT_TRUE(faults_add_delay(&f, "DATA:0.25"));
    ASSERT_TRUE(faults_add_delay(&f, ".:1:50"));
    EXPECT_EQ(faults_draw_delay(&f, FAULT_AT_DATA, &random), 250 * NSEC_PER_MSEC);
    EXPECT_EQ(faults_draw_delay(&f, FAULT_AT_MAIL, &random), 0u);
    nsec_t sum = 0;
    for (int i = 0; i < 10000; i++) {
        nsec_t delay = faults_draw_delay(&f, FAULT_AT_DOT, &random);
        ASSERT_GE(delay, NSEC_PER_SEC);
        ASSERT_EQ(delay % NSEC_PER_SEC, 0u);
        sum += delay / NSEC_PER_SEC;
    }
    EXPECT_NEAR(static_cast<double>(sum) / 10000, 2.0, 0.1) << "throws until one half has come up";
    EXPECT_EQ(Draw(FAULT_AT_DOT, 100)[FAULT_NONE], 100);
}

TEST_F(Faults, AreSpelledRight)
{
    for (const char *bad : {"", " ,", "TURN", "RCPT:", "RCPT:0", "RCPT:101", "RCPT:x", "RCPT:1:2"})
        EXPECT_FALSE(faults_add(&f, FAULT_HARD, bad)) << bad;
    for (const char *bad : {"", "RCPT", "RCPT:", "RCPT:0", "RCPT:-1", "RCPT:1:100", "RCPT:1:50:3"})
        EXPECT_FALSE(faults_add_delay(&f, bad)) << bad;
}

} // namespace
