// SPDX-License-Identifier: BSD-3-Clause
// Segment arrival: opening, closing, resetting (RFC 9293 §3.10.7).
#include "tests/drivers/tcp/script.h"

namespace
{

using States = Script;

TEST_F(States, ASynToAPortWithoutListenerIsAnsweredWithRst)
{
    send(S);
    Said x = take();
    EXPECT_EQ(x.s.flags, R | A);
    EXPECT_EQ(x.s.seq, 0u);
    EXPECT_EQ(x.s.ack, seq);
    EXPECT_EQ(counter(TCP_RX_NO_LISTENER), 1u);
}

TEST_F(States, AnAckThatBelongsToNothingIsAnsweredWithRstAtItsNumber)
{
    ack = 4711;
    send(A, "left over from before we crashed");
    Said x = take();
    EXPECT_EQ(x.s.flags, R);
    EXPECT_EQ(x.s.seq, 4711u);
}

TEST_F(States, ARstIsNeverAnswered)
{
    send(R);
    send(R | A);
    silence();
}

TEST_F(States, ASegmentWithAWrongChecksumIsDroppedAndCounted)
{
    listen();
    struct segment s = {};
    s.flags = S;
    s.seq = seq;
    send(s, "", true);
    silence();
    EXPECT_EQ(counter(TCP_RX_BAD_CHECKSUM), 1u);
}

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

TEST_F(States, DataThatCompletesTheHandshakeIsDelivered)
{
    listen();
    send(S);
    ack = take().s.seq + 1;
    send(A | P, "hello");
    EXPECT_EQ(app.text, "hello");
}

TEST_F(States, ALostSynAckIsSentAgainForTheSameSyn)
{
    listen();
    send(S);
    Said first = take();
    seq--;
    send(S);
    Said again = take();
    EXPECT_EQ(again.s.flags, S | A);
    EXPECT_EQ(again.s.seq, first.s.seq);
    EXPECT_EQ(usage().half_open, 1u);
}

TEST_F(States, ASynAckNobodyAnswersIsGivenUp)
{
    listen();
    send(S);
    pass(200 * NSEC_PER_SEC);
    EXPECT_EQ(said.size(), 1u + TCP_RETRIES_SYN_ACK);
    EXPECT_EQ(usage().connections, 0u);
    EXPECT_EQ(app.stream, nullptr);
}

TEST_F(States, TheOldestHalfOpenConnectionMakesRoomInAFlood)
{
    listen();
    for (unsigned k = 0; k < config.max_half_open + 5; k++) {
        peer_port = uint16_t(6000 + k);
        send(S);
    }
    EXPECT_EQ(usage().half_open, config.max_half_open);
    EXPECT_EQ(counter(TCP_SYN_DROPPED), 5u);
    // The latest still gets through.
    ack = said.back().s.seq + 1;
    send(A);
    EXPECT_NE(app.stream, nullptr);
}

TEST_F(States, AConnectionIsOpened)
{
    connected();
    app.say("QUIT\r\n");
    round();
    EXPECT_EQ(take().data, "QUIT\r\n");
    EXPECT_EQ(counter(TCP_CONNECTED), 1u);
}

TEST_F(States, WhatWasWrittenBeforeTheConnectionOpenedGoesWithItsFirstAck)
{
    connect();
    app.say("EHLO we\r\n");
    ack = take().s.seq + 1;
    send(S | A);
    Said x = take();
    EXPECT_EQ(x.data, "EHLO we\r\n");
    silence();
}

TEST_F(States, ARefusedConnectionIsReported)
{
    connect();
    ack = take().s.seq + 1;
    send(R | A);
    EXPECT_TRUE(app.down);
    EXPECT_EQ(app.error, STREAM_REFUSED);
    stream_close(app.stream);
    EXPECT_EQ(usage().connections, 0u);
}

TEST_F(States, ARstWithoutAnAcceptableAckDoesNotRefuseAConnection)
{
    connect();
    Said syn_out = take();
    send(R);
    ack = syn_out.s.seq + 5;
    send(R | A);
    EXPECT_FALSE(app.down);
}

TEST_F(States, ASynNobodyAnswersIsGivenUpAfterTwoMinutes)
{
    connect();
    pass(122 * NSEC_PER_SEC);
    EXPECT_FALSE(app.down);
    EXPECT_EQ(said.size(), 1u + TCP_RETRIES_SYN);
    EXPECT_EQ(said[1].when - said[0].when, NSEC_PER_SEC);
    EXPECT_EQ(said[2].when - said[1].when, 2 * NSEC_PER_SEC);
    pass(2 * NSEC_PER_SEC);
    EXPECT_TRUE(app.down);
    EXPECT_EQ(app.error, STREAM_TIMED_OUT);
}

TEST_F(States, ANeighbourThatDoesNotAnswerMakesAConnectionUnreachable)
{
    answers_arp = false;
    connect();
    pass(10 * NSEC_PER_SEC);
    EXPECT_TRUE(app.down);
    EXPECT_EQ(app.error, STREAM_UNREACHABLE);
}

TEST_F(States, AConnectionOfOurPreviousLifeIsEndedAndTheNextSynFindsItGone)
{
    connect();
    Said syn_out = take();
    // The peer still has a connection between these ports: it answers with a challenge ACK.
    ack = syn_out.s.seq - 100000;
    send(A);
    Said reset = take();
    EXPECT_EQ(reset.s.flags, R);
    EXPECT_EQ(reset.s.seq, ack);
    nsec_t then = now;
    pass(ms(100));
    Said again = take();
    EXPECT_EQ(again.s.flags, S);
    EXPECT_EQ(again.s.seq, syn_out.s.seq);
    EXPECT_LE(again.when - then, ms(50)) << "and not only after a second";
    ack = again.s.seq + 1;
    send(S | A);
    EXPECT_TRUE(app.events & STREAM_OPEN);
}

TEST_F(States, SimultaneousOpenConnects)
{
    connect();
    Said syn_out = take();
    send(S);
    Said x = take();
    EXPECT_EQ(x.s.flags, S | A);
    EXPECT_EQ(x.s.seq, syn_out.s.seq);
    ack = x.s.seq + 1;
    seq--;
    send(S | A);
    EXPECT_TRUE(app.events & STREAM_OPEN);
    EXPECT_EQ(take().s.flags, A);
}

TEST_F(States, AnExactRstEndsAConnection)
{
    accepted();
    send(R);
    EXPECT_TRUE(app.down);
    EXPECT_EQ(app.error, STREAM_RESET);
    silence();
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

TEST_F(States, ABlindRstIsChallengedRfc5961)
{
    accepted();
    seq += 100;
    send(R);
    EXPECT_FALSE(app.down);
    Said x = take();
    EXPECT_EQ(x.s.flags, A);
    EXPECT_EQ(x.s.ack, seq - 100);
    EXPECT_EQ(counter(TCP_RX_BLIND), 1u);
    seq += 1000000; // far outside
    send(R);
    silence();
}

TEST_F(States, ASynOnAnOpenConnectionIsChallenged)
{
    accepted();
    uint32_t expected = seq;
    seq = 77777; // a client that came back from a crash
    send(S);
    Said x = take();
    EXPECT_EQ(x.s.flags, A);
    EXPECT_EQ(x.s.ack, expected);
    // It answers as RFC 9293 says, and that is exact.
    seq = expected;
    send(R);
    EXPECT_TRUE(app.down);
}

TEST_F(States, ChallengesAreLimited)
{
    accepted();
    uint32_t expected = seq;
    for (unsigned k = 0; k < 100; k++) {
        seq = expected + 10;
        send(R);
    }
    EXPECT_EQ(said.size(), 1u);
    EXPECT_EQ(counter(TCP_TX_CHALLENGES_LIMITED), 99u);
    ignore();
}

TEST_F(States, AnAckOfWhatWasNeverSentIsChallenged)
{
    accepted();
    uint32_t una = ack;
    ack += 1000;
    send(A, "with data");
    EXPECT_EQ(app.text, "");
    Said x = take();
    EXPECT_EQ(x.s.seq, una);
    EXPECT_EQ(counter(TCP_RX_BAD_ACK), 1u);
}

TEST_F(States, AWrongAckInTheHandshakeIsReset)
{
    listen();
    send(S);
    ack = take().s.seq + 2;
    send(A);
    Said x = take();
    EXPECT_EQ(x.s.flags, R);
    EXPECT_EQ(x.s.seq, ack);
    EXPECT_EQ(app.stream, nullptr);
}

TEST_F(States, DataBeyondTheWindowIsAnsweredAndDropped)
{
    accepted();
    send_ahead(1000000, "far away");
    EXPECT_EQ(counter(TCP_RX_OUT_OF_WINDOW), 1u);
    EXPECT_EQ(take().s.ack, seq);
    EXPECT_EQ(app.text, "");
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

TEST_F(States, ThePeerClosesFirst)
{
    accepted();
    send(A | F, "QUIT\r\n");
    EXPECT_EQ(app.text, "QUIT\r\n");
    EXPECT_TRUE(app.events & STREAM_EOF);
    EXPECT_TRUE(app.stream->eof);
    EXPECT_EQ(take().s.ack, seq);
    app.say("221 bye\r\n");
    stream_close(app.stream);
    round();
    Said x = take();
    EXPECT_EQ(x.data, "221 bye\r\n");
    EXPECT_EQ(x.s.flags, A | F | P);
    acknowledge(x.s.seq + 10);
    EXPECT_EQ(usage().connections, 0u);
    EXPECT_EQ(usage().time_wait, 0u);
}

TEST_F(States, WeCloseFirstAndWaitInTimeWait)
{
    accepted();
    stream_close(app.stream);
    round();
    Said x = take();
    EXPECT_EQ(x.s.flags & F, F);
    EXPECT_EQ(usage().orphans, 1u);
    acknowledge(x.s.seq + 1);
    send(A | F);
    EXPECT_EQ(take().s.ack, seq);
    EXPECT_EQ(usage().connections, 0u);
    EXPECT_EQ(usage().time_wait, 1u);
    // A FIN that comes again is acknowledged again.
    seq--;
    send(A | F);
    EXPECT_EQ(take().s.ack, seq);
    pass(config.time_wait + NSEC_PER_SEC);
    EXPECT_EQ(usage().time_wait, 0u);
}

TEST_F(States, SimultaneousCloseEndsInTimeWait)
{
    accepted();
    stream_close(app.stream);
    round();
    Said x = take();
    send(A | F); // crosses ours
    EXPECT_EQ(take().s.ack, seq);
    EXPECT_EQ(usage().connections, 1u);
    acknowledge(x.s.seq + 1);
    EXPECT_EQ(usage().connections, 0u);
    EXPECT_EQ(usage().time_wait, 1u);
}

TEST_F(States, AFinAheadOfMissingDataWaitsForIt)
{
    accepted();
    send_ahead(5, "", A | F);
    EXPECT_FALSE(app.events & STREAM_EOF);
    send(A, "hello");
    EXPECT_TRUE(app.events & STREAM_EOF);
    EXPECT_EQ(app.text, "hello");
    EXPECT_EQ(said.back().s.ack, seq + 1);
    ignore();
}

TEST_F(States, TimeWaitGivesWayToANewerSyn)
{
    timestamps = true;
    accepted();
    stream_close(app.stream);
    round();
    uint32_t fin = take().s.seq;
    acknowledge(fin + 1);
    send(A | F);
    ignore();
    ASSERT_EQ(usage().time_wait, 1u);
    tsval += 1;
    seq -= 5000; // the timestamp decides, not the number (RFC 6191)
    send(S);
    Said x = take();
    EXPECT_EQ(x.s.flags, S | A);
    EXPECT_TRUE(seq_after(x.s.seq, fin));
    EXPECT_EQ(usage().time_wait, 0u);
}

TEST_F(States, TimeWaitDoesNotGiveWayToAnOldSyn)
{
    timestamps = true;
    accepted();
    stream_close(app.stream);
    round();
    acknowledge(take().s.seq + 1);
    send(A | F);
    ignore();
    tsval -= 1;
    send(S);
    EXPECT_EQ(take().s.flags, A);
    send(R); // RFC 1337
    EXPECT_EQ(usage().time_wait, 1u);
}

TEST_F(States, AnOrphanIsNotKeptForAPeerThatNeverCloses)
{
    accepted();
    stream_close(app.stream);
    round();
    acknowledge(take().s.seq + 1);
    pass(59 * NSEC_PER_SEC);
    EXPECT_EQ(usage().orphans, 1u);
    pass(2 * NSEC_PER_SEC);
    EXPECT_EQ(usage().connections, 0u);
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

TEST_F(States, AbortSendsRstAndForgets)
{
    accepted();
    app.say("never sent");
    stream_abort(app.stream);
    round();
    EXPECT_EQ(take().s.flags, R | A);
    silence();
    EXPECT_EQ(usage().connections, 0u);
    send(A, "anybody there?");
    EXPECT_EQ(take().s.flags, R);
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

TEST_F(States, KeepaliveFindsADeadPeer)
{
    accepted();
    pass(config.keepalive + NSEC_PER_SEC);
    Said x = take();
    EXPECT_EQ(x.s.seq, ack - 1);
    EXPECT_EQ(x.s.data_len, 0u);
    acknowledge(ack); // alive
    pass(config.keepalive + NSEC_PER_SEC);
    EXPECT_EQ(take().s.seq, ack - 1);
    pass(TCP_KEEPALIVE_PROBES * TCP_KEEPALIVE_INTERVAL);
    EXPECT_TRUE(app.down);
    EXPECT_EQ(app.error, STREAM_TIMED_OUT);
    ignore();
}

} // namespace
