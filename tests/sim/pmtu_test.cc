// SPDX-License-Identifier: BSD-3-Clause
// Two whole stacks with a router between them that drops what is too big and says nothing: data
// must flow nevertheless, and not in crumbs.
#include <gtest/gtest.h>

#include "tests/sim/conversation.h"

namespace
{

using namespace sim;

struct Transfer {
    Weather weather;
    Nic nic;
    HostConfig config;
    uint64_t seed = 1, bytes = 3000000;

    uint64_t black_holes = 0, probes = 0;
    unsigned size = 0; // of packets in the end

    // Milliseconds from the first SYN to the last byte; 0: they never arrived whole.
    double run()
    {
        World world(seed, weather, weather, nic, config, config);
        Manner speaks, listens;
        speaks.say = bytes;
        Talker a(seed, 0, speaks, listens, 1), b(seed, 1, listens, speaks, 2);
        struct endpoint at = world.b->at(25);
        auto accept = [](struct stream *s, void *user) {
            static_cast<Talker *>(user)->attach(s, 0);
        };
        EXPECT_NE(tcp_listen(world.b->tcp, &at, accept, &b), nullptr);
        enum stream_error why;
        struct stream *s = tcp_connect(world.a->tcp, nullptr, &at, Talker::handle, &a, &why);
        a.attach(s, world.now);
        nsec_t begin = world.now;
        bool done = world.run(120 * NSEC_PER_SEC, [&] { return b.complete(); });
        double took = double(world.now - begin) / 1e6;
        EXPECT_EQ(world.fault(), "") << world.story();
        EXPECT_TRUE(done) << b.heard << " bytes\n" << world.story();
        black_holes = world.a->counter(TCP_MTU_BLACK_HOLES);
        probes = world.a->counter(TCP_TX_MTU_PROBES);
        size = a.over ? 0 : connection_of(s)->mss + 40U;
        EXPECT_EQ(world.close(), "");
        return done ? took : 0;
    }
};

TEST(SimPmtu, ABlackHoleCostsAMomentAndNotTheGoodput)
{
    Transfer told, untold;
    told.weather.delay = 10 * NSEC_PER_MSEC;
    told.weather.rate = 50000000;
    told.weather.mtu = 1400;
    untold.weather = told.weather;
    untold.weather.router_is_mute = true;
    double quick = told.run(), slow = untold.run();
    EXPECT_EQ(told.black_holes, 0u);
    EXPECT_EQ(untold.black_holes, 1u);
    EXPECT_GT(untold.size, 1392u);
    EXPECT_LE(untold.size, 1400u);
    EXPECT_GT(quick, 480.0) << "faster than the wire";
    EXPECT_LT(slow, quick + 2000);
}

TEST(SimPmtu, DataFlowsThroughAnyBlackHoleInBadWeatherToo)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random(seed);
        Transfer t;
        t.seed = seed;
        t.bytes = 300000;
        t.weather.delay = (1 + random() % 30) * NSEC_PER_MSEC;
        t.weather.loss = double(random() % 3) * 0.005;
        t.weather.reorder = double(random() % 3) * 0.01;
        t.weather.router_is_mute = true;
        t.weather.mtu = 600 + unsigned(random() % 900);
        t.nic.caps.tx_tcp_checksum = t.nic.caps.tso = random() % 2;
        t.config.congestion = random() % 2 ? CONGESTION_CUBIC : CONGESTION_NEWRENO;
        double took = t.run();
        EXPECT_LT(took, 60000.0);
        EXPECT_GE(t.black_holes, 1u);
        EXPECT_LE(t.size, t.weather.mtu);
    }
}

} // namespace
