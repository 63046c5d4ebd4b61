// SPDX-License-Identifier: BSD-3-Clause
// A server under attack: SYNs by the thousand, and segments and ICMP errors that somebody made up
// who knows the endpoints of a connection, but sees none of its packets.
#include <gtest/gtest.h>

#include <list>
#include <random>

#include <rte_ip.h>

#include "tests/sim/conversation.h"

extern "C" {
#include "drivers/base/sum.h"
}

namespace
{

using namespace sim;

constexpr uint16_t kForgedBelow = 30000; // ports of clients that do not exist

void put(Bytes &b, const std::vector<uint32_t> &bytes)
{
    for (uint32_t x : bytes)
        b.push_back(uint8_t(x));
}

// An IPv4 packet from host a to host b, in its frame.
Bytes packet(const World &w, uint8_t protocol, const Bytes &payload)
{
    size_t len = 20 + payload.size();
    Bytes ip;
    put(ip, {0x45, 0, uint32_t(len >> 8), uint32_t(len), 0, 0, 0x40, 0, 64, protocol, 0, 0});
    ip.insert(ip.end(), w.a->address.b + 12, w.a->address.b + 16);
    ip.insert(ip.end(), w.b->address.b + 12, w.b->address.b + 16);
    uint16_t sum = uint16_t(~rte_raw_cksum(ip.data(), ip.size()));
    memcpy(ip.data() + 10, &sum, 2);
    Bytes frame = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
    frame.insert(frame.end(), ip.begin(), ip.end());
    frame.insert(frame.end(), payload.begin(), payload.end());
    return frame;
}

class Attacker
{
  public:
    Attacker(World &w, uint16_t client, uint16_t port) : w_(w), client_(client), port_(port)
    {
        // What b answers to clients that do not exist gets lost.
        w.wire.filter = [](unsigned side, const Bytes &f) {
            bool tcp = f.size() >= 38 && f[12] == 8 && f[13] == 0 && f[23] == 6;
            return side == 0 || !tcp || (f[36] << 8 | f[37]) >= kForgedBelow;
        };
    }
    // A SYN from a client that does not exist.
    void syn()
    {
        struct segment s = {};
        s.flags = TCP_SYN;
        s.src_port = uint16_t(1024 + random_() % (kForgedBelow - 1024));
        s.dst_port = 25;
        s.mss = 1460;
        s.has_timestamp = s.sack_permitted = random_() % 2 == 0;
        send(s);
    }
    // Anything, as if of the connection; or an ACK of a handshake that never was.
    void blind()
    {
        struct segment s = {};
        const uint8_t flags[] = {TCP_RST, TCP_RST | TCP_ACK, TCP_SYN, TCP_ACK, TCP_ACK | TCP_FIN};
        s.flags = flags[random_() % 5];
        bool stranger = s.flags == TCP_ACK && random_() % 2 == 0;
        s.src_port = stranger ? uint16_t(1024 + random_() % 20000) : client_;
        s.dst_port = stranger ? 25 : port_;
        s.ack = uint32_t(random_());
        send(s);
    }
    void icmp()
    {
        Bytes quote, m = {3, uint8_t(2 + random_() % 3), 0, 0, 0, 0, 2, 88};
        put(quote, {0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0});
        quote.insert(quote.end(), w_.b->address.b + 12, w_.b->address.b + 16);
        quote.insert(quote.end(), w_.a->address.b + 12, w_.a->address.b + 16);
        uint32_t seq = uint32_t(random_());
        put(quote, {uint32_t(port_) >> 8, port_, uint32_t(client_) >> 8, client_, seq >> 24,
                    seq >> 16, seq >> 8, seq});
        m.insert(m.end(), quote.begin(), quote.end());
        uint16_t sum = uint16_t(~rte_raw_cksum(m.data(), m.size()));
        memcpy(m.data() + 2, &sum, 2);
        w_.wire.inject(1, packet(w_, 1, m));
    }

  private:
    void send(struct segment &s)
    {
        s.seq = uint32_t(random_());
        s.window = 65535;
        Bytes t(TCP_HEADER_MAX);
        t.resize(segment_write(t.data(), &s));
        uint16_t pseudo = sum_pseudo_header(&w_.a->address, &w_.b->address, uint32_t(t.size()));
        uint16_t sum = uint16_t(~sum_add(pseudo, rte_raw_cksum(t.data(), t.size())));
        memcpy(t.data() + TCP_CHECKSUM_OFFSET, &sum, 2);
        w_.wire.inject(1, packet(w_, 6, t));
    }
    World &w_;
    uint16_t client_, port_;
    std::mt19937_64 random_{4711};
};

// A server that greets, and clients that come, wait for that, and leave.
struct Greeter {
    static void handle(struct stream *s, unsigned events, void *)
    {
        if (events & (STREAM_EOF | STREAM_DOWN))
            stream_close(s);
    }
    static void accept(struct stream *s, void *)
    {
        stream_set_handler(s, handle, nullptr);
        EXPECT_TRUE(stream_write(s, "220 mx.example\r\n", 16));
    }
};
struct Guest {
    struct stream *stream = nullptr;
    nsec_t came = 0, greeted = 0;
    bool open = false, over = false;
    World *world = nullptr;

    void come(World &w)
    {
        struct endpoint at = w.b->at(25);
        enum stream_error why;
        world = &w;
        came = w.now;
        stream = tcp_connect(w.a->tcp, nullptr, &at, handle, this, &why);
        ASSERT_NE(stream, nullptr);
    }
    static void handle(struct stream *s, unsigned events, void *user)
    {
        Guest *self = static_cast<Guest *>(user);
        self->open = self->open || (events & STREAM_OPEN);
        if (s->readable > 0 && self->greeted == 0)
            self->greeted = self->world->now;
        if (self->greeted != 0 || (events & STREAM_DOWN)) {
            self->over = true;
            stream_close(s);
        }
    }
};

HostConfig small()
{
    HostConfig c;
    c.max_connections = 128;
    c.max_half_open = 32;
    c.max_time_wait = 256;
    return c;
}

struct Outcome {
    double seconds = 0; // that the transfer took
    unsigned greeted = 0, guests = 0;
    nsec_t slowest = 0;
    uint64_t cookies = 0, accepted = 0;
};

// 20 MB to the server and back by one connection, and a guest every 100 ms, while `rate` of each
// kind of forged packet come in every millisecond.
Outcome hold_out(unsigned rate)
{
    Outcome out;
    Weather w;
    w.delay = 10 * NSEC_PER_MSEC;
    w.rate = 50000000;
    w.queue = 200;
    HostConfig client = small();
    client.port_first = 40000;
    World world(21, w, w, Nic(), client, small());
    Manner speaks, echoes;
    speaks.say = 20000000;
    speaks.leaves_first = true;
    echoes.echo = true;
    Talker a(1, 0, speaks, echoes, 1), b(1, 1, echoes, speaks, 2);
    struct endpoint at = world.b->at(2500), smtp = world.b->at(25);
    auto accept = [](struct stream *s, void *user) { static_cast<Talker *>(user)->attach(s, 0); };
    EXPECT_NE(tcp_listen(world.b->tcp, &at, accept, &b), nullptr);
    EXPECT_NE(tcp_listen(world.b->tcp, &smtp, Greeter::accept, nullptr), nullptr);
    enum stream_error why;
    struct stream *s = tcp_connect(world.a->tcp, nullptr, &at, Talker::handle, &a, &why);
    a.attach(s, world.now);
    world.run(NSEC_PER_SEC / 5);

    Attacker attacker(world, s->local.port, 2500);
    std::list<Guest> guests;
    nsec_t begin = world.now, strike = begin, guest = begin + NSEC_PER_SEC / 2;
    world.b->work = [&](nsec_t now) {
        b.tick(now);
        for (; rate > 0 && strike <= now && !a.over; strike += NSEC_PER_MSEC) {
            for (unsigned k = 0; k < rate; k++) {
                attacker.syn();
                attacker.blind();
                attacker.icmp();
            }
        }
    };
    world.a->work = [&](nsec_t now) {
        a.tick(now);
        if (guest <= now && !a.over) {
            guest = now + 100 * NSEC_PER_MSEC;
            guests.emplace_back();
            guests.back().come(world);
        }
    };
    EXPECT_TRUE(world.run(120 * NSEC_PER_SEC, [&] { return a.over; })) << world.story();
    EXPECT_TRUE(a.complete()) << stream_error_text(a.error) << " after " << a.heard;
    EXPECT_EQ(a.fault + b.fault, "");
    out.seconds = double(world.now - begin) / 1e9;
    world.run(5 * NSEC_PER_SEC);
    for (const Guest &g : guests) {
        out.guests++;
        out.greeted += g.greeted != 0;
        out.slowest = std::max(out.slowest, g.greeted - g.came);
    }
    out.cookies = world.b->counter(TCP_COOKIES_SENT);
    out.accepted = world.b->counter(TCP_COOKIES_ACCEPTED);
    if (rate > 0) {
        EXPECT_EQ(tcp_usage(world.b->tcp).half_open, 32u);
        EXPECT_GT(world.b->counter(TCP_RX_BLIND), 0u);
        EXPECT_GT(world.b->counter(TCP_TX_CHALLENGES_LIMITED), 0u);
        EXPECT_GT(world.b->counter(TCP_ICMP_IGNORED), 0u);
        EXPECT_GT(world.b->counter(TCP_COOKIES_REFUSED), 0u);
    }
    EXPECT_EQ(world.close(), "");
    return out;
}

TEST(Flood, ATransferGoesOnAndGuestsAreGreetedUnderSynRstAckAndIcmpStormsRfc4987Rfc5961)
{
    Outcome peace = hold_out(0), war = hold_out(5);
    EXPECT_EQ(peace.cookies, 0u);
    EXPECT_EQ(peace.greeted, peace.guests);
    EXPECT_GT(war.cookies, 320u) << "ten times what may be half open";
    EXPECT_GT(war.guests, 10u);
    EXPECT_EQ(war.greeted, war.guests);
    EXPECT_GE(war.accepted, war.guests);
    EXPECT_LT(war.slowest, 2 * NSEC_PER_SEC);
    EXPECT_LT(war.seconds, peace.seconds * 1.3);
    RecordProperty("peace_seconds", std::to_string(peace.seconds));
    RecordProperty("war_seconds", std::to_string(war.seconds));
    RecordProperty("cookies", std::to_string(war.cookies));
}

// The price of a cookie (drivers/README.md), measured: the share of clients that wait for a banner
// which nobody sends is the share of final ACKs that get lost, and nothing else.
TEST(Flood, OfClientsServedByCookiesThoseWhoseAckIsLostWaitInVainRfc4987)
{
    HostConfig client = small();
    client.max_connections = 2048;
    client.keepalive = 2 * 3600 * NSEC_PER_SEC;
    HostConfig server = small();
    server.max_connections = 2048;
    server.budget = 16384;
    World world(22, Weather(), Weather(), Nic(), client, server);
    struct endpoint smtp = world.b->at(25);
    ASSERT_NE(tcp_listen(world.b->tcp, &smtp, Greeter::accept, nullptr), nullptr);
    Attacker attacker(world, 0, 0);
    nsec_t strike = world.now;
    world.b->work = [&](nsec_t now) {
        for (; strike <= now; strike += 10 * NSEC_PER_MSEC)
            attacker.syn();
    };
    world.run(NSEC_PER_SEC); // all that may be half open is
    Weather lossy;
    lossy.loss = 0.05;
    world.wire.set_weather(lossy, Weather());
    std::vector<Guest> guests(800);
    for (Guest &g : guests) {
        g.come(world);
        world.run(2 * NSEC_PER_MSEC);
    }
    world.run(90 * NSEC_PER_SEC);
    unsigned open = 0, waiting = 0;
    for (const Guest &g : guests) {
        open += g.open;
        waiting += g.open && g.greeted == 0;
    }
    EXPECT_EQ(open, guests.size()) << "a lost SYN is sent again";
    EXPECT_GT(waiting, guests.size() * 3 / 100);
    EXPECT_LT(waiting, guests.size() * 7 / 100);
    RecordProperty("waiting", int(waiting));
    // They speak at last, as RFC 5321 §4.5.3.2.1 lets them after five minutes, and learn of it.
    world.wire.set_weather(Weather(), Weather());
    world.run(210 * NSEC_PER_SEC);
    for (Guest &g : guests)
        EXPECT_TRUE(g.over || stream_write(g.stream, "QUIT\r\n", 6));
    world.run(NSEC_PER_SEC);
    for (const Guest &g : guests)
        EXPECT_TRUE(g.over);
    EXPECT_EQ(world.close(), "");
}

} // namespace
