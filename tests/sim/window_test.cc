// SPDX-License-Identifier: BSD-3-Clause
// Long fat paths are filled by windows and send queues that find their size themselves.
#include <gtest/gtest.h>

#include "tests/sim/conversation.h"

namespace
{

using namespace sim;

struct Path {
    double took = 0; // ms; 0: the bytes never arrived whole
    uint32_t most_promised = 0;
};

// `bytes` from a to b.
Path transfer(const Weather &w, uint64_t bytes, const HostConfig &c)
{
    World world(7, w, w, Nic(), c, c);
    Manner speaks, listens;
    speaks.say = bytes;
    speaks.write_most = 64 * 1024;
    speaks.leaves_first = true;
    Talker a(1, 0, speaks, listens, 1), b(1, 1, listens, speaks, 2);
    struct endpoint at = world.b->at(25);
    auto accept = [](struct stream *s, void *user) { static_cast<Talker *>(user)->attach(s, 0); };
    Path path;
    if (tcp_listen(world.b->tcp, &at, accept, &b) == nullptr)
        return path;
    enum stream_error why;
    struct stream *s = tcp_connect(world.a->tcp, nullptr, &at, Talker::handle, &a, &why);
    a.attach(s, world.now);
    nsec_t begin = world.now;
    bool done = world.run(600 * NSEC_PER_SEC, [&] {
        path.most_promised = std::max(path.most_promised, world.b->pools->promised);
        return b.complete();
    });
    if (done)
        path.took = double(world.now - begin) / 1e6;
    EXPECT_EQ(world.fault(), "");
    world.run(60 * NSEC_PER_SEC);
    EXPECT_EQ(world.close(), "");
    return path;
}

HostConfig config()
{
    HostConfig c;
    c.budget = 16384;
    c.receive_window = 16 << 20;
    c.send_limit = 32 << 20;
    return c;
}

TEST(Window, APathOf100MsIsFilled)
{
    Weather w;
    w.delay = 50 * NSEC_PER_MSEC;
    w.rate = 200000000; // 2.5 MB are under way
    w.queue = 3000;
    Path path = transfer(w, 40000000, config());
    EXPECT_GT(path.took, 1600.0) << "faster than the wire";
    EXPECT_LT(path.took, 3200.0);
}

TEST(Window, AShortPathPinsLittle)
{
    Weather w;
    w.delay = 500 * NSEC_PER_USEC;
    w.rate = 200000000; // 25 kB are under way
    w.queue = 60;
    Path path = transfer(w, 5000000, config());
    EXPECT_GT(path.took, 0.0);
    EXPECT_LT(path.took, 320.0);
    EXPECT_LT(path.most_promised, 1200u) << "1 MB of 16";
}

TEST(Window, ASmallBudgetIsNotOverdrawn)
{
    Weather w;
    w.delay = 50 * NSEC_PER_MSEC;
    w.rate = 200000000;
    w.queue = 3000;
    HostConfig c = config();
    c.budget = 1024;
    Path path = transfer(w, 5000000, c);
    EXPECT_GT(path.took, 0.0);
    EXPECT_LT(path.took, 10000.0);
    EXPECT_LE(path.most_promised, 1024u / 4 + 64);
}

} // namespace
