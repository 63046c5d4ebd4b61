// SPDX-License-Identifier: BSD-3-Clause
// The receive window follows what the application reads, the send queue what the network takes, and
// both keep to their share of memory.
#include "tests/drivers/tcp/script.h"

extern "C" {
#include "drivers/tcp/window.h"
}

namespace
{

struct Window : Script {
    static constexpr uint32_t kMss = 1448;

    void SetUp() override
    {
        config.budget = 8192;
        config.receive_window = 4 << 20;
        config.send_limit = 4 << 20;
        nic.hold = 0;
        syn.mss = 1460;
        syn.sack_permitted = syn.has_wscale = syn.has_timestamp = true;
        syn.wscale = 7;
        timestamps = true;
        begin();
    }
    const struct tcp_connection &connection() const
    {
        return *connection_of(app.stream);
    }
    uint32_t open() const
    {
        return connection().rcv_edge - connection().recvq.nxt;
    }
    // A round trip of 20 ms in which the peer sends `segments`; false if the window was too small.
    bool flight(unsigned segments)
    {
        bool fits = true;
        uint32_t echo = tsecr;
        for (unsigned k = 0; k < segments; k++) {
            fits = fits && open() >= kMss;
            tsval++;
            tsecr = echo;
            send(A, std::string(kMss, 'x'));
            if (!said.empty())
                echo = said.back().s.tsval;
            said.clear();
            tsecr = echo_of_flight_;
        }
        echo_of_flight_ = echo;
        tsecr = echo;
        pass(ms(20));
        if (!said.empty())
            echo_of_flight_ = said.back().s.tsval;
        said.clear();
        tsecr = echo_of_flight_;
        return fits;
    }
    void open_connection()
    {
        listen();
        struct segment s = {};
        s.flags = S;
        s.seq = seq++;
        s.window = window;
        s.mss = syn.mss;
        s.sack_permitted = true;
        s.has_wscale = true;
        s.wscale = syn.wscale;
        send(s);
        Said syn_ack = take();
        ack = syn_ack.s.seq + 1;
        echo_of_flight_ = syn_ack.s.tsval;
        pass(ms(20));
        send(A);
        ASSERT_NE(app.stream, nullptr);
        said.clear();
    }

  private:
    uint32_t echo_of_flight_ = 0;
};

TEST_F(Window, AnIdleConnectionIsPromisedLittle)
{
    open_connection();
    pass(ms(1000));
    EXPECT_LE(open(), uint32_t(WINDOW_INITIAL));
    EXPECT_LE(host->pools->promised * host->tcp->window_per_buffer, 17000u);
}

TEST_F(Window, IsTwoToFourTimesWhatIsReadInARoundTrip)
{
    open_connection();
    for (int k = 0; k < 30; k++)
        flight(30);
    EXPECT_GE(open(), 2 * 30 * kMss);
    EXPECT_LE(open(), 4 * 30 * kMss);
}

TEST_F(Window, IsAlwaysOpenForASenderInSlowStart)
{
    open_connection();
    for (unsigned segments = 10; segments <= 640; segments *= 2)
        EXPECT_TRUE(flight(segments)) << segments;
}

TEST_F(Window, ComesDownWhenLittleIsRead)
{
    open_connection();
    for (unsigned segments = 10; segments <= 640; segments *= 2)
        flight(segments);
    uint32_t wide = open();
    for (int k = 0; k < 1500; k++)
        flight(1);
    EXPECT_LT(open(), wide / 8);
    EXPECT_GE(open(), uint32_t(WINDOW_INITIAL) / 2);
}

TEST_F(Window, DoesNotGrowForAnApplicationThatReadsSlowly)
{
    open_connection();
    app.reads = false;
    for (int k = 0; k < 40; k++) {
        if (open() >= kMss)
            flight(1);
        else
            pass(ms(20));
        if (k % 4 == 0)
            app.read();
    }
    EXPECT_LE(connection().window_target, 2u * WINDOW_INITIAL);
    app.read();
}

TEST_F(Window, GrowsWithoutTimestampsToo)
{
    timestamps = false;
    open_connection();
    for (unsigned segments = 10; segments <= 160; segments *= 2)
        EXPECT_TRUE(flight(segments)) << segments;
    EXPECT_GE(open(), 2 * 160 * kMss);
}

TEST_F(Window, LeavesMemoryToOthers)
{
    config.budget = 512;
    begin();
    open_connection();
    for (unsigned segments = 10; segments <= 160; segments *= 2)
        flight(segments);
    EXPECT_LE(open(), 512 / 4 * host->tcp->window_per_buffer + 2 * kMss);
    EXPECT_GT(open(), uint32_t(WINDOW_INITIAL));
}

TEST_F(Window, TheSendQueueGrowsWithTheCongestionWindow)
{
    window = 65535;
    open_connection();
    EXPECT_EQ(app.stream->send_limit, 64u * 1024);
    for (int round = 0; round < 4; round++) {
        app.say(std::string(stream_room(app.stream), 'd'));
        for (int k = 0; k < 40; k++) {
            pass(ms(1));
            if (!said.empty())
                ack = said.back().s.seq + said.back().s.data_len;
            said.clear();
        }
        send(A);
        said.clear();
    }
    EXPECT_EQ(app.stream->send_limit, 2 * connection().congestion.cwnd);
    EXPECT_GT(app.stream->send_limit, 64u * 1024);
}

struct WindowCrowd : Window {
    // Connections one after the other, each of which says `words` and no more.
    void Crowd(unsigned count, const std::string &words)
    {
        config.budget = 2048;
        config.max_connections = config.max_half_open = 2 * count;
        begin();
        listen();
        for (unsigned k = 0; k < count; k++) {
            peer_port = uint16_t(6000 + k);
            seq = 1;
            send(S);
            seq = 2;
            ack = take().s.seq + 1;
            send(A);
            // Over several round trips, as a greeting is.
            for (int round = 0; round < 3 && !words.empty(); round++) {
                send(A, words);
                app.say("250 fine\r\n");
                pass(ms(100));
                if (!said.empty()) {
                    ack = said.back().s.seq + said.back().s.data_len;
                    tsecr = said.back().s.tsval;
                }
                tsval++;
            }
            pass(ms(100));
            said.clear();
            ASSERT_GE(open(), kMss) << "connection " << k;
        }
    }
};

TEST_F(WindowCrowd, OfIdleConnectionsLeavesASegmentToEachThatComesAfter)
{
    Crowd(450, "");
}

TEST_F(WindowCrowd, OfConnectionsThatHaveGreetedDoesToo)
{
    Crowd(300, "EHLO client.example\r\n"); // each keeps the buffer of its last reply, too
}

} // namespace
