// SPDX-License-Identifier: BSD-3-Clause
// Packet memory: what is promised, what is pinned, and what happens to who touches freed buffers.
#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include <rte_mbuf.h>
#include <rte_mempool.h>

extern "C" {
#include "drivers/base/poison.h"
#include "drivers/base/pools.h"
}

namespace
{

struct Pools : ::testing::Test {
    struct pools pools = {};
    struct pools_config config = {};
    std::vector<struct rte_mbuf *> taken;

    void SetUp() override
    {
        config.name = "w0";
        config.socket = SOCKET_ID_ANY;
        config.rings = 100;
        config.budget = 1000;
        config.reserve = 50;
        config.packets_out = 200;
        ASSERT_EQ(pools_create(&pools, &config), 0);
    }
    void TearDown() override
    {
        give_back();
        pools_destroy(&pools);
    }
    void give_back()
    {
        for (auto *m : taken)
            rte_pktmbuf_free(m);
        taken.clear();
    }
    // Take buffers until so many are out beyond the rings.
    void pin(uint32_t count)
    {
        while (taken.size() < pools.rings + count) {
            taken.push_back(rte_pktmbuf_alloc(pools.data));
            ASSERT_NE(taken.back(), nullptr);
        }
        pools_poll(&pools);
        ASSERT_EQ(pools.in_use, count);
    }
};

TEST_F(Pools, AreAsLargeAsTheSumSays)
{
    struct pools_sum sum = pools_sum(&config);
    EXPECT_EQ(pools.data_count, sum.data_count);
    EXPECT_EQ(rte_mempool_avail_count(pools.data), sum.data_count);
    EXPECT_EQ(rte_mempool_avail_count(pools.header), sum.header_count);
    EXPECT_EQ(rte_mempool_avail_count(pools.indirect), sum.indirect_count);
    EXPECT_EQ(pools.data_count, pools.rings + config.budget + config.reserve);
    EXPECT_EQ(sum.bytes, sum.data_bytes + sum.header_bytes + sum.indirect_bytes);
    EXPECT_EQ(uint64_t(pools.truesize) * pools.data_count, sum.data_bytes);
    EXPECT_EQ(rte_pktmbuf_data_room_size(pools.data), RTE_PKTMBUF_HEADROOM + POOL_DATA_ROOM);
    EXPECT_EQ(rte_pktmbuf_data_room_size(pools.header), RTE_PKTMBUF_HEADROOM + POOL_HEADER_ROOM);
}

TEST_F(Pools, FailWithoutAPartialResult)
{
    struct pools second = {};
    EXPECT_EQ(pools_create(&second, &config), -EEXIST) << "the name is taken";
    EXPECT_EQ(second.data, nullptr);
    config.name = "w1";
    config.budget = 1000000; // 2 GiB, of 256 MiB
    EXPECT_LT(pools_create(&second, &config), 0);
    EXPECT_EQ(second.header, nullptr);
    EXPECT_EQ(rte_mempool_lookup("w1-header"), nullptr);
}

TEST_F(Pools, CountWhatIsOutBeyondTheRings)
{
    pools_poll(&pools);
    EXPECT_EQ(pools.in_use, 0u);
    pin(10);
    give_back();
    pools_poll(&pools);
    EXPECT_EQ(pools.in_use, 0u);
}

TEST_F(Pools, PinABufferUntilItsLastReferenceIsGone)
{
    pin(1);
    rte_mbuf_refcnt_update(taken.back(), 1);
    rte_pktmbuf_free(taken.back());
    pools_poll(&pools);
    EXPECT_EQ(pools.in_use, 1u);
}

TEST_F(Pools, PromiseNoMoreThanTheBudget)
{
    EXPECT_EQ(pools_promise(&pools, 600), 600u);
    EXPECT_EQ(pools_promise(&pools, 600), 400u);
    EXPECT_EQ(pools_promise(&pools, 1), 0u);
    pools_unpromise(&pools, 100);
    EXPECT_EQ(pools_promise(&pools, 600), 100u);
    pools_unpromise(&pools, 5000);
    EXPECT_EQ(pools.promised, 0u) << "more is never given back than was promised";
}

TEST_F(Pools, PromiseNothingThatIsPinned)
{
    pin(300);
    EXPECT_EQ(pools_promise(&pools, 1000), 700u);
    pools_unpromise(&pools, 700);
    pin(1000);
    EXPECT_EQ(pools_promise(&pools, 1), 0u);
}

TEST_F(Pools, AreExhaustedAtTheBudgetAndKeepTheReserve)
{
    pin(999);
    EXPECT_FALSE(pools_exhausted(&pools));
    pin(1000);
    EXPECT_TRUE(pools_exhausted(&pools));
    for (unsigned k = 0; k < config.reserve; k++) {
        taken.push_back(rte_pktmbuf_alloc(pools.data));
        ASSERT_NE(taken.back(), nullptr) << "the reserve is there";
    }
    EXPECT_EQ(rte_pktmbuf_alloc(pools.data), nullptr);
    pools_poll(&pools);
    EXPECT_TRUE(pools_exhausted(&pools));
    EXPECT_EQ(pools_promise(&pools, 1), 0u);
}

// Its own function, so that the compiler does not see that the pointer is stale.
__attribute__((noinline)) int Touch(const struct rte_mbuf *m)
{
    return *rte_pktmbuf_mtod(m, const volatile uint8_t *);
}

TEST_F(Pools, CatchAUseAfterFreeInSanitizerBuilds)
{
    if (!POISON)
        GTEST_SKIP() << "not built with AddressSanitizer";
    for (struct rte_mempool *mp : {pools.data, pools.header}) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(mp);
        const volatile uint8_t *payload = rte_pktmbuf_mtod(m, const volatile uint8_t *);
        rte_pktmbuf_append(m, 1);
        EXPECT_EQ(Touch(m), *payload) << "allowed while it is ours";
        rte_pktmbuf_free(m);
        EXPECT_DEATH(Touch(m), "use-after-poison");
        EXPECT_DEATH(printf("%d", *payload), "use-after-poison");
        EXPECT_DEATH(rte_pktmbuf_free(m), "use-after-poison") << "freed twice";
    }
}

TEST_F(Pools, LeaveNoPoisonBehind)
{
    pools_destroy(&pools);
    // The memory that comes back is whole again.
    ASSERT_EQ(pools_create(&pools, &config), 0);
    pin(1);
    for (auto *m : taken)
        memset(rte_pktmbuf_append(m, POOL_DATA_ROOM), 1, POOL_DATA_ROOM);
}

} // namespace
