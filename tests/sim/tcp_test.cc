// SPDX-License-Identifier: BSD-3-Clause
// Two whole stacks on a bad wire. Whatever the weather: bytes arrive once, in order and unchanged;
// every connection ends; every buffer comes home; and what a seed did it does again.
//
// --seeds N runs N seeds, --first S begins with seed S, --trace N shows the last N frames of a
// failure; or SPLITMX_SIM_SEEDS and so on in the environment.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/sim/play.h"

namespace
{

using namespace sim;

uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != nullptr ? strtoull(text, nullptr, 0) : otherwise;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_UNDEFINED__)
constexpr uint64_t kSeeds = 300; // several times as slow
#else
constexpr uint64_t kSeeds = 2000;
#endif

TEST(Sim, BytesArriveOnceInOrderAndUnchangedInAnyWeather)
{
    uint64_t first = setting("SPLITMX_SIM_FIRST", 1), count = setting("SPLITMX_SIM_SEEDS", kSeeds);
    for (uint64_t seed = first; seed < first + count; seed++) {
        std::string wrong = play(seed);
        ASSERT_TRUE(wrong.empty()) << wrong << "\nreplay with --seeds 1 --first " << seed;
    }
}

TEST(Sim, ASeedDoesAgainWhatItDid)
{
    for (uint64_t seed : {3, 17, 170}) {
        uint64_t first = 0, second = 0;
        EXPECT_EQ(play(seed, &first), "");
        EXPECT_EQ(play(seed, &second), "");
        EXPECT_EQ(first, second);
    }
}

// How long `bytes` take from a to b in this weather, in milliseconds; 0: they never arrived whole.
double transfer(const Weather &w, uint64_t bytes, uint64_t *timeouts = nullptr)
{
    HostConfig c;
    c.receive_window = c.send_limit = 1 << 20;
    World world(99, w, w, Nic(), c, c);
    Manner speaks, listens;
    speaks.say = bytes;
    speaks.leaves_first = true;
    Talker a(1, 0, speaks, listens, 1), b(1, 1, listens, speaks, 2);
    struct endpoint at = world.b->at(25);
    auto accept = [](struct stream *s, void *user) { static_cast<Talker *>(user)->attach(s, 0); };
    if (tcp_listen(world.b->tcp, &at, accept, &b) == nullptr)
        return 0;
    enum stream_error why;
    struct stream *s = tcp_connect(world.a->tcp, nullptr, &at, Talker::handle, &a, &why);
    a.attach(s, world.now);
    nsec_t begin = world.now;
    if (!world.run(600 * NSEC_PER_SEC, [&] { return b.complete(); }))
        return 0;
    if (timeouts != nullptr)
        *timeouts = world.a->counter(TCP_TX_TIMEOUTS);
    double took = double(world.now - begin) / 1e6;
    world.run(60 * NSEC_PER_SEC);
    EXPECT_EQ(world.close(), "");
    return took;
}

TEST(Sim, AGoodPathIsFilled)
{
    Weather w;
    w.delay = 10 * NSEC_PER_MSEC;
    w.rate = 50000000;
    uint64_t timeouts = 0;
    double ms = transfer(w, 5000000, &timeouts);
    EXPECT_GT(ms, 800.0) << "faster than the wire";
    // Slow start ends in a burst of losses, and RFC 6675 repairs them in another, which the queue
    // drops again: one timeout. Proportional rate reduction (RFC 6937) will save it.
    EXPECT_LT(ms, 1600.0);
    EXPECT_LE(timeouts, 1u);
}

TEST(Sim, LossCostsWindowsAndNotTimeouts)
{
    Weather w;
    w.delay = 10 * NSEC_PER_MSEC;
    w.loss = 0.01;
    uint64_t timeouts = 0;
    double ms = transfer(w, 3000000, &timeouts);
    EXPECT_GT(ms, 0.0);
    EXPECT_LT(ms, 10000.0);
    EXPECT_LE(timeouts, 6u);
}

TEST(Sim, ReorderingIsNotTakenForMuchLoss)
{
    Weather w;
    w.delay = 10 * NSEC_PER_MSEC;
    w.reorder = 0.02;
    w.late = 2 * NSEC_PER_MSEC;
    double ms = transfer(w, 3000000);
    EXPECT_GT(ms, 0.0);
    EXPECT_LT(ms, 5000.0);
}

struct Ends {
    struct stream *stream = nullptr;
    unsigned events = 0;
    enum stream_error error = STREAM_OK;
    static void handle(struct stream *s, unsigned events, void *user)
    {
        Ends *self = static_cast<Ends *>(user);
        self->stream = s;
        self->events |= events;
        self->error = s->error;
    }
    static void accept(struct stream *s, void *user)
    {
        static_cast<Ends *>(user)->stream = s;
        stream_set_handler(s, handle, user);
    }
};

TEST(Sim, AfterOurCrashTheSamePortsConnectAgainWithinASecond)
{
    HostConfig c;
    c.port_first = c.port_last = 40000;
    World world(5, Weather(), Weather(), Nic(), c);
    Ends client, server;
    struct endpoint at = world.b->at(25);
    ASSERT_NE(tcp_listen(world.b->tcp, &at, Ends::accept, &server), nullptr);
    enum stream_error why;
    ASSERT_NE(tcp_connect(world.a->tcp, nullptr, &at, Ends::handle, &client, &why), nullptr);
    world.run(NSEC_PER_SEC);
    ASSERT_TRUE(client.events & STREAM_OPEN);
    struct stream *old = server.stream;

    world.a->crash(77, world.now);
    Ends again;
    server.stream = nullptr;
    ASSERT_NE(tcp_connect(world.a->tcp, nullptr, &at, Ends::handle, &again, &why), nullptr);
    EXPECT_TRUE(world.run(NSEC_PER_SEC, [&] { return (again.events & STREAM_OPEN) != 0; }))
        << world.story();
    EXPECT_TRUE(stream_is_down(old)) << "its peer is gone, and it knows";
    stream_close(old);
    stream_abort(again.stream);
    world.run(NSEC_PER_SEC);
    EXPECT_EQ(world.close(), "");
}

TEST(Sim, APeerOfACrashedHostLearnsOfItWhenItSpeaks)
{
    World world(6, Weather(), Weather(), Nic());
    Ends client, server;
    struct endpoint at = world.b->at(25);
    ASSERT_NE(tcp_listen(world.b->tcp, &at, Ends::accept, &server), nullptr);
    enum stream_error why;
    struct stream *s = tcp_connect(world.a->tcp, nullptr, &at, Ends::handle, &client, &why);
    ASSERT_NE(s, nullptr);
    world.run(NSEC_PER_SEC);
    world.b->crash(78, world.now);
    ASSERT_TRUE(stream_write(s, "QUIT\r\n", 6));
    EXPECT_TRUE(world.run(NSEC_PER_SEC, [&] { return (client.events & STREAM_DOWN) != 0; }));
    EXPECT_EQ(client.error, STREAM_RESET);
    stream_close(s);
    EXPECT_EQ(world.close(), "");
}

} // namespace
