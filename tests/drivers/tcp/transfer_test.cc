// SPDX-License-Identifier: BSD-3-Clause
// Windows, acknowledgements and retransmission, segment by segment.
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
    // The window and the round trip as after a while: cwnd has grown by what was acknowledged.
    void warm_up(unsigned segments)
    {
        for (unsigned k = 0; k < segments; k += 2) {
            uint32_t first = flight(2);
            pass(ms(10));
            acknowledge(first + 2 * kMss);
        }
    }
};

TEST_F(Transfer, TheInitialWindowIsTenSegments)
{
    accepted();
    app.say(std::string(50 * kMss, 'd'));
    round();
    EXPECT_EQ(said.size(), 10u);
    ignore();
}

TEST_F(Transfer, ALostSynAckMeansAnInitialWindowOfOne)
{
    listen();
    send(S);
    pass(1500 * NSEC_PER_MSEC);
    ack = said.back().s.seq + 1;
    ignore();
    send(A);
    app.say(std::string(50 * kMss, 'd'));
    round();
    EXPECT_EQ(said.size(), 1u);
    ignore();
}

TEST_F(Transfer, SlowStartAddsASegmentForEachOneAcknowledged)
{
    accepted();
    app.say(std::string(100 * kMss, 'd'));
    round();
    ignore();
    acknowledge(ack + 2 * kMss);
    EXPECT_EQ(said.size(), 4u);
    ignore();
}

TEST_F(Transfer, AWindowThatIsNotUsedDoesNotGrow)
{
    accepted();
    for (unsigned k = 0; k < 100; k++) {
        uint32_t first = ack;
        app.say("RSET\r\n");
        round();
        take();
        acknowledge(first + 6);
    }
    app.say(std::string(50 * kMss, 'd'));
    round();
    EXPECT_EQ(said.size(), 10u);
    ignore();
}

TEST_F(Transfer, NothingGoesBeyondThePeersWindow)
{
    window = 4000;
    accepted();
    app.say(std::string(10000, 'd'));
    round();
    EXPECT_EQ(take().s.data_len, kMss);
    EXPECT_EQ(take().s.data_len, kMss);
    // 1080 bytes are left: less than a segment, less than half of the window (RFC 9293 §3.8.6.2.1).
    silence();
}

TEST_F(Transfer, TheWindowOfTheHandshakeIsNotScaledAndLaterOnesAre)
{
    syn.has_wscale = true;
    syn.wscale = 7;
    window = 1000; // in the SYN: bytes; later: 128000
    listen();
    send(S);
    ack = take().s.seq + 1;
    send(A);
    app.say(std::string(100 * kMss, 'd'));
    round();
    EXPECT_EQ(said.size(), 10u);
    ignore();
}

TEST_F(Transfer, APeerWithoutMssOptionGets536)
{
    syn.mss = 0;
    accepted();
    app.say(std::string(2000, 'd'));
    round();
    EXPECT_EQ(take().s.data_len, 536u);
    ignore();
}

TEST_F(Transfer, OneSegmentIsAcknowledgedAfterFortyMilliseconds)
{
    accepted();
    app.say("220 ready\r\n"); // opens the window wide
    round();
    acknowledge(take().s.seq + 11);
    send(A, std::string(200, 'x'));
    send_ahead(0, ""); // an ACK does not provoke one
    silence();
    nsec_t then = now;
    pass(ms(45));
    Said x = take();
    EXPECT_EQ(x.s.ack, seq);
    EXPECT_GE(x.when - then, ms(39));
}

TEST_F(Transfer, EverySecondFullSegmentIsAcknowledgedAtOnce)
{
    accepted();
    app.say("220 ready\r\n");
    round();
    acknowledge(take().s.seq + 11);
    app.reads = false;
    send(A, std::string(kMss, 'x'));
    silence();
    send(A, std::string(kMss, 'x'));
    EXPECT_EQ(take().s.ack, seq);
    silence();
}

TEST_F(Transfer, AGapIsReportedAtOnceAndSoIsItsEnd)
{
    accepted();
    send_ahead(100, std::string(100, 'b'));
    Said x = take();
    EXPECT_EQ(x.s.ack, seq);
    ASSERT_EQ(x.s.sack_count, 1);
    EXPECT_EQ(x.s.sack[0].start, seq + 100);
    EXPECT_EQ(x.s.sack[0].end, seq + 200);
    send_ahead(300, std::string(100, 'd'));
    x = take();
    ASSERT_EQ(x.s.sack_count, 2);
    EXPECT_EQ(x.s.sack[0].start, seq + 300) << "the newest first (RFC 2018)";
    send(A, std::string(100, 'a'));
    x = take();
    EXPECT_EQ(x.s.ack, seq + 100);
    EXPECT_EQ(app.text.size(), 200u);
    send_ahead(100, std::string(100, 'c'));
    EXPECT_EQ(take().s.ack, seq + 300);
    EXPECT_EQ(app.text.substr(150, 200),
              std::string(50, 'b') + std::string(100, 'c') + std::string(50, 'd'));
}

TEST_F(Transfer, APeerWithoutSackIsNotToldOfIt)
{
    syn.sack_permitted = false;
    accepted();
    send_ahead(100, "b");
    EXPECT_EQ(take().s.sack_count, 0);
}

TEST_F(Transfer, RepeatedDataIsAcknowledgedAgain)
{
    accepted();
    send(A, "hello");
    ignore();
    pass(ms(50));
    ignore();
    seq -= 5;
    send(A, "hello");
    EXPECT_EQ(take().s.ack, seq);
    EXPECT_EQ(app.text, "hello");
}

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

TEST_F(Transfer, AShutWindowIsProbedWithBackOff)
{
    accepted();
    uint32_t first = flight(2);
    window = 0;
    acknowledge(first + 2 * kMss);
    app.say(std::string(5000, 'd'));
    round();
    silence();
    nsec_t last = now, gap = 0;
    for (unsigned k = 0; k < 5; k++) {
        pass(20 * NSEC_PER_SEC);
        while (!said.empty()) {
            Said x = take();
            EXPECT_EQ(x.s.data_len, 0u);
            EXPECT_EQ(x.s.seq, ack - 1);
            EXPECT_GE(x.when - last, gap);
            gap = x.when - last;
            last = x.when;
            acknowledge(ack); // still shut
        }
    }
    EXPECT_FALSE(app.down);
    EXPECT_GT(counter(TCP_TX_ZERO_WINDOW_PROBES), 4u);
    window = 65535;
    acknowledge(ack);
    EXPECT_EQ(said.size(), 4u);
    ignore();
}

TEST_F(Transfer, APeerThatDoesNotAnswerProbesIsGivenUp)
{
    accepted();
    uint32_t first = flight(1);
    window = 0;
    acknowledge(first + kMss);
    app.say("more");
    pass(1000 * NSEC_PER_SEC);
    EXPECT_TRUE(app.down);
    EXPECT_EQ(app.error, STREAM_TIMED_OUT);
    ignore();
}

TEST_F(Transfer, ASmallWindowIsUsedWhenNothingBetterComes)
{
    accepted();
    uint32_t first = flight(1);
    window = 100; // far below a segment and below half of the largest window
    acknowledge(first + kMss);
    app.say(std::string(5000, 'd'));
    round();
    silence();
    pass(ms(1500));
    EXPECT_EQ(take().s.data_len, 100u);
    ignore();
}

TEST_F(Transfer, ThreeSackedSegmentsMakeTheOneBeforeThemLost)
{
    accepted(ms(20));
    uint32_t f = flight(6);
    pass(ms(20));
    acknowledge(f, {{f + kMss, f + 2 * kMss}});
    acknowledge(f, {{f + kMss, f + 3 * kMss}});
    silence();
    acknowledge(f, {{f + kMss, f + 4 * kMss}});
    Said x = take();
    EXPECT_EQ(x.s.seq, f);
    silence();
    EXPECT_EQ(counter(TCP_TX_FAST_RECOVERIES), 1u);
    // Only the hole was repaired.
    acknowledge(f + 6 * kMss);
    silence();
    EXPECT_EQ(counter(TCP_TX_RETRANSMITS), 1u);
    EXPECT_EQ(counter(TCP_TX_TIMEOUTS), 0u);
}

TEST_F(Transfer, TwoHolesAreRepairedInOneRoundTrip)
{
    accepted(ms(20));
    uint32_t f = flight(10);
    pass(ms(20));
    acknowledge(f, {{f + kMss, f + 2 * kMss}});
    acknowledge(f, {{f + 3 * kMss, f + 4 * kMss}, {f + kMss, f + 2 * kMss}});
    acknowledge(f, {{f + 3 * kMss, f + 6 * kMss}, {f + kMss, f + 2 * kMss}});
    EXPECT_EQ(take().s.seq, f);
    acknowledge(f, {{f + 3 * kMss, f + 9 * kMss}, {f + kMss, f + 2 * kMss}});
    EXPECT_EQ(take().s.seq, f + 2 * kMss);
    silence();
}

TEST_F(Transfer, TheWindowComesDownOnceForOneFlightAndByWhatArrives)
{
    accepted(ms(20));
    uint32_t f = flight(10);
    app.say(std::string(100 * kMss, 'd'));
    round();
    pass(ms(20));
    acknowledge(f, {{f + kMss, f + 2 * kMss}});
    acknowledge(f, {{f + kMss, f + 3 * kMss}});
    EXPECT_EQ(said.size(), 2u) << "limited transmit";
    ignore();
    pass(ms(1));
    acknowledge(f, {{f + kMss, f + 4 * kMss}});
    EXPECT_EQ(take().s.seq, f);
    uint32_t flight = 12, reduced = host->tcp->connections[0].congestion.ssthresh / kMss;
    // RFC 6937: for each segment that arrives ssthresh / flight of one is sent.
    for (unsigned k = 5; k <= 12; k++)
        acknowledge(f, {{f + kMss, f + k * kMss}});
    EXPECT_LE(said.size(), 9 * reduced / flight + 1);
    EXPECT_GE(said.size() + 1, 8 * reduced / flight);
    size_t sent = said.size();
    ignore();
    acknowledge(f + 12 * kMss); // everything, limited transmit included
    EXPECT_EQ(said.size() + sent, reduced);
    EXPECT_EQ(counter(TCP_TX_FAST_RECOVERIES), 1u);
    ignore();
}

TEST_F(Transfer, LimitedTransmitSendsTwoNewSegmentsForTwoDuplicates)
{
    syn.sack_permitted = false;
    accepted();
    uint32_t f = flight(10);
    app.say(std::string(10 * kMss, 'd'));
    round();
    silence();
    acknowledge(f);
    EXPECT_EQ(take().s.seq, f + 10 * kMss);
    acknowledge(f);
    EXPECT_EQ(take().s.seq, f + 11 * kMss);
    acknowledge(f);
    EXPECT_EQ(take().s.seq, f) << "the third is fast retransmit";
    silence();
}

TEST_F(Transfer, WithoutSackAPartialAckShowsTheNextHole)
{
    syn.sack_permitted = false;
    accepted();
    uint32_t f = flight(8);
    for (unsigned k = 0; k < 3; k++)
        acknowledge(f);
    EXPECT_EQ(take().s.seq, f);
    acknowledge(f + 3 * kMss); // one more is missing
    EXPECT_EQ(take().s.seq, f + 3 * kMss);
    acknowledge(f + 8 * kMss);
    EXPECT_EQ(counter(TCP_TX_FAST_RECOVERIES), 1u);
    EXPECT_EQ(counter(TCP_TX_TIMEOUTS), 0u);
    silence();
}

TEST_F(Transfer, AWindowUpdateIsNotADuplicate)
{
    syn.sack_permitted = false;
    accepted();
    uint32_t f = flight(4);
    for (unsigned k = 0; k < 5; k++) {
        window = uint16_t(window - 1);
        acknowledge(f);
    }
    EXPECT_EQ(counter(TCP_TX_RETRANSMITS), 0u);
    silence();
}

TEST_F(Transfer, AfterATimeoutEverythingIsSentAgainInSlowStartButWhatWasSacked)
{
    accepted(ms(20));
    uint32_t f = flight(4);
    acknowledge(f, {{f + 2 * kMss, f + 3 * kMss}});
    said.clear();
    // What was thought lost is sent again, and lost again: no ACK comes.
    pass(ms(1500));
    EXPECT_GE(counter(TCP_TX_TIMEOUTS), 1u);
    ignore();
    acknowledge(f + kMss, {{f + 2 * kMss, f + 3 * kMss}});
    EXPECT_EQ(take().s.seq, f + kMss);
    EXPECT_EQ(take().s.seq, f + 3 * kMss);
    silence();
    acknowledge(f + 4 * kMss);
    EXPECT_EQ(stream_unacked(app.stream), 0u);
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

TEST_F(Transfer, AnAckInTheMiddleOfASegmentIsTaken)
{
    accepted();
    uint32_t f = flight(2);
    acknowledge(f + 700);
    EXPECT_EQ(stream_unacked(app.stream), 2 * kMss - 700);
    pass(ms(1500));
    EXPECT_EQ(take().s.seq, f + kMss) << "the tail's probe";
    Said x = take();
    EXPECT_EQ(x.s.seq, f + 700);
    EXPECT_EQ(x.s.data_len, kMss - 700);
    ignore();
    acknowledge(f + 2 * kMss);
}

TEST_F(Transfer, ALostFinIsSentAgain)
{
    accepted();
    app.say("221 bye\r\n");
    stream_close(app.stream);
    round();
    Said x = take();
    acknowledge(x.s.seq + 9); // the text, not the FIN
    pass(ms(1500));
    Said again = take();
    EXPECT_EQ(again.s.flags & F, F);
    EXPECT_EQ(again.s.seq, x.s.seq + 9);
    EXPECT_EQ(again.s.data_len, 0u);
    ignore();
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

TEST_F(Transfer, ARouterThatTakesLessIsSentLess)
{
    accepted();
    uint32_t f = flight(2);
    uint8_t quoted[8] = {uint8_t(our_port >> 8), uint8_t(our_port), uint8_t(peer_port >> 8),
                         uint8_t(peer_port),     uint8_t(f >> 24),  uint8_t(f >> 16),
                         uint8_t(f >> 8),        uint8_t(f)};
    struct ip_addr us = host->address, them = peer().addr;
    input_unreachable(host->tcp, &us, &them, quoted, 8, IP_TOO_BIG, 1000);
    round();
    EXPECT_EQ(take().s.data_len, 960u);
    ignore();
    acknowledge(f + 2 * kMss);
    app.say(std::string(3000, 'd'));
    round();
    EXPECT_EQ(take().s.data_len, 960u);
    ignore();
    // Nobody talks us below 576, or up again.
    f = ack;
    quoted[4] = uint8_t(f >> 24), quoted[5] = uint8_t(f >> 16), quoted[6] = uint8_t(f >> 8),
    quoted[7] = uint8_t(f);
    input_unreachable(host->tcp, &us, &them, quoted, 8, IP_TOO_BIG, 68);
    round();
    EXPECT_EQ(take().s.data_len, 536u);
    ignore();
    input_unreachable(host->tcp, &us, &them, quoted, 8, IP_TOO_BIG, 1500);
    round();
    silence();
}

TEST_F(Transfer, IcmpThatQuotesNothingInFlightIsIgnored)
{
    accepted();
    uint32_t f = flight(1);
    acknowledge(f + kMss);
    uint8_t quoted[8] = {uint8_t(our_port >> 8), uint8_t(our_port), uint8_t(peer_port >> 8),
                         uint8_t(peer_port),     uint8_t(f >> 24),  uint8_t(f >> 16),
                         uint8_t(f >> 8),        uint8_t(f)};
    struct ip_addr us = host->address, them = peer().addr;
    input_unreachable(host->tcp, &us, &them, quoted, 8, IP_TOO_BIG, 600);
    input_unreachable(host->tcp, &us, &them, quoted, 8, IP_PORT_UNREACHABLE, 0);
    EXPECT_EQ(counter(TCP_ICMP_IGNORED), 2u);
    EXPECT_FALSE(app.down);
}

TEST_F(Transfer, AnUnreachablePortEndsAnAttemptButNoConnection)
{
    connect();
    uint32_t iss = take().s.seq;
    uint8_t quoted[8] = {uint8_t(our_port >> 8), uint8_t(our_port),  uint8_t(peer_port >> 8),
                         uint8_t(peer_port),     uint8_t(iss >> 24), uint8_t(iss >> 16),
                         uint8_t(iss >> 8),      uint8_t(iss)};
    struct ip_addr us = host->address, them = peer().addr;
    input_unreachable(host->tcp, &us, &them, quoted, 8, IP_HOST_UNREACHABLE, 0);
    EXPECT_FALSE(stream_is_down(app.stream));
    input_unreachable(host->tcp, &us, &them, quoted, 8, IP_PORT_UNREACHABLE, 0);
    EXPECT_TRUE(stream_is_down(app.stream));
    EXPECT_EQ(app.stream->error, STREAM_REFUSED);
}

} // namespace
