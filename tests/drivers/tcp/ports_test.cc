// SPDX-License-Identifier: BSD-3-Clause
// Local ports of our own connections, and what TIME-WAIT makes of them.
#include "tests/drivers/tcp/script.h"

#include "tests/sim/conversation.h"

namespace
{

// A peer and we, and nothing but one port between us.
struct Ports : Script {
    void SetUp() override
    {
        config.port_first = config.port_last = 40000;
        Script::SetUp();
    }
    // Opened by us, closed by us first.
    void come_and_go()
    {
        app = App();
        connected();
        stream_close(app.stream);
        round();
        Said fin = take();
        ASSERT_EQ(fin.s.flags & F, F);
        acknowledge(fin.s.seq + 1);
        send(A | F);
        take();
        ASSERT_EQ(usage().time_wait, 1u);
    }
};

TEST_F(Ports, AConnectionFollowsOneInTimeWaitOnceItsTimestampsAreLaterRfc6191)
{
    timestamps = true;
    come_and_go();
    uint32_t last = ack, sent = tsecr;
    EXPECT_EQ(connect(), nullptr) << "in the same millisecond";
    pass(ms(11));
    ASSERT_NE(connect(), nullptr);
    Said again = take();
    EXPECT_EQ(again.s.flags, S);
    EXPECT_TRUE(seq_after(again.s.tsval, sent));
    EXPECT_TRUE(seq_after(again.s.seq, last));
    EXPECT_EQ(usage().time_wait, 0u);
}

TEST_F(Ports, APeerWithoutTimestampsIsLeftInPeaceForAllOfTimeWait)
{
    come_and_go();
    pass(config.time_wait - NSEC_PER_SEC);
    EXPECT_EQ(connect(), nullptr);
    EXPECT_EQ(app.error, STREAM_NO_MEMORY);
    pass(2 * NSEC_PER_SEC);
    EXPECT_NE(connect(), nullptr);
    ignore();
}

TEST_F(Ports, AFollowerBeginsBeyondAllThatTheFastestConnectionSent)
{
    timestamps = true;
    connected();
    // 1 MB within a millisecond: initial sequence numbers move by 250 in that time.
    uint32_t begin = ack;
    window = 65535;
    for (unsigned k = 0; k < 100; k++) {
        app.say(std::string(10000, 'x'));
        round();
        while (!said.empty())
            ack = take().s.seq + 10000;
        acknowledge(begin + 10000 * (k + 1));
        ignore();
    }
    stream_close(app.stream);
    round();
    Said fin = take();
    acknowledge(fin.s.seq + 1);
    send(A | F);
    ignore();
    pass(ms(2));
    ASSERT_NE(connect(), nullptr);
    EXPECT_TRUE(seq_after(take().s.seq, fin.s.seq));
}

TEST_F(Ports, ASearchInVainIsNotRepeatedAtOnce)
{
    config.port_last = 41999;
    config.max_connections = 2048;
    config.budget = 8192;
    begin();
    struct endpoint to = peer();
    enum stream_error why;
    std::vector<App> apps(2000);
    for (App &a : apps)
        ASSERT_NE(tcp_connect(host->tcp, nullptr, &to, App::handle, &a, &why), nullptr);
    EXPECT_EQ(counter(TCP_PORTS_TRIED), 2000u) << "the first is free while there are any";
    for (unsigned k = 0; k < 100; k++)
        EXPECT_EQ(tcp_connect(host->tcp, nullptr, &to, App::handle, &app, &why), nullptr);
    EXPECT_EQ(counter(TCP_PORTS_TRIED), 4000u) << "a hundred attempts, one search";
    now += ms(11);
    round();
    EXPECT_EQ(tcp_connect(host->tcp, nullptr, &to, App::handle, &app, &why), nullptr);
    EXPECT_EQ(counter(TCP_PORTS_TRIED), 6000u);
    to.port++;
    EXPECT_NE(tcp_connect(host->tcp, nullptr, &to, App::handle, &app, &why), nullptr);
    ignore();
}

TEST_F(Ports, DestinationsDoNotShareASequenceRfc6056)
{
    config.port_first = 1024;
    config.port_last = 65535;
    begin();
    enum stream_error why;
    struct endpoint to = peer();
    App apps[4];
    uint16_t ports[4];
    for (unsigned k = 0; k < 4; k++) {
        to.port = uint16_t(5000 + k / 2);
        struct stream *s = tcp_connect(host->tcp, nullptr, &to, App::handle, &apps[k], &why);
        ASSERT_NE(s, nullptr);
        ports[k] = s->local.port;
    }
    EXPECT_EQ(ports[1], ports[0] + 1);
    EXPECT_EQ(ports[3], ports[2] + 1);
    EXPECT_GT(std::abs(ports[2] - ports[0]), 2);
    ignore();
}

// Connections that are opened, and closed again by one side or the other: by which tells the port.
struct Churn {
    unsigned opened = 0, failed = 0, ended = 0;

    static void client(struct stream *s, unsigned events, void *user)
    {
        Churn *self = static_cast<Churn *>(user);
        self->opened += (events & STREAM_OPEN) != 0;
        self->failed += (events & STREAM_DOWN) != 0;
        bool first = s->local.port % 2 == 0;
        if (events & (STREAM_EOF | STREAM_DOWN) || first) {
            self->ended++;
            stream_close(s);
        }
    }
    static void server(struct stream *s, unsigned events, void *)
    {
        if (events & (STREAM_EOF | STREAM_DOWN))
            stream_close(s);
    }
    static void accept(struct stream *s, void *)
    {
        stream_set_handler(s, server, nullptr);
        if (s->peer.port % 2 != 0)
            stream_close(s);
    }
};

TEST(PortsAtScale, OneDestinationTakesTenThousandConnectionsASecondThroughTimeWait)
{
    sim::HostConfig c;
    c.port_first = 1024;
    c.port_last = 65535;
    c.max_connections = 1024;
    c.max_half_open = 256;
    c.max_time_wait = 80000;
    c.time_wait = 60 * NSEC_PER_SEC;
    c.budget = 8192;
    sim::Weather w;
    w.delay = NSEC_PER_MSEC;
    sim::World world(11, w, w, sim::Nic(), c, c);
    struct endpoint at = world.b->at(25);
    Churn churn;
    ASSERT_NE(tcp_listen(world.b->tcp, &at, Churn::accept, nullptr), nullptr);
    const unsigned kConnections = 80000, kPerMs = 12;
    unsigned begun = 0, refused = 0;
    nsec_t begin = world.now, due = world.now, end = 0;
    world.a->work = [&](nsec_t now) {
        for (; now >= due && begun < kConnections; due += NSEC_PER_MSEC) {
            for (unsigned k = 0; k < kPerMs && begun < kConnections; k++, begun++) {
                enum stream_error why;
                refused +=
                    tcp_connect(world.a->tcp, nullptr, &at, Churn::client, &churn, &why) == nullptr;
            }
        }
        if (churn.opened == kConnections && end == 0)
            end = now;
    };
    EXPECT_TRUE(world.run(30 * NSEC_PER_SEC, [&] { return churn.ended == kConnections; }))
        << world.story();
    EXPECT_EQ(refused, 0u);
    EXPECT_EQ(churn.failed, 0u);
    ASSERT_EQ(churn.opened, kConnections);
    EXPECT_GT(kConnections * 1e9 / double(end - begin), 10000);
    // Not one SYN had to be repeated, and no port was looked at twice.
    EXPECT_EQ(world.a->counter(TCP_TX_RETRANSMITS) + world.b->counter(TCP_TX_RETRANSMITS), 0u);
    EXPECT_EQ(world.a->counter(TCP_PORTS_TRIED), kConnections);
    world.run(NSEC_PER_SEC);
    EXPECT_GT(tcp_usage(world.a->tcp).time_wait, 20000u) << "half the ports rest here,";
    EXPECT_GT(tcp_usage(world.b->tcp).time_wait, 20000u) << "and half there";
    EXPECT_EQ(world.close(), "");
}

TEST(PortsAtScale, WhenTheFirstAddressHasNoPortLeftTheNextOneServes)
{
    sim::HostConfig c;
    c.port_first = 40000;
    c.port_last = 40001;
    c.addresses = 3;
    sim::World world(12, sim::Weather(), sim::Weather(), sim::Nic(), c);
    struct endpoint at = world.b->at(25);
    Churn churn;
    ASSERT_NE(tcp_listen(world.b->tcp, &at, Churn::accept, nullptr), nullptr);
    std::map<std::string, std::set<uint16_t>> from;
    enum stream_error why;
    for (unsigned k = 0; k < 6; k++) {
        struct stream *s = tcp_connect(world.a->tcp, nullptr, &at, Churn::client, &churn, &why);
        ASSERT_NE(s, nullptr);
        char text[ADDR_TEXT_SIZE];
        from[ip_addr_format(&s->local.addr, text)].insert(s->local.port);
    }
    EXPECT_EQ(from.size(), 3u);
    for (const auto &address : from)
        EXPECT_EQ(address.second.size(), 2u) << address.first;
    EXPECT_EQ(tcp_connect(world.a->tcp, nullptr, &at, Churn::client, &churn, &why), nullptr);
    EXPECT_EQ(why, STREAM_NO_MEMORY);
    EXPECT_EQ(world.a->counter(TCP_NO_PORT), 1u);
    world.run(NSEC_PER_SEC);
    EXPECT_EQ(churn.opened, 6u) << world.story();
    EXPECT_EQ(world.close(), "");
}

} // namespace
