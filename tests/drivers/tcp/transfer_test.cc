// SPDX-License-Identifier: BSD-3-Clause
// Segments and the memory behind them: what scripts/*.script cannot say.
#include "tests/drivers/tcp/script.h"

namespace
{

struct Transfer : Script {
    static constexpr uint32_t kMss = 1460;

    // `n` full segments of ours are in flight; returns the sequence number of the first byte.
    uint32_t flight(unsigned n)
    {
        uint32_t first = ack;
        app.say(std::string(n * kMss, 'd'));
        round();
        for (unsigned k = 0; k < n; k++) {
            Said x = take();
            EXPECT_EQ(x.s.seq, first + k * kMss);
            EXPECT_EQ(x.s.data_len, kMss);
        }
        silence();
        return first;
    }
};

TEST_F(Transfer, AnUnreadWindowClosesAndOpensWhenTheApplicationReads)
{
    config.receive_window = 8192;
    begin();
    accepted();
    app.reads = false;
    app.say("220\r\n");
    round();
    acknowledge(take().s.seq + 5);
    while (true) {
        send(A, std::string(1024, 'x'));
        pass(ms(50));
        Said x = said.back();
        ignore();
        if (x.s.window == 0)
            break;
        ASSERT_LT(app.stream->readable, 20000u);
    }
    EXPECT_LE(app.stream->readable, 8192u);
    seq -= 1; // a zero-window probe
    send(A);
    seq += 1;
    EXPECT_EQ(take().s.window, 0);
    app.read();
    round();
    Said x = take();
    EXPECT_GE(x.s.window, 4096) << "an update, unasked";
    silence();
}

TEST_F(Transfer, APeerThatRenegesGetsEverythingAgain)
{
    accepted();
    uint32_t f = flight(4);
    acknowledge(f, {{f + kMss, f + 3 * kMss}});
    acknowledge(f + kMss); // and not more: what it had reported is gone
    for (unsigned k = 0; k < 10 && stream_unacked(app.stream) > 0; k++) {
        pass(5 * NSEC_PER_SEC);
        std::set<uint32_t> seen;
        for (const Said &x : said)
            seen.insert(x.s.seq);
        ignore();
        uint32_t up = ack;
        while (seen.count(up))
            up += kMss;
        acknowledge(up);
    }
    EXPECT_EQ(stream_unacked(app.stream), 0u);
}

TEST_F(Transfer, APortThatSegmentsGetsALargeWriteAsOnePacket)
{
    nic.caps.tx_tcp_checksum = nic.caps.tso = true;
    begin();
    accepted();
    std::string words;
    for (unsigned k = 0; k < 9 * kMss + 100; k++)
        words += char('a' + k % 23);
    uint64_t frames = host->frames_sent();
    app.say(words);
    round();
    EXPECT_EQ(host->frames_sent(), frames + 1);
    std::string heard;
    for (unsigned k = 0; k < 10; k++) {
        Said x = take();
        EXPECT_EQ(x.s.flags & P, k == 9 ? P : 0);
        heard += x.data;
    }
    EXPECT_EQ(heard, words);
    silence();
}

TEST_F(Transfer, OfALargePacketOnlyTheSegmentThatWasLostIsSentAgain)
{
    nic.caps.tx_tcp_checksum = nic.caps.tso = true;
    begin();
    accepted(ms(20));
    uint32_t f = ack;
    app.say(std::string(9 * kMss, 'd'));
    round();
    ignore();
    pass(ms(20));
    acknowledge(f + kMss, {{f + 3 * kMss, f + 9 * kMss}});
    Said x = take();
    EXPECT_EQ(x.s.seq, f + kMss);
    EXPECT_EQ(x.s.data_len, kMss);
    pass(ms(20));
    acknowledge(f + 2 * kMss, {{f + 3 * kMss, f + 9 * kMss}});
    EXPECT_EQ(take().s.seq, f + 2 * kMss);
    silence();
    acknowledge(f + 9 * kMss);
    EXPECT_EQ(counter(TCP_TX_RETRANSMITS), 2u);
}

TEST_F(Transfer, AGapIsReportedThoughDataOfOursLeavesInTheSameRound)
{
    accepted();
    app.say("250 OK\r\n");
    send_ahead(100, "out of order");
    EXPECT_EQ(take().data, "250 OK\r\n");
    Said x = take();
    ASSERT_EQ(x.s.sack_count, 1);
    EXPECT_EQ(x.s.sack[0].start, seq + 100);
}

TEST_F(Transfer, RoundTripsAreMeasuredWhereverSequenceNumbersBegin)
{
    for (unsigned eighth = 0; eighth < 8; eighth++) {
        now += (UINT64_C(1) << 29) * 4 * NSEC_PER_USEC; // our numbers move on by an eighth
        peer_port++;
        begin();
        said.clear();
        accepted(ms(20));
        for (unsigned k = 0; k < 2; k++) {
            uint32_t f = flight(2);
            pass(ms(28));
            acknowledge(f + 2 * kMss);
        }
        EXPECT_EQ(connection_of(app.stream)->rto.srtt, ms(20) + ms(1) + ms(7) / 8)
            << "the handshake, and an eighth of 8 ms, twice; our numbers began at " << ack;
        app = App();
    }
}

TEST_F(Transfer, SegmentsOfOneBurstThatFollowOneAnotherAreProcessedAsOne)
{
    accepted();
    send(A, "x");
    pass(ms(50)); // its ACK opens the window
    ignore();
    std::string words = "x";
    gathers = true;
    for (unsigned k = 0; k < 9; k++) {
        std::string part(k < 8 ? kMss : 100, char('a' + k));
        send(k < 8 ? A : A | P, part);
        words += part;
    }
    round();
    EXPECT_EQ(counter(TCP_RX_COALESCED), 8u);
    EXPECT_EQ(app.text, words);
    EXPECT_EQ(take().s.ack, seq);
    silence();
    EXPECT_EQ(host->tcp->connections[0].rcv_mss, kMss) << "of the wire";
}

TEST_F(Transfer, WhatSaysSomethingElseIsNotJoined)
{
    accepted();
    uint32_t f = flight(2);
    gathers = true;
    std::string part(100, 'x');
    send(A, part);
    ack = f + kMss;
    send(A, part); // another acknowledgement
    window--;
    send(A, part); // another window
    send(A | P, part);
    send(A, part); // behind a PSH
    seq += 100;
    send(A, part); // behind a gap
    seq -= 200;
    send(A, part); // which this fills
    seq += 100;
    send(A, part + part); // larger than the one before
    send(A, part);
    send(A, part); // behind a shorter one
    send(A | F, part);
    round();
    EXPECT_EQ(counter(TCP_RX_COALESCED), 2u) << "the PSH, and the shorter one";
    EXPECT_EQ(app.text, std::string(1200, 'x'));
    EXPECT_TRUE(app.events & STREAM_EOF);
    ignore();
}

TEST_F(Transfer, SmallSegmentsShareABuffer)
{
    accepted();
    app.reads = false;
    for (unsigned k = 0; k < 3000; k++)
        send(A, "x");
    pools_poll(host->pools);
    EXPECT_LE(rte_mempool_in_use_count(host->pools->data), 3u);
    EXPECT_EQ(app.stream->readable, 3000u);
    app.read();
    EXPECT_EQ(app.text, std::string(3000, 'x'));
    ignore();
}

TEST_F(Transfer, SmallWritesShareABufferAndASegment)
{
    accepted();
    for (unsigned k = 0; k < 1000; k++)
        app.say("x");
    EXPECT_EQ(rte_mempool_in_use_count(host->pools->data), 1u);
    round();
    EXPECT_EQ(take().data, std::string(1000, 'x'));
    silence();
}

TEST_F(Transfer, AForwardedSegmentIsNotCopiedAndKeepsItsChecksum)
{
    accepted();
    app.reads = false;
    std::string body(kMss, 'b');
    send(A, body);
    struct slice k;
    ASSERT_EQ(stream_peek(app.stream, 0, &k, 1), 1u);
    EXPECT_TRUE(k.sum_known);
    ASSERT_TRUE(stream_forward(app.stream, &k));
    stream_consume(app.stream, k.len);
    EXPECT_EQ(rte_mempool_in_use_count(host->pools->data), 1u);
    round();
    EXPECT_EQ(take().data, body);
}

TEST_F(Transfer, ForwardedSegmentsKeepTheirBoundsBehindAShortLineOfOurs)
{
    accepted();
    app.reads = false;
    send(A, std::string(kMss, 'a'));
    send(A, std::string(kMss, 'b'));
    ignore();
    app.say("Received: by us\r\n");
    struct slice k[2];
    ASSERT_EQ(stream_peek(app.stream, 0, k, 2), 2u);
    for (auto &one : k)
        ASSERT_TRUE(stream_forward(app.stream, &one));
    round();
    EXPECT_EQ(take().data, "Received: by us\r\n");
    EXPECT_EQ(take().data, std::string(kMss, 'a'));
    EXPECT_EQ(take().data, std::string(kMss, 'b'));
}

TEST_F(Transfer, OddOffsetsKeepChecksumsRight)
{
    accepted();
    app.reads = false;
    send(A, std::string(301, 'a') + "b");
    send_ahead(0, "");
    send(A, std::string(99, 'c'));
    ignore();
    struct slice k[4];
    unsigned n = stream_peek(app.stream, 0, k, 4);
    app.say("odd");
    for (unsigned i = 0; i < n; i++)
        ASSERT_TRUE(stream_forward(app.stream, &k[i]));
    app.say("!");
    round(); // hear() verifies
    EXPECT_EQ(take().data, "odd" + std::string(301, 'a') + "b" + std::string(99, 'c') + "!");
}

TEST_F(Transfer, WithoutMemoryPayloadIsDroppedAndAcksAreProcessed)
{
    config.budget = 64;
    begin();
    accepted();
    uint32_t f = flight(1);
    std::vector<struct rte_mbuf *> hoard;
    while (!pools_exhausted(host->pools)) {
        hoard.push_back(rte_pktmbuf_alloc(host->pools->data));
        pools_poll(host->pools);
    }
    struct segment s = {};
    s.flags = A;
    s.seq = seq;
    s.ack = f + kMss;
    s.window = window;
    send(s, "no room for this");
    EXPECT_EQ(stream_unacked(app.stream), 0u) << "the ACK counted";
    EXPECT_EQ(app.text, "");
    EXPECT_EQ(counter(TCP_RX_NO_MEMORY), 1u);
    EXPECT_EQ(take().s.ack, seq);
    for (auto *m : hoard)
        rte_pktmbuf_free(m);
    ack = f + kMss;
    send(A, "room for this");
    EXPECT_EQ(app.text, "room for this");
    ignore();
}

TEST_F(Transfer, AWindowKeptShutByMemoryOpensWhenMemoryComesBack)
{
    config.receive_window = 8192;
    begin();
    accepted();
    app.say("220\r\n");
    round();
    acknowledge(take().s.seq + 5);
    app.reads = false;
    Said last;
    while (last.s.flags == 0 || last.s.window > 0) {
        send(A, std::string(512, 'x'));
        pass(ms(50));
        last = said.back();
        ignore();
    }
    // Everything that nobody was promised goes elsewhere; then the application reads.
    std::vector<struct rte_mbuf *> hoard;
    struct pools *p = host->pools;
    auto take_the_rest = [&] {
        pools_poll(p);
        while (p->rings + p->reserve + p->in_use + p->promised < p->data_count) {
            hoard.push_back(rte_pktmbuf_alloc(p->data));
            pools_poll(p);
        }
    };
    take_the_rest();
    app.read();
    take_the_rest();
    pass(NSEC_PER_SEC);
    EXPECT_EQ(app.stream->readable, 0u) << "the application is not to blame";
    for (const Said &x : said)
        EXPECT_EQ(x.s.window, 0);
    ignore();
    for (auto *m : hoard)
        rte_pktmbuf_free(m);
    round();
    EXPECT_GT(take().s.window, 0) << "an update, unasked";
    silence();
}

} // namespace
