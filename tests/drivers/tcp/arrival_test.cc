// SPDX-License-Identifier: BSD-3-Clause
// From a received packet to chunks: verification, sums, buffers that go their own way.
#include "tests/drivers/tcp/buffers.h"

extern "C" {
#include "drivers/tcp/arrival.h"
#include "drivers/base/sum.h"
}

namespace
{

struct Arrival : Buffers {
    struct ip_datagram d = {};
    struct arrival a = {};

    // A packet with these parts as payload, one mbuf each; the header stands before the first.
    struct rte_mbuf *packet(const std::vector<std::string> &parts, size_t padding = 0)
    {
        uint8_t v4[4] = {10, 0, 0, 1};
        uint32_t be;
        memcpy(&be, v4, 4);
        d.src = d.dst = ip_addr_from_v4(be);
        struct segment s = {};
        s.flags = TCP_ACK;
        uint8_t header[TCP_HEADER_MAX];
        unsigned len = segment_write(header, &s);
        std::string all(reinterpret_cast<char *>(header), len);
        for (const auto &p : parts)
            all += p;
        uint16_t sum = uint16_t(~sum_add(sum_pseudo_header(&d.src, &d.dst, uint32_t(all.size())),
                                         rte_raw_cksum(all.data(), all.size())));
        memcpy(header + TCP_CHECKSUM_OFFSET, &sum, 2);
        d.payload_offset = 34;
        d.payload_len = uint32_t(all.size());
        struct rte_mbuf *first = nullptr;
        for (const auto &p : parts) {
            struct rte_mbuf *m = rte_pktmbuf_alloc(pools->data);
            if (first == nullptr) {
                memset(rte_pktmbuf_append(m, 34), 0, 34);
                memcpy(rte_pktmbuf_append(m, uint16_t(len)), header, len);
            }
            memcpy(rte_pktmbuf_append(m, uint16_t(p.size())), p.data(), p.size());
            if (first == nullptr)
                first = m;
            else
                rte_pktmbuf_chain(first, m);
        }
        if (padding > 0)
            memset(rte_pktmbuf_append(first, uint16_t(padding)), 0xee, padding);
        return first;
    }
    struct chunk_list take()
    {
        struct chunk_list l = {};
        EXPECT_TRUE(arrival_take(&a, &nodes, &l));
        arrival_release(&a);
        return l;
    }
};

TEST_F(Arrival, AChainBecomesOneChunkForEachBufferWithItsSum)
{
    ASSERT_EQ(arrival_read(&a, packet({"abc", "defgh", "", "i"}), &d), ARRIVAL_GOOD);
    struct chunk_list l = take();
    EXPECT_EQ(text(l), "abcdefghi");
    unsigned n = 0;
    for (const struct chunk *c = l.head; c != nullptr; c = c->next, n++) {
        EXPECT_TRUE(c->slice.sum_known);
        EXPECT_EQ(c->slice.buf->next, nullptr);
        EXPECT_EQ(c->slice.buf->nb_segs, 1);
    }
    EXPECT_EQ(n, 3u);
    EXPECT_EQ(rte_mempool_in_use_count(pools->data), 3u) << "the empty one went home";
    chunk_list_release(&l, &nodes);
}

TEST_F(Arrival, PaddingIsNotPayload)
{
    ASSERT_EQ(arrival_read(&a, packet({"abc"}, 20), &d), ARRIVAL_GOOD);
    struct chunk_list l = take();
    EXPECT_EQ(text(l), "abc");
    chunk_list_release(&l, &nodes);
}

TEST_F(Arrival, ASingleWrongBitIsFound)
{
    struct rte_mbuf *m = packet({"abc", "defgh"});
    *rte_pktmbuf_mtod(m->next, uint8_t *) ^= 4;
    EXPECT_EQ(arrival_read(&a, m, &d), ARRIVAL_BAD_CHECKSUM);
    arrival_release(&a);
}

TEST_F(Arrival, WhatThePortVouchesForIsNotSummed)
{
    struct rte_mbuf *m = packet({"abc"});
    d.checksum_good = true;
    ASSERT_EQ(arrival_read(&a, m, &d), ARRIVAL_GOOD);
    struct chunk_list l = take();
    EXPECT_FALSE(l.head->slice.sum_known);
    chunk_list_release(&l, &nodes);
}

TEST_F(Arrival, ABufferThatSomebodyElseHoldsDoesNotGrow)
{
    struct rte_mbuf *m = packet({"abc"});
    ASSERT_EQ(arrival_read(&a, m, &d), ARRIVAL_GOOD);
    struct chunk_list l = take();
    EXPECT_GT(l.head->room, 1000u);
    chunk_list_release(&l, &nodes);
    m = packet({"abc"});
    rte_mbuf_refcnt_update(m, 1);
    ASSERT_EQ(arrival_read(&a, m, &d), ARRIVAL_GOOD);
    l = take();
    EXPECT_EQ(l.head->room, 0u);
    chunk_list_release(&l, &nodes);
    rte_pktmbuf_free(m);
}

TEST_F(Arrival, WithoutNodesNothingIsTakenAndNothingLost)
{
    node_pool_destroy(&nodes);
    ASSERT_TRUE(node_pool_create(&nodes, 1));
    ASSERT_EQ(arrival_read(&a, packet({"abc", "def"}), &d), ARRIVAL_GOOD);
    struct chunk_list l = {};
    EXPECT_FALSE(arrival_take(&a, &nodes, &l));
    arrival_release(&a);
}

} // namespace
