// SPDX-License-Identifier: BSD-3-Clause
// Connections and those who use them: what scripts/*.script cannot say.
#include "tests/drivers/tcp/script.h"

namespace
{

using States = Script;

TEST_F(States, AConnectionIsAcceptedAndItsBytesAreDelivered)
{
    accepted();
    EXPECT_EQ(usage().half_open, 0u);
    app.say("220 mx.example\r\n");
    round();
    Said greeting = take();
    EXPECT_EQ(greeting.data, "220 mx.example\r\n");
    acknowledge(ack + 16);
    send(A | P, "EHLO client.example\r\n");
    EXPECT_EQ(app.text, "EHLO client.example\r\n");
    app.say("250 mx.example\r\n");
    round();
    Said x = take();
    EXPECT_EQ(x.data, "250 mx.example\r\n");
    EXPECT_EQ(x.s.flags, A | P);
    EXPECT_EQ(x.s.ack, seq) << "the ACK travels with the reply";
    acknowledge(ack + uint32_t(x.data.size()));
    EXPECT_EQ(stream_unacked(app.stream), 0u);
    EXPECT_TRUE(app.events & STREAM_ACKED);
}

TEST_F(States, ANeighbourThatDoesNotAnswerMakesAConnectionUnreachable)
{
    answers_arp = false;
    connect();
    pass(10 * NSEC_PER_SEC);
    EXPECT_TRUE(app.down);
    EXPECT_EQ(app.error, STREAM_UNREACHABLE);
}

TEST_F(States, WhatArrivedBeforeARstIsStillReadable)
{
    accepted();
    app.reads = false;
    send(A | P, "421 closing\r\n");
    send(R);
    EXPECT_TRUE(app.down);
    app.read();
    EXPECT_EQ(app.text, "421 closing\r\n");
    ignore();
}

TEST_F(States, OldTimestampsAreDroppedByPaws)
{
    timestamps = true;
    accepted();
    tsval = 6000;
    send(A | P, "new");
    ignore();
    tsval = 5999;
    send(A | P, "old");
    EXPECT_EQ(app.text, "new");
    EXPECT_EQ(counter(TCP_RX_PAWS), 1u);
    EXPECT_EQ(take().s.ack, seq - 3);
}

TEST_F(States, WhatComesAfterWeClosedIsHeardOutForAWindowThenReset)
{
    accepted();
    app.say("421 too busy\r\n");
    stream_close(app.stream);
    round();
    Said x = take();
    EXPECT_EQ(x.data, "421 too busy\r\n");
    std::string chunk(1000, 'x');
    send(A, chunk); // crosses our FIN
    acknowledge(x.s.seq + 15);
    unsigned taken = 1;
    while (counter(TCP_TX_RESETS) == 0 && taken < 100) {
        send(A, chunk);
        taken++;
    }
    EXPECT_GT(taken, 4u);
    EXPECT_LT(taken, 70u);
    EXPECT_EQ(usage().connections, 0u);
    EXPECT_EQ(said.back().s.flags & R, R);
    ignore();
}

TEST_F(States, AfterThatWindowAPeerThatOnlyProbesIsResetToo)
{
    syn.has_wscale = true;
    listen();
    send(S);
    Said syn_ack = take();
    ack = syn_ack.s.seq + 1;
    send(A);
    unsigned scale = syn_ack.s.wscale;
    ASSERT_GT(scale, 0u);
    app.reads = false;
    send(A, "EHLO x\r\n."); // what is left of the window is no multiple of the scale's unit
    ignore();
    app.say("421 too busy\r\n");
    stream_close(app.stream);
    round();
    Said x = take();
    acknowledge(x.s.seq + 15);
    uint32_t room = uint32_t(x.s.window) << scale;
    while (room > 0) { // fill what was offered, and not a byte more
        std::string chunk(std::min(room, 1000u), 'x');
        send(A, chunk);
        room -= uint32_t(chunk.size());
    }
    pass(NSEC_PER_SEC);
    EXPECT_EQ(said.back().s.window, 0u);
    EXPECT_EQ(usage().orphans, 1u);
    ignore();
    struct segment probe = {}; // as Linux does it: an old number, and no data
    probe.flags = A;
    probe.seq = seq - 1;
    probe.ack = ack;
    probe.window = window;
    send(probe);
    EXPECT_EQ(take().s.flags & R, R);
    EXPECT_EQ(usage().connections, 0u);
}

TEST_F(States, AStreamMayBeAbortedInItsOwnHandler)
{
    accepted();
    app.then = [this](unsigned) {
        app.reads = false;
        stream_abort(app.stream);
    };
    send(A | P, "x");
    EXPECT_EQ(usage().connections, 0u);
    ignore();
}

TEST_F(States, BorrowedSlicesOutliveTheStreamUntilTheHandlerReturns)
{
    for (auto leave : {stream_abort, stream_close}) {
        begin();
        accepted();
        app.reads = false;
        app.then = [this, leave](unsigned) {
            struct slice k;
            ASSERT_EQ(stream_peek(app.stream, 0, &k, 1), 1u);
            leave(app.stream);
            EXPECT_EQ(rte_mempool_in_use_count(host->pools->data), 1u);
            app.text.assign(reinterpret_cast<const char *>(k.data), k.len);
        };
        send(A | P, "still here");
        EXPECT_EQ(app.text, "still here");
        EXPECT_EQ(rte_mempool_in_use_count(host->pools->data), 0u);
        app = App();
        ignore();
    }
}

TEST_F(States, AClosedListenerResetsNewSynsAndKeepsWhatIsEstablished)
{
    accepted();
    peer_port++;
    send(S);
    EXPECT_EQ(take().s.flags, S | A);
    tcp_listen_close(listener);
    EXPECT_EQ(take().s.flags, R | A) << "half open: nobody will ever accept it";
    peer_port++;
    send(S);
    EXPECT_EQ(take().s.flags, R | A);
    peer_port -= 2;
    EXPECT_EQ(usage().connections, 1u);
}

TEST_F(States, AnEndpointIsListenedToOnce)
{
    listen();
    struct endpoint local = host->at(25);
    EXPECT_EQ(tcp_listen(host->tcp, &local, nullptr, nullptr), nullptr);
}

TEST_F(States, PortsAreNotUsedAgainWhileAConnectionOrTimeWaitHasThem)
{
    config.port_first = 40000;
    config.port_last = 40002;
    begin();
    App apps[4];
    struct endpoint to = peer();
    enum stream_error why = STREAM_OK;
    std::set<uint16_t> ports;
    for (unsigned k = 0; k < 3; k++) {
        apps[k].stream = tcp_connect(host->tcp, nullptr, &to, App::handle, &apps[k], &why);
        ASSERT_NE(apps[k].stream, nullptr);
        ports.insert(apps[k].stream->local.port);
    }
    EXPECT_EQ(ports.size(), 3u);
    EXPECT_EQ(tcp_connect(host->tcp, nullptr, &to, App::handle, &apps[3], &why), nullptr);
    EXPECT_EQ(why, STREAM_NO_MEMORY);
    EXPECT_EQ(counter(TCP_NO_PORT), 1u);
    to.port++; // another destination has them all
    apps[3].stream = tcp_connect(host->tcp, nullptr, &to, App::handle, &apps[3], &why);
    EXPECT_NE(apps[3].stream, nullptr);
}

} // namespace
