// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

extern "C" {
#include "drivers/tcp/timewait.h"
}

namespace
{

struct Timewait : ::testing::Test {
    struct timewait_table t = {};
    void SetUp() override
    {
        ASSERT_TRUE(timewait_create(&t, 4));
    }
    void TearDown() override
    {
        timewait_destroy(&t);
    }
    static struct timewait record(uint16_t port, nsec_t expires)
    {
        struct timewait w = {};
        w.local.port = 25;
        w.peer.port = port;
        w.hash = port % 3; // chains
        w.expires = expires;
        return w;
    }
    bool add(uint16_t port, nsec_t expires)
    {
        struct timewait w = record(port, expires);
        return timewait_add(&t, &w);
    }
    struct timewait *find(uint16_t port)
    {
        struct timewait w = record(port, 0);
        return timewait_find(&t, w.hash, &w.local, &w.peer);
    }
};

TEST_F(Timewait, FindsWhatWasAddedUntilItExpires)
{
    add(1, 100);
    add(4, 200);
    EXPECT_NE(find(1), nullptr);
    EXPECT_EQ(find(7), nullptr);
    EXPECT_EQ(timewait_expire(&t, 100), 200u);
    EXPECT_EQ(find(1), nullptr);
    EXPECT_NE(find(4), nullptr);
    EXPECT_EQ(timewait_expire(&t, 200), UINT64_MAX);
    EXPECT_EQ(t.count, 0u);
}

TEST_F(Timewait, TheOldestGoesWhenTheTableIsFull)
{
    for (uint16_t port = 1; port <= 4; port++)
        EXPECT_FALSE(add(port, 100u + port));
    EXPECT_TRUE(add(5, 105));
    EXPECT_EQ(find(1), nullptr);
    EXPECT_NE(find(5), nullptr);
    EXPECT_EQ(t.count, 4u);
}

TEST_F(Timewait, ARecordThatWaitsAnewIsTheYoungest)
{
    add(1, 100);
    add(2, 101);
    timewait_restart(&t, find(1), 200);
    EXPECT_EQ(timewait_expire(&t, 150), 200u);
    EXPECT_NE(find(1), nullptr);
    EXPECT_EQ(find(2), nullptr);
}

} // namespace
