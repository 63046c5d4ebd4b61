// SPDX-License-Identifier: BSD-3-Clause
// A port and its links on net_ring: what is sent comes back, and the ring can be full.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

extern "C" {
#include "drivers/port/port.h"
#include "drivers/port/queue.h"
}

namespace
{

constexpr unsigned kRing = 1023; // frames that a ring of net_ring takes

struct Port : ::testing::Test {
    struct pools pools = {};
    struct pools *queues[2] = {&pools, &pools};
    struct port_config config = {};
    struct port *port = nullptr;
    struct link *link = nullptr;

    void SetUp() override
    {
        config.name = "wan";
        config.device = "net_ring0";
        config.queues = 1;
        struct pools_config memory = {};
        memory.name = "t";
        memory.socket = SOCKET_ID_ANY;
        memory.rings = 2048;
        memory.budget = 4096;
        memory.packets_out = 8192;
        ASSERT_EQ(pools_create(&pools, &memory), 0);
        struct port_error why = {};
        port = port_open(&config, queues, &why);
        ASSERT_NE(port, nullptr) << why.text;
        link = port_link(port, 0);
    }
    void TearDown() override
    {
        if (port != nullptr)
            drain();
        port_close(port);
        EXPECT_EQ(rte_mempool_in_use_count(pools.data), 0u);
        EXPECT_EQ(rte_mempool_in_use_count(pools.header), 0u);
        pools_destroy(&pools);
    }
    // Frames that came back, by their numbers.
    std::vector<unsigned> drain()
    {
        std::vector<unsigned> all;
        struct rte_mbuf *frames[32];
        while (uint16_t n = link->ops->receive(link, frames, 32))
            for (uint16_t k = 0; k < n; k++) {
                unsigned number;
                memcpy(&number, rte_pktmbuf_mtod(frames[k], char *), sizeof(number));
                all.push_back(number);
                rte_pktmbuf_free(frames[k]);
            }
        return all;
    }
    void send(unsigned number)
    {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pools.header);
        ASSERT_NE(m, nullptr);
        memcpy(rte_pktmbuf_append(m, 64), &number, sizeof(number));
        link->ops->transmit(link, m);
        ASSERT_TRUE(port_queue_sane(reinterpret_cast<struct port_queue *>(link)));
    }
    void flush()
    {
        link->ops->flush(link);
        ASSERT_TRUE(port_queue_sane(reinterpret_cast<struct port_queue *>(link)));
    }
    uint64_t counter(enum port_counter which) const
    {
        uint64_t all[PORT_COUNTER_COUNT];
        port_counters(port, all);
        return all[which];
    }
    static void ExpectCount(const std::vector<unsigned> &got, unsigned from, unsigned n)
    {
        ASSERT_EQ(got.size(), n);
        for (unsigned k = 0; k < n; k++)
            ASSERT_EQ(got[k], from + k);
    }
};

TEST_F(Port, DescribesItselfInOneLine)
{
    char buf[256];
    std::string line = port_describe(port, buf, sizeof(buf));
    EXPECT_EQ(line.find("wan: net_ring, MAC "), 0u) << line;
    EXPECT_NE(line.find("link up, 1 queue of 1024+1024 descriptors"), std::string::npos) << line;
    EXPECT_EQ(link->mtu, 1500);
    EXPECT_STREQ(link->name, "wan");
    EXPECT_TRUE(port_is_up(port));
    EXPECT_FALSE(port_poll(port)) << "nothing has changed";
}

TEST_F(Port, SendsAtTheEndOfTheRound)
{
    send(1);
    send(2);
    EXPECT_TRUE(drain().empty());
    flush();
    ExpectCount(drain(), 1, 2);
    EXPECT_EQ(counter(PORT_TX_PACKETS), 2u);
    EXPECT_EQ(counter(PORT_RX_PACKETS), 2u);
}

TEST_F(Port, QueuesInSoftwareWhatAFullRingDoesNotTake)
{
    for (unsigned k = 0; k < kRing + 500; k++)
        send(k);
    flush();
    EXPECT_EQ(counter(PORT_TX_WAITED), 500u);
    flush();
    EXPECT_EQ(counter(PORT_TX_WAITED), 500u) << "each waits once";
    ExpectCount(drain(), 0, kRing);
    flush();
    ExpectCount(drain(), kRing, 500);
    EXPECT_EQ(counter(PORT_TX_QUEUE_FULL), 0u);
}

TEST_F(Port, DropsOnlyWhatTheSoftwareQueueDoesNotTakeEither)
{
    for (unsigned k = 0; k < kRing + PORT_QUEUE + 7; k++)
        send(k);
    EXPECT_EQ(counter(PORT_TX_QUEUE_FULL), 7u);
    flush();
    ExpectCount(drain(), 0, kRing);
    flush();
    ExpectCount(drain(), kRing, kRing);
    flush();
    ExpectCount(drain(), 2 * kRing, PORT_QUEUE - kRing);
    send(9);
    flush();
    ExpectCount(drain(), 9, 1);
}

TEST_F(Port, KeepsTheOrderThroughEveryFillOfTheRing)
{
    unsigned sent = 0, got = 0;
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned k = 0; k < (round * 37) % 700; k++)
            send(sent++);
        if (round % 3 != 0)
            flush();
        if (round % 2 != 0)
            continue;
        for (unsigned number : drain()) {
            ASSERT_EQ(number, got++);
        }
    }
    for (flush(); got < sent; flush())
        for (unsigned number : drain()) {
            ASSERT_EQ(number, got++);
        }
    EXPECT_EQ(counter(PORT_TX_QUEUE_FULL), 0u);
}

TEST_F(Port, CopiesAFrameOfTooManySegmentsIntoOne)
{
    link->caps.max_segments = 1;
    struct rte_mbuf *m = rte_pktmbuf_alloc(pools.header), *payload = rte_pktmbuf_alloc(pools.data);
    memset(rte_pktmbuf_append(m, 54), 1, 54);
    memset(rte_pktmbuf_append(payload, 1448), 2, 1448);
    struct rte_mbuf *shared = rte_pktmbuf_alloc(pools.indirect);
    rte_pktmbuf_attach(shared, payload);
    rte_pktmbuf_chain(m, shared);
    m->l2_len = 14;
    m->ol_flags |= RTE_MBUF_F_TX_IPV4;
    link->ops->transmit(link, m);
    flush();
    struct rte_mbuf *got;
    ASSERT_EQ(link->ops->receive(link, &got, 1), 1);
    EXPECT_EQ(got->nb_segs, 1);
    ASSERT_EQ(got->data_len, 1502);
    EXPECT_EQ(rte_pktmbuf_mtod(got, uint8_t *)[53], 1);
    EXPECT_EQ(rte_pktmbuf_mtod(got, uint8_t *)[54], 2);
    EXPECT_EQ(got->l2_len, 14u);
    EXPECT_NE(got->ol_flags & RTE_MBUF_F_TX_IPV4, 0u);
    EXPECT_EQ(rte_mbuf_refcnt_read(payload), 1);
    EXPECT_EQ(counter(PORT_TX_LINEARISED), 1u);
    rte_pktmbuf_free(got);
    rte_pktmbuf_free(payload);
}

TEST_F(Port, CountsAFrameThatItCannotCopy)
{
    link->caps.max_segments = 1;
    auto two = [&] {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pools.header);
        rte_pktmbuf_append(m, 54);
        struct rte_mbuf *more = rte_pktmbuf_alloc(pools.header);
        rte_pktmbuf_append(more, 54);
        rte_pktmbuf_chain(m, more);
        return m;
    };
    struct rte_mbuf *big = two();
    for (int k = 0; k < 20; k++) {
        struct rte_mbuf *more = rte_pktmbuf_alloc(pools.header);
        rte_pktmbuf_append(more, 128);
        rte_pktmbuf_chain(big, more);
    }
    link->ops->transmit(link, big);
    EXPECT_EQ(counter(PORT_TX_REFUSED), 1u);
    std::vector<struct rte_mbuf *> all;
    while (struct rte_mbuf *m = rte_pktmbuf_alloc(pools.data))
        all.push_back(m);
    link->ops->transmit(link, two());
    EXPECT_EQ(counter(PORT_TX_NO_BUFFER), 1u);
    for (auto *m : all)
        rte_pktmbuf_free(m);
}

// A driver that cannot send frame 3.
uint16_t RefuseThree(void *, struct rte_mbuf **frames, uint16_t n)
{
    for (uint16_t k = 0; k < n; k++)
        if (*rte_pktmbuf_mtod(frames[k], unsigned *) == 3)
            return k;
    return n;
}

TEST_F(Port, DropsOnlyTheFrameThatTheDriverRefuses)
{
    auto *q = reinterpret_cast<struct port_queue *>(link);
    q->prepare = true;
    rte_eth_fp_ops[q->port].tx_pkt_prepare = RefuseThree;
    for (unsigned k : {1, 3, 4, 3, 3, 5, 3})
        send(k);
    flush();
    EXPECT_EQ(drain(), (std::vector<unsigned>{1, 4, 5}));
    EXPECT_EQ(counter(PORT_TX_REFUSED), 4u);
    for (unsigned k = 10; k < 10 + kRing + 50; k++)
        send(k);
    send(3);
    flush();
    ExpectCount(drain(), 10, kRing);
    flush();
    ExpectCount(drain(), 10 + kRing, 50);
    EXPECT_EQ(counter(PORT_TX_REFUSED), 5u);
}

TEST_F(Port, NeitherSendsNorReceivesWhileTheLinkIsDown)
{
    send(1);
    flush();
    bool down = false;
    auto *q = reinterpret_cast<struct port_queue *>(link);
    const bool *up = q->up;
    q->up = &down;
    send(2);
    EXPECT_TRUE(drain().empty());
    EXPECT_EQ(counter(PORT_TX_LINK_DOWN), 1u);
    q->up = up;
    ExpectCount(drain(), 1, 1);
}

TEST_F(Port, GivesBackWhatStillWaitsWhenItCloses)
{
    for (unsigned k = 0; k < kRing + 10; k++)
        send(k);
    ExpectCount(drain(), 0, kRing);
    send(0); // TearDown finds no buffer missing
}

std::string Failure(struct pools *pools, const char *device, uint16_t queues = 1)
{
    struct port_config c = {};
    struct pools *all[2] = {pools, pools};
    struct port_error why = {};
    c.name = "wan";
    c.device = device;
    c.queues = queues;
    struct port *p = port_open(&c, all, &why);
    EXPECT_EQ(p, nullptr);
    return why.text;
}

TEST_F(Port, SaysInOneSentenceWhyItCannotBeBroughtUp)
{
    EXPECT_EQ(Failure(&pools, "net_af_packet0,iface=nowhere"),
              "net_af_packet0,iface=nowhere: there is no interface nowhere (ip link lists those "
              "there are)");
    EXPECT_EQ(Failure(&pools, "0000:ff:1f.7"),
              "0000:ff:1f.7: there is no such PCI device (dpdk-devbind.py --status lists those "
              "there are)");
    EXPECT_EQ(Failure(&pools, "net_nonsense0"),
              "net_nonsense0: DPDK has no such driver, or it is not installed");
    EXPECT_EQ(Failure(&pools, "net_ring0"), "net_ring0: there is a port of that name already");
    EXPECT_EQ(Failure(&pools, "smx0").find("smx0 is neither a PCI address"), 0u);
}

TEST_F(Port, CanBeOpenedAgainAfterItWasClosed)
{
    port_close(port);
    struct port_error why = {};
    port = port_open(&config, queues, &why);
    ASSERT_NE(port, nullptr) << why.text;
    link = port_link(port, 0);
    send(3);
    flush();
    ExpectCount(drain(), 3, 1);
}

TEST_F(Port, GivesEachWorkerAQueueOfItsOwn)
{
    config.device = "net_null1,no-rx=1";
    config.queues = 2;
    struct port_error why = {};
    struct port *two = port_open(&config, queues, &why);
    ASSERT_NE(two, nullptr) << why.text;
    EXPECT_NE(port_link(two, 0), port_link(two, 1));
    port_close(two);
}

} // namespace
