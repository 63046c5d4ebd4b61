// SPDX-License-Identifier: BSD-3-Clause
#include "tests/drivers/tcp/script.h"

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

// What a SYN, or anything else, finds in TIME-WAIT.
struct TimeWait : Script {
    void wait()
    {
        accepted();
        stream_close(app.stream);
        round();
        acknowledge(take().s.seq + 1);
        send(A | F);
        take();
        ASSERT_EQ(usage().time_wait, 1u);
    }
    bool follows(uint32_t at, uint32_t clock)
    {
        seq = at;
        tsval = clock;
        send(S);
        return take().s.flags == (S | A);
    }
};

TEST_F(TimeWait, ASynWithALaterTimestampFollowsRfc6191)
{
    timestamps = true;
    wait();
    EXPECT_TRUE(follows(seq - 5000, tsval + 1));
}

TEST_F(TimeWait, ASynWithTheSameTimestampFollowsByItsNumberRfc6191)
{
    timestamps = true;
    wait();
    uint32_t end = seq;
    EXPECT_FALSE(follows(end - 1, tsval));
    EXPECT_TRUE(follows(end + 1, tsval));
}

TEST_F(TimeWait, ASynWithAnEarlierTimestampDoesNotFollowWhateverItsNumberRfc6191)
{
    timestamps = true;
    wait();
    EXPECT_FALSE(follows(seq + 100000, tsval - 1));
}

TEST_F(TimeWait, ASynWithoutTimestampsFollowsByItsNumberRfc6191)
{
    timestamps = true;
    wait();
    timestamps = false;
    uint32_t end = seq;
    EXPECT_FALSE(follows(end - 1, 0));
    EXPECT_TRUE(follows(end + 1, 0));
}

TEST_F(TimeWait, ASynWithTimestampsFollowsAConnectionWithoutThemRfc6191)
{
    wait();
    timestamps = true;
    EXPECT_TRUE(follows(seq - 5000, tsval));
}

TEST_F(TimeWait, OnlyTheFinItKnowsMakesItWaitAnewRfc9293)
{
    wait();
    uint32_t end = seq;
    pass(config.time_wait / 2);
    seq = end - 1;
    send(A | F);
    EXPECT_EQ(take().s.ack, end);
    pass(config.time_wait * 3 / 4);
    EXPECT_EQ(usage().time_wait, 1u);
    for (uint32_t at : {end - 2, end, end + 1000}) {
        seq = at;
        send(A | F);
    }
    ignore();
    pass(config.time_wait / 2);
    EXPECT_EQ(usage().time_wait, 0u);
}

TEST_F(TimeWait, AStormIsAnsweredOnceInAWhileRfc5961)
{
    wait();
    uint32_t end = seq;
    for (unsigned k = 0; k < 100; k++) {
        seq = end - 10;
        send(A, "old");
    }
    EXPECT_EQ(said.size(), 1u);
    EXPECT_EQ(counter(TCP_TX_CHALLENGES_LIMITED), 99u);
    pass(ms(101));
    send(A, "old");
    EXPECT_EQ(said.size(), 2u);
    ignore();
}

TEST_F(TimeWait, ARstDoesNotEndItRfc1337)
{
    wait();
    send(R);
    send(R | A);
    silence();
    EXPECT_EQ(usage().time_wait, 1u);
}

} // namespace
