// SPDX-License-Identifier: BSD-3-Clause
// One host of ours, and a peer that says what the test makes it say: every segment in and out is
// the test's to write and to read.
#ifndef SPLITMX_TESTS_TCP_SCRIPT_H
#define SPLITMX_TESTS_TCP_SCRIPT_H

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <string>

#include <rte_ip.h>
#include <rte_mbuf.h>

#include "tests/sim/host.h"

extern "C" {
#include "drivers/tcp/input.h"
#include "drivers/tcp/seq.h"
#include "drivers/base/sum.h"
}

using sim::Bytes;

constexpr uint8_t F = TCP_FIN, S = TCP_SYN, R = TCP_RST, P = TCP_PSH, A = TCP_ACK;

struct Said {
    struct segment s = {};
    std::string data;
    uint8_t ecn = 0; // of the IP header (RFC 3168)
    nsec_t when = 0;
};

inline std::ostream &operator<<(std::ostream &out, const Said &x)
{
    for (unsigned k = 0; k < 8; k++)
        if (x.s.flags >> k & 1)
            out << "FSRPAUEC"[k];
    return out << " seq " << x.s.seq << " ack " << x.s.ack << " len " << x.s.data_len << " win "
               << x.s.window;
}

// What the application side of a stream saw.
struct App {
    struct stream *stream = nullptr;
    unsigned events = 0; // all so far
    std::string text;
    bool reads = true;
    bool down = false;
    enum stream_error error = STREAM_OK;
    std::function<void(unsigned events)> then;

    static void handle(struct stream *s, unsigned events, void *user)
    {
        App *self = static_cast<App *>(user);
        self->events |= events;
        if (self->reads)
            self->read();
        if (events & STREAM_DOWN) {
            self->down = true;
            self->error = s->error;
        }
        if (self->then)
            self->then(events);
    }
    void read()
    {
        struct slice k;
        while (stream_peek(stream, 0, &k, 1) == 1) {
            text.append(reinterpret_cast<const char *>(k.data), k.len);
            stream_consume(stream, k.len);
        }
    }
    void say(const std::string &words)
    {
        ASSERT_TRUE(stream_write(stream, words.data(), words.size()));
    }
};

struct Script : ::testing::Test {
    sim::HostConfig config;
    sim::Nic nic;
    nsec_t now = 1000 * NSEC_PER_SEC;
    std::unique_ptr<sim::Wire> wire;
    std::unique_ptr<sim::Host> host;
    std::deque<Said> said;
    App app;
    struct tcp_listener *listener = nullptr;

    // The peer's side of the conversation, as it goes.
    uint16_t our_port = 25, peer_port = 5000;
    uint32_t seq = 1000000; // its next sequence number
    uint32_t ack = 0;       // what it has acknowledged
    uint16_t window = 65535;
    struct segment syn = {}; // the options of its SYN
    bool timestamps = false;
    uint32_t tsval = 5000, tsecr = 0;
    uint16_t urgent = 0; // pointer
    uint8_t ecn = 0;     // of the IP header
    bool answers_arp = true;
    bool gathers = false; // what the peer sends waits for the next round()

    void SetUp() override
    {
        nic.hold = 0;
        syn.mss = 1460;
        syn.sack_permitted = true;
        begin();
    }
    void begin()
    {
        host.reset();
        sim::Weather still;
        still.delay = 0;
        wire = std::make_unique<sim::Wire>(1, still, still, nic);
        wire->filter = [this](unsigned, const Bytes &frame) {
            hear(frame);
            return false;
        };
        wire->advance(now);
        host = std::make_unique<sim::Host>(*wire, 0, 7, config, now);
    }
    void TearDown() override
    {
        struct pools *pools = host->pools;
        if (const char *fault = tcp_fault(host->tcp))
            ADD_FAILURE() << fault;
        host.reset();
        wire->settle();
        EXPECT_EQ(wire->fault(), "");
        EXPECT_EQ(rte_mempool_in_use_count(pools->data), 0u);
        EXPECT_EQ(rte_mempool_in_use_count(pools->header), 0u);
        EXPECT_EQ(rte_mempool_in_use_count(pools->indirect), 0u);
        EXPECT_EQ(pools->promised, 0u);
    }

    struct endpoint peer() const
    {
        struct endpoint e = {host->address, peer_port};
        e.addr.b[15] = 2;
        return e;
    }
    void round()
    {
        do {
            wire->advance(now);
            host->round(now);
        } while (wire->next() <= now); // an answered ARP question lets go what waited for it
        const char *fault = tcp_fault(host->tcp);
        EXPECT_EQ(fault, nullptr) << fault;
    }
    void pass(nsec_t span)
    {
        for (nsec_t end = now + span; now < end;) {
            now = std::max(now + 1, std::min(end, host->next()));
            round();
        }
    }
    static nsec_t ms(uint64_t n)
    {
        return n * NSEC_PER_MSEC;
    }

    // Where TCP, or ICMP, begins in a frame.
    size_t transport() const
    {
        return config.ipv6 ? 54 : 34;
    }
    // A frame of ours: answered if it asks for an address, else kept.
    void hear(const Bytes &f)
    {
        bool arp = f[12] == 8 && f[13] == 6, nd = f[12] == 0x86 && f[20] == 58 && f[54] == 135;
        if (arp || nd) {
            if (answers_arp && arp && f[21] == 1 && f[41] == 2)
                answer_arp(f);
            if (answers_arp && nd && f[77] == 2)
                answer_solicitation(f);
            return;
        }
        if (config.ipv6 && f[20] != 6)
            return; // groups, routers
        Said x;
        size_t at = transport();
        size_t len = config.ipv6 ? size_t(f[18]) << 8 | f[19] : (size_t(f[16]) << 8 | f[17]) - 20;
        ASSERT_EQ(uint16_t(~checksum(f, len)), 0) << "a wrong checksum went out";
        ASSERT_TRUE(segment_parse(f.data() + at, uint32_t(len), uint32_t(len), &x.s));
        x.data.assign(f.begin() + long(at) + x.s.header_len, f.begin() + long(at + len));
        x.ecn = (config.ipv6 ? f[15] >> 4 : f[15]) & 3;
        x.when = now;
        said.push_back(x);
    }
    void answer_arp(const Bytes &f)
    {
        Bytes reply = ethernet(0x0806);
        reply.insert(reply.end(), {0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 2});
        reply.insert(reply.end(), f.begin() + 38, f.begin() + 42);
        reply.insert(reply.end(), f.begin() + 22, f.begin() + 32);
        wire->inject(0, reply);
    }
    // RFC 4861 §4.4: solicited, with our address.
    void answer_solicitation(const Bytes &f)
    {
        Bytes reply = ethernet(0x86dd);
        add_ip(reply, 58, 32, 255);
        reply.insert(reply.end(), {136, 0, 0, 0, 0x60, 0, 0, 0});
        reply.insert(reply.end(), f.begin() + 62, f.begin() + 78);
        reply.insert(reply.end(), {2, 1, 2, 0, 0, 0, 0, 2});
        put_icmp_checksum(reply, 54);
        wire->inject(0, reply);
    }
    static Bytes ethernet(uint16_t type)
    {
        return {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, uint8_t(type >> 8), uint8_t(type)};
    }
    // An IP header from the peer to us; or, quoted, of a packet of ours to it.
    void add_ip(Bytes &f, uint8_t protocol, size_t payload, uint8_t hops = 64, bool ours = false)
    {
        struct ip_addr from = peer().addr, to = host->address;
        if (ours)
            std::swap(from, to);
        size_t at = f.size(), all = payload + 20;
        if (config.ipv6) {
            f.insert(f.end(), {0x60, uint8_t(ecn << 4), 0, 0, uint8_t(payload >> 8),
                               uint8_t(payload), protocol, hops});
            f.insert(f.end(), from.b, from.b + 16);
            f.insert(f.end(), to.b, to.b + 16);
            return;
        }
        f.insert(f.end(),
                 {0x45, ecn, uint8_t(all >> 8), uint8_t(all), 0, 0, 0x40, 0, hops, protocol, 0, 0});
        f.insert(f.end(), from.b + 12, from.b + 16);
        f.insert(f.end(), to.b + 12, to.b + 16);
        uint16_t sum = uint16_t(~rte_raw_cksum(f.data() + at, 20));
        memcpy(f.data() + at + 10, &sum, 2);
    }
    // Of the message at the end of the frame, which begins at `at`.
    void put_icmp_checksum(Bytes &f, size_t at) const
    {
        size_t len = f.size() - at;
        uint16_t sum = rte_raw_cksum(f.data() + at, len);
        if (config.ipv6) {
            struct rte_ipv6_hdr h;
            memcpy(&h, f.data() + 14, sizeof(h));
            sum = sum_add(sum, rte_ipv6_phdr_cksum(&h, 0));
        }
        sum = uint16_t(~sum);
        memcpy(f.data() + at + 2, &sum, 2);
    }
    uint16_t checksum(const Bytes &f, size_t len) const
    {
        struct ip_addr a = host->address, b = peer().addr;
        return sum_add(sum_pseudo_header(&a, &b, uint32_t(len)),
                       rte_raw_cksum(f.data() + transport(), len));
    }

    // Send any segment; ports and addresses are filled in. Then one round.
    void send(struct segment s, const std::string &data = "", bool spoil = false)
    {
        s.src_port = peer_port;
        s.dst_port = our_port;
        if (timestamps && !(s.flags & R)) {
            s.has_timestamp = true;
            if (s.tsval == 0)
                s.tsval = tsval;
            s.tsecr = tsecr;
        }
        uint8_t header[TCP_HEADER_MAX];
        size_t len = segment_write(header, &s);
        header[18] = uint8_t(urgent >> 8);
        header[19] = uint8_t(urgent);
        Bytes f = ethernet(config.ipv6 ? 0x86dd : 0x0800);
        add_ip(f, 6, len + data.size());
        f.insert(f.end(), header, header + len);
        f.insert(f.end(), data.begin(), data.end());
        uint16_t sum = uint16_t(~checksum(f, len + data.size()));
        if (spoil)
            sum ^= 1;
        memcpy(f.data() + transport() + 16, &sum, 2);
        wire->inject(0, f);
        if (!gathers)
            round();
    }
    // The peer's next segment.
    void send(uint8_t flags, const std::string &data = "")
    {
        struct segment s = {};
        s.flags = flags;
        s.seq = seq;
        s.ack = flags & A ? ack : 0;
        s.window = window;
        if (flags & S) {
            s.mss = syn.mss;
            s.sack_permitted = syn.sack_permitted;
            s.has_wscale = syn.has_wscale;
            s.wscale = syn.wscale;
        }
        seq += uint32_t(data.size()) + ((flags & (S | F)) != 0);
        send(s, data);
    }
    // A pure ACK up to `number`, with SACK blocks.
    void acknowledge(uint32_t number, std::initializer_list<struct sack_block> blocks = {})
    {
        struct segment s = {};
        s.flags = A;
        s.seq = seq;
        ack = s.ack = number;
        s.window = window;
        for (const auto &b : blocks)
            s.sack[s.sack_count++] = b;
        send(s);
    }
    // Bytes that stand `ahead` of the peer's next ones, out of order.
    void send_ahead(uint32_t ahead, const std::string &data, uint8_t flags = A)
    {
        struct segment s = {};
        s.flags = flags;
        s.seq = seq + ahead;
        s.ack = ack;
        s.window = window;
        send(s, data);
    }

    // The next thing we said. A test that expects more than there is fails.
    Said take()
    {
        if (said.empty()) {
            ADD_FAILURE() << "nothing was said";
            return Said();
        }
        Said x = said.front();
        said.pop_front();
        if (x.s.has_timestamp)
            tsecr = x.s.tsval;
        return x;
    }
    void silence()
    {
        for (const Said &x : said)
            ADD_FAILURE() << "unexpected: " << x;
        said.clear();
    }
    void ignore()
    {
        said.clear();
    }

    void listen(uint16_t port = 25)
    {
        struct endpoint local = host->at(port);
        auto accept = [](struct stream *s, void *user) {
            Script *self = static_cast<Script *>(user);
            self->app.stream = s;
            stream_set_handler(s, App::handle, &self->app);
        };
        listener = tcp_listen(host->tcp, &local, accept, this);
        ASSERT_NE(listener, nullptr);
    }
    // A connection from the peer to our port 25, established; the handshake took `rtt`.
    void accepted(nsec_t rtt = 0)
    {
        listen();
        send(S);
        Said syn_ack = take();
        EXPECT_EQ(syn_ack.s.flags, S | A);
        ack = syn_ack.s.seq + 1;
        pass(rtt);
        send(A);
        ASSERT_NE(app.stream, nullptr);
        silence();
    }
    struct stream *connect()
    {
        struct endpoint to = peer();
        enum stream_error why = STREAM_OK;
        struct stream *s = tcp_connect(host->tcp, nullptr, &to, App::handle, &app, &why);
        app.stream = s;
        app.error = why;
        if (s != nullptr)
            our_port = s->local.port;
        round();
        return s;
    }
    // A connection from us to the peer's port 5000, established.
    void connected()
    {
        ASSERT_NE(connect(), nullptr);
        Said s = take();
        EXPECT_EQ(s.s.flags, S);
        ack = s.s.seq + 1;
        send(S | A);
        EXPECT_EQ(take().s.flags, A);
        EXPECT_TRUE(app.events & STREAM_OPEN);
    }
    uint64_t counter(enum tcp_counter which) const
    {
        return host->counter(which);
    }
    struct tcp_usage usage() const
    {
        return tcp_usage(host->tcp);
    }
};

#endif
