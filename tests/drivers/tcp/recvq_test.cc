// SPDX-License-Identifier: BSD-3-Clause
// The receive queue, against a plain map of bytes.
#include "tests/drivers/tcp/buffers.h"

#include <map>
#include <random>

extern "C" {
#include "drivers/tcp/recvq.h"
#include "drivers/tcp/window.h"
}

namespace
{

struct Recvq : Buffers {
    struct recvq q = {};
    void SetUp() override
    {
        Buffers::SetUp();
        recvq_init(&q, 1000, 1024);
    }
    void TearDown() override
    {
        recvq_release(&q, &nodes);
        Buffers::TearDown();
    }
    enum recvq_result insert(uint32_t seq, const std::string &bytes)
    {
        struct chunk_list l = chunks(bytes);
        enum recvq_result r = recvq_insert(&q, &nodes, seq, uint32_t(bytes.size()), &l);
        EXPECT_EQ(l.head, nullptr);
        EXPECT_TRUE(recvq_sane(&q, chunk_list_bytes(&q.data)));
        return r;
    }
};

TEST_F(Recvq, OrdersWhatComesInAnyOrder)
{
    EXPECT_EQ(insert(1005, "fgh"), RECVQ_OUT_OF_ORDER);
    EXPECT_EQ(insert(1003, "de"), RECVQ_OUT_OF_ORDER);
    EXPECT_EQ(q.block_count, 1u);
    EXPECT_EQ(insert(1000, "abc"), RECVQ_IN_ORDER);
    EXPECT_EQ(text(q.data), "abcdefgh");
    EXPECT_EQ(q.nxt, 1008u);
    EXPECT_EQ(q.block_count, 0u);
}

TEST_F(Recvq, TakesFromOverlapsOnlyWhatIsNew)
{
    insert(1000, "abc");
    EXPECT_EQ(insert(1000, "xxx"), RECVQ_DUPLICATE);
    EXPECT_EQ(insert(1001, "xxde"), RECVQ_IN_ORDER);
    insert(1007, "hi");
    EXPECT_EQ(insert(1007, "y"), RECVQ_DUPLICATE);
    EXPECT_EQ(insert(1005, "fgxx"), RECVQ_IN_ORDER) << "covers the block whole";
    EXPECT_EQ(q.nxt, 1009u);
}

TEST_F(Recvq, ReportsTheNewestBlockFirst)
{
    insert(1010, "a");
    insert(1020, "b");
    insert(1030, "c");
    insert(1021, "b");
    struct sack_block s[4];
    ASSERT_EQ(recvq_sack(&q, s, 4), 3u);
    EXPECT_EQ(s[0].start, 1020u);
    EXPECT_EQ(s[0].end, 1022u);
    EXPECT_EQ(s[1].start, 1030u);
    EXPECT_EQ(s[2].start, 1010u);
    EXPECT_EQ(recvq_sack(&q, s, 2), 2u);
}

TEST_F(Recvq, TellsTheFirstPartThatHasComeBefore)
{
    insert(1000, "abcd");
    insert(1010, "klmn");
    insert(1020, "uvw");
    struct sack_block s = {};
    auto repeated = [&](uint32_t seq, uint32_t len) { return recvq_repeated(&q, seq, len, &s); };
    EXPECT_FALSE(repeated(1004, 6));
    EXPECT_FALSE(repeated(1014, 6));
    EXPECT_FALSE(repeated(1023, 6));
    EXPECT_TRUE(repeated(990, 12));
    EXPECT_EQ(s.start, 990u);
    EXPECT_EQ(s.end, 1002u);
    EXPECT_TRUE(repeated(1002, 10));
    EXPECT_EQ(s.start, 1002u);
    EXPECT_EQ(s.end, 1004u);
    EXPECT_TRUE(repeated(1012, 20));
    EXPECT_EQ(s.start, 1012u);
    EXPECT_EQ(s.end, 1014u);
    EXPECT_TRUE(repeated(1015, 6));
    EXPECT_EQ(s.start, 1020u);
    EXPECT_EQ(s.end, 1021u);
}

TEST_F(Recvq, TheNumberOfHolesIsBounded)
{
    for (uint32_t k = 0; k < RECVQ_MAX_BLOCKS; k++)
        EXPECT_EQ(insert(1002 + 2 * k, "x"), RECVQ_OUT_OF_ORDER);
    EXPECT_EQ(insert(1002 + 2 * RECVQ_MAX_BLOCKS, "x"), RECVQ_FULL);
    EXPECT_EQ(insert(1003, "y"), RECVQ_OUT_OF_ORDER) << "fills a hole";
    EXPECT_EQ(insert(1000, "aa"), RECVQ_IN_ORDER);
}

TEST_F(Recvq, RenegingForgetsBlocksAndKeepsWhatIsInOrder)
{
    insert(1000, "abc");
    insert(1010, "x");
    recvq_renege(&q, &nodes);
    EXPECT_EQ(q.block_count, 0u);
    EXPECT_EQ(text(q.data), "abc");
}

TEST_F(Recvq, TwoBuffersTogetherHoldAtLeastOneBuffersWorth)
{
    std::mt19937 random(3);
    uint32_t seq = 1000, bytes = 0;
    while (bytes < 200000) {
        uint32_t n = random() % 3 == 0 ? 1 + random() % 1460 : 1 + random() % 200;
        insert(seq, std::string(n, 'x'));
        seq += n;
        bytes += n;
    }
    unsigned buffers = rte_mempool_in_use_count(pools->data);
    EXPECT_LE(buffers, bytes / window_per_buffer(POOL_DATA_ROOM) + 1);
}

TEST_F(Recvq, AgreesWithAMapOfBytesThroughRandomSegments)
{
    for (unsigned seed = 0; seed < 30; seed++) {
        std::mt19937 random(seed);
        uint32_t base = seed % 2 == 0 ? 1000 : 0xfffff000; // across the wrap
        recvq_release(&q, &nodes);
        recvq_init(&q, base, 1024);
        std::string truth;
        for (int k = 0; k < 20000; k++)
            truth += char(random());
        std::string have(truth.size(), 0);
        size_t in_order = 0, consumed = 0;
        while (in_order < truth.size()) {
            size_t from = in_order + random() % 4000, len = 1 + random() % 1460;
            from -= std::min<size_t>(from, random() % 1000);
            if (from >= truth.size())
                continue;
            len = std::min(len, truth.size() - from);
            enum recvq_result r = insert(base + uint32_t(from), truth.substr(from, len));
            if (r != RECVQ_FULL)
                std::fill(have.begin() + long(from), have.begin() + long(from + len), 1);
            while (in_order < truth.size() && have[in_order])
                in_order++;
            ASSERT_EQ(q.nxt, base + uint32_t(in_order));
            std::string unread = text(q.data);
            ASSERT_EQ(unread, truth.substr(consumed, in_order - consumed));
            size_t n = unread.empty() ? 0 : random() % unread.size();
            chunk_list_drop(&q.data, &nodes, n);
            consumed += n;
            ASSERT_TRUE(recvq_sane(&q, unread.size() - n));
        }
    }
}

} // namespace
