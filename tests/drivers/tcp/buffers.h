// SPDX-License-Identifier: BSD-3-Clause
// Nodes and packet memory for the tests of queues.
#ifndef SPLITMX_TESTS_TCP_BUFFERS_H
#define SPLITMX_TESTS_TCP_BUFFERS_H

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include <rte_ip.h>
#include <rte_mbuf.h>

#include "tests/sim/host.h"

struct Buffers : ::testing::Test {
    struct pools *pools = sim::memory(0, 2048);
    struct node_pool nodes = {};

    void SetUp() override
    {
        ASSERT_TRUE(node_pool_create(&nodes, 4096));
        pools_poll(pools);
    }
    void TearDown() override
    {
        EXPECT_EQ(nodes.in_use, 0u);
        EXPECT_EQ(rte_mempool_in_use_count(pools->data), 0u);
        node_pool_destroy(&nodes);
    }
    // A buffer of its own with these bytes, as if received.
    struct slice slice(const std::string &bytes)
    {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pools->data);
        void *p = rte_pktmbuf_append(m, uint16_t(bytes.size()));
        memcpy(p, bytes.data(), bytes.size());
        return {m, static_cast<const uint8_t *>(p), uint32_t(bytes.size()),
                rte_raw_cksum(p, bytes.size()), true};
    }
    struct chunk_list chunks(const std::string &bytes, bool roomy = true)
    {
        struct chunk_list l = {};
        struct slice s = slice(bytes);
        EXPECT_TRUE(chunk_list_push(&l, &nodes, &s, roomy ? rte_pktmbuf_tailroom(s.buf) : 0));
        return l;
    }
    static std::string text(const struct chunk_list &l)
    {
        std::string all;
        for (const struct chunk *c = l.head; c != nullptr; c = c->next) {
            all.append(reinterpret_cast<const char *>(c->slice.data), c->slice.len);
            if (c->slice.sum_known) {
                EXPECT_EQ(c->slice.sum, rte_raw_cksum(c->slice.data, c->slice.len));
            }
        }
        return all;
    }
};

#endif
