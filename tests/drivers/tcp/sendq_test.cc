// SPDX-License-Identifier: BSD-3-Clause
#include "tests/drivers/tcp/buffers.h"

#include <random>

extern "C" {
#include "drivers/tcp/sendq.h"
}

namespace
{

struct Sendq : Buffers {
    struct sendq q = {};
    void SetUp() override
    {
        Buffers::SetUp();
        sendq_init(&q, 5000);
    }
    void TearDown() override
    {
        sendq_release(&q, &nodes);
        EXPECT_TRUE(sendq_sane(&q));
        Buffers::TearDown();
    }
    void write(const std::string &s)
    {
        pools_poll(pools);
        ASSERT_TRUE(sendq_write(&q, &nodes, pools, s.data(), s.size()));
        ASSERT_TRUE(sendq_sane(&q));
    }
    void forward(const std::string &s)
    {
        struct slice k = slice(s);
        ASSERT_TRUE(sendq_forward(&q, &nodes, &k));
        slice_release(&k);
        ASSERT_TRUE(sendq_sane(&q));
    }
    struct sent *cut(uint32_t most, unsigned pieces = 16)
    {
        struct sent *s = sendq_cut(&q, &nodes, most, pieces);
        EXPECT_TRUE(sendq_sane(&q));
        return s;
    }
    static std::string bytes(const struct sent *s)
    {
        std::string all;
        struct sendq_piece p = {};
        while (sendq_piece(s, &p))
            all.append(reinterpret_cast<const char *>(p.data), p.len);
        return all;
    }
};

TEST_F(Sendq, CutsWhatWasWrittenAndForwardedInOrder)
{
    write("MAIL FROM:<a@b>\r\n");
    forward("body");
    write(".\r\n");
    struct sent *s = cut(1000);
    EXPECT_EQ(bytes(s), "MAIL FROM:<a@b>\r\nbody.\r\n");
    EXPECT_EQ(s->seq, 5000u);
    EXPECT_EQ(q.unsent, 0u);
    EXPECT_EQ(cut(1000), nullptr);
    write("QUIT\r\n");
    EXPECT_EQ(bytes(cut(1000)), "QUIT\r\n");
}

TEST_F(Sendq, AppendsBehindBytesThatAreInFlight)
{
    write("first");
    struct sent *s = cut(1000);
    write("second");
    EXPECT_EQ(rte_mempool_in_use_count(pools->data), 1u);
    EXPECT_EQ(bytes(s), "first");
    EXPECT_EQ(bytes(cut(1000)), "second");
}

TEST_F(Sendq, NeverAppendsToAForwardedBuffer)
{
    forward("not ours");
    write("ours");
    EXPECT_EQ(rte_mempool_in_use_count(pools->data), 2u);
}

TEST_F(Sendq, TheFinGoesWithTheLastByteOrAlone)
{
    write("221 bye\r\n");
    q.fin = true;
    struct sent *s = cut(5);
    EXPECT_EQ(s->flags & SENT_FIN, 0);
    s = cut(5);
    EXPECT_EQ(s->flags & SENT_FIN, SENT_FIN);
    EXPECT_EQ(sent_span(s), 5u);
    EXPECT_EQ(sent_bytes(s), 4u);
    EXPECT_EQ(cut(5), nullptr);
    EXPECT_EQ(sendq_acked(&q, &nodes, 5009), 9u);
    EXPECT_EQ(sendq_in_flight(&q), 1u);
    EXPECT_TRUE(sendq_sane(&q));
    EXPECT_EQ(sendq_acked(&q, &nodes, 5010), 0u);
    EXPECT_EQ(q.head, nullptr);
}

TEST_F(Sendq, ChunksGoWhenTheirLastByteIsAcknowledged)
{
    forward(std::string(1000, 'a'));
    forward(std::string(1000, 'b'));
    cut(700);
    cut(700);
    cut(700);
    sendq_acked(&q, &nodes, 5999);
    EXPECT_EQ(rte_mempool_in_use_count(pools->data), 2u);
    sendq_acked(&q, &nodes, 6000);
    EXPECT_EQ(rte_mempool_in_use_count(pools->data), 1u);
    EXPECT_TRUE(sendq_sane(&q));
    EXPECT_EQ(bytes(q.head), std::string(400, 'b'));
}

TEST_F(Sendq, AChunkWithAKnownSumTravelsAlone)
{
    write("Received: x\r\n");
    forward(std::string(1448, 'a'));
    forward(std::string(1448, 'b'));
    EXPECT_EQ(sent_bytes(cut(1448)), 13u);
    EXPECT_EQ(bytes(cut(1448)), std::string(1448, 'a'));
    EXPECT_EQ(bytes(cut(1448)), std::string(1448, 'b'));
}

TEST_F(Sendq, ChunksThatAreTooLongOrShortForASegmentAreCutToFullOnes)
{
    for (unsigned k = 0; k < 3; k++)
        forward(std::string(1460, 'a'));
    EXPECT_EQ(sent_bytes(cut(1448)), 1448u);
    EXPECT_EQ(sent_bytes(cut(1448)), 1448u);
    for (unsigned k = 0; k < 10; k++)
        forward(std::string(700, 'b'));
    EXPECT_EQ(sent_bytes(cut(1448)), 1448u);
}

TEST_F(Sendq, PiecesAreBounded)
{
    for (unsigned k = 0; k < 10; k++)
        forward("abc");
    EXPECT_EQ(sent_bytes(cut(1000, 4)), 12u);
    EXPECT_EQ(sent_bytes(cut(1000, 1)), 3u);
}

TEST_F(Sendq, ARecordIsSplitWhereverThePathDemands)
{
    forward(std::string(400, 'a'));
    forward(std::string(400, 'b'));
    q.fin = true;
    struct sent *s = cut(1000);
    ASSERT_TRUE(sendq_split(&q, &nodes, s, 500));
    EXPECT_TRUE(sendq_sane(&q));
    EXPECT_EQ(bytes(s), std::string(400, 'a') + std::string(100, 'b'));
    EXPECT_EQ(bytes(s->next), std::string(300, 'b'));
    EXPECT_EQ(s->flags & SENT_FIN, 0);
    EXPECT_EQ(s->next->flags & SENT_FIN, SENT_FIN);
}

TEST_F(Sendq, WhatCouldNotBeSentIsUnsentAgain)
{
    write("hello");
    q.fin = true;
    struct sent *s = cut(1000);
    sendq_uncut(&q, &nodes, s);
    EXPECT_TRUE(sendq_sane(&q));
    EXPECT_EQ(q.unsent, 5u);
    EXPECT_FALSE(q.fin_sent);
    s = cut(1000);
    EXPECT_EQ(bytes(s), "hello");
    EXPECT_EQ(s->flags & SENT_FIN, SENT_FIN);
}

TEST_F(Sendq, AWriteIsAllOrNothing)
{
    uint32_t in_use = pools->in_use;
    pools->in_use = pools->data_count; // depleted
    std::string big(10000, 'x');
    EXPECT_FALSE(sendq_write(&q, &nodes, pools, big.data(), big.size()));
    EXPECT_EQ(q.unsent, 0u);
    pools->in_use = in_use;
    write("small");
    pools->in_use = pools->data_count;
    EXPECT_TRUE(sendq_write(&q, &nodes, pools, "more", 4)) << "there is room behind it";
    EXPECT_FALSE(sendq_write(&q, &nodes, pools, big.data(), big.size()));
    EXPECT_EQ(q.unsent, 9u);
    pools->in_use = in_use;
}

TEST_F(Sendq, KeepsEveryByteThroughRandomUse)
{
    std::mt19937 random(11);
    std::string truth;
    uint32_t acked = 0;
    for (unsigned step = 0; step < 20000; step++) {
        std::string s(1 + random() % 300, char('a' + random() % 26));
        switch (random() % 6) {
        case 0:
            write(s);
            truth += s;
            break;
        case 1:
            if (random() % 4 == 0) {
                forward(s);
                truth += s;
            }
            break;
        case 2:
            cut(1 + random() % 500, 1 + random() % 5);
            break;
        case 3:
            if (q.head != nullptr && sent_bytes(q.head) > 1) {
                ASSERT_TRUE(
                    sendq_split(&q, &nodes, q.head, 1 + random() % (sent_bytes(q.head) - 1)));
            }
            break;
        default:
            if (sendq_in_flight(&q) > 0) {
                acked += 1 + random() % sendq_in_flight(&q);
                sendq_acked(&q, &nodes, 5000 + acked);
            }
        }
        ASSERT_TRUE(sendq_sane(&q));
        std::string flying;
        for (const struct sent *r = q.head; r != nullptr; r = r->next)
            flying += bytes(r);
        ASSERT_EQ(flying, truth.substr(acked, flying.size()));
    }
}

} // namespace
