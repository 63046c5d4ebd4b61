// SPDX-License-Identifier: BSD-3-Clause
// What strangers can make us do: as little as possible. More of it in scripts/reset_attacks.script.
#include "tests/drivers/tcp/script.h"

namespace
{

struct Attack : Script {
    void SetUp() override
    {
        config.max_connections = 2048;
        config.max_half_open = 1024;
        config.budget = 8192;
        Script::SetUp();
    }
    // `n` segments for no connection, each from another port.
    void storm(unsigned n, uint8_t flags)
    {
        for (unsigned k = 0; k < n; k++) {
            peer_port = uint16_t(10000 + k % 50000);
            seq += 12345;
            ack += 54321;
            send(flags);
        }
    }
};

TEST_F(Attack, ResetsForNothingAreLimitedForAWorkerRfc5961)
{
    uint64_t previous = 0;
    bool vary = false;
    for (unsigned second = 0; second < 8; second++) {
        uint64_t before = counter(TCP_TX_RESETS);
        storm(2000, A);
        uint64_t sent = counter(TCP_TX_RESETS) - before;
        EXPECT_EQ(said.size(), sent);
        ignore();
        EXPECT_GE(sent, TCP_RESETS / 2);
        EXPECT_LT(sent, TCP_RESETS * 3 / 2);
        vary = vary || (second > 0 && sent != previous);
        previous = sent;
        pass(ms(1600)); // longer than any grant is for
    }
    EXPECT_TRUE(vary) << "who counts what is left must learn nothing (CVE-2016-5696)";
    EXPECT_EQ(counter(TCP_TX_RESETS) + counter(TCP_TX_RESETS_LIMITED), 16000u);
    EXPECT_EQ(counter(TCP_RX_NO_CONNECTION), 16000u);
}

TEST_F(Attack, ChallengesAreLimitedForAWorkerAndForAConnectionRfc5961)
{
    config.max_connections = 4096;
    config.max_half_open = 4096;
    config.budget = 1 << 15;
    begin();
    listen();
    const unsigned kMany = 1600;
    std::vector<uint32_t> next(kMany);
    for (unsigned k = 0; k < kMany; k++) {
        peer_port = uint16_t(10000 + k);
        seq = 1000 * k;
        send(S);
        ack = take().s.seq + 1;
        send(A);
        next[k] = seq;
    }
    ignore();
    for (unsigned k = 0; k < kMany; k++) {
        peer_port = uint16_t(10000 + k);
        for (unsigned again = 0; again < 2; again++) {
            seq = next[k] + 1;
            send(R);
        }
    }
    EXPECT_EQ(said.size(), counter(TCP_TX_CHALLENGES));
    EXPECT_GE(said.size(), TCP_CHALLENGES / 2u);
    EXPECT_LT(said.size(), TCP_CHALLENGES * 3 / 2u);
    EXPECT_EQ(counter(TCP_TX_CHALLENGES) + counter(TCP_TX_CHALLENGES_LIMITED), 2 * kMany);
    EXPECT_EQ(usage().connections, kMany);
    ignore();
}

TEST_F(Attack, AnExactRstIsTheOnlyOneEvenBehindSackedDataAndFinRfc5961)
{
    accepted();
    send_ahead(100, std::string(100, 'x'));
    pass(ms(200));
    ignore();
    uint32_t next = seq;
    for (uint32_t at : {next + 100, next + 200}) { // the edges that SACK told
        seq = at;
        send(R);
        EXPECT_EQ(take().s.flags, A);
        pass(ms(200));
    }
    EXPECT_FALSE(app.down);
    seq = next;
    send(A, std::string(100, 'y'));
    seq = next + 200;
    send(A | F);
    EXPECT_TRUE(app.stream->eof);
    ignore();
    seq = next + 200;
    send(R); // as if its FIN had not counted
    EXPECT_FALSE(app.down);
    silence();
}

TEST_F(Attack, ARstWithSynBeyondTheWindowIsNotAnsweredRfc5961)
{
    accepted();
    seq += 1000000;
    send(R | S);
    silence();
    EXPECT_FALSE(app.down);
}

TEST_F(Attack, OldTimestampsWithoutDataAreAnsweredOnceInAWhile)
{
    timestamps = true;
    accepted();
    tsval -= 100;
    for (unsigned k = 0; k < 50; k++)
        send(A);
    EXPECT_EQ(said.size(), 1u);
    EXPECT_EQ(counter(TCP_RX_PAWS), 50u);
    ignore();
    send(A, "old data"); // from a peer that repeats it: it must learn where we are
    EXPECT_EQ(take().s.ack, seq - 8);
}

TEST_F(Attack, NoIcmpErrorEndsAnEstablishedConnectionRfc5927)
{
    accepted();
    app.say("220 mx.example\r\n");
    round();
    uint32_t sent = take().s.seq;
    for (enum ip_unreachable what : {IP_PORT_UNREACHABLE, IP_HOST_UNREACHABLE}) {
        uint8_t quoted[8] = {0,
                             25,
                             uint8_t(peer_port >> 8),
                             uint8_t(peer_port),
                             uint8_t(sent >> 24),
                             uint8_t(sent >> 16),
                             uint8_t(sent >> 8),
                             uint8_t(sent)};
        struct ip_addr us = host->address, them = peer().addr;
        input_unreachable(host->tcp, &us, &them, quoted, sizeof(quoted), what, 0);
        round();
    }
    EXPECT_FALSE(app.down);
    EXPECT_EQ(counter(TCP_ICMP_SOFT), 2u);
    acknowledge(sent + 16);
    EXPECT_EQ(stream_unacked(app.stream), 0u);
}

TEST_F(Attack, HalfOpenConnectionsArePromisedLittleMemory)
{
    config.budget = 1024;
    begin();
    listen();
    for (unsigned k = 0; k < 1000; k++) {
        peer_port = uint16_t(10000 + k);
        send(S);
    }
    EXPECT_LE(host->pools->promised, 1024u / 8);
    EXPECT_GE(usage().half_open, 16u);
    EXPECT_EQ(usage().half_open + counter(TCP_COOKIES_SENT), 1000u);
    ignore();
}

// Two hundred connections, each with sixty holes in what it sends: none of it can be delivered.
TEST_F(Attack, WhatWaitsOutOfOrderStaysWithinWhatWasPromisedAndOthersMove)
{
    config.budget = 1024;
    begin();
    accepted();
    struct stream *honest = app.stream;
    uint32_t next = seq, acked = ack;
    for (unsigned k = 0; k < 200; k++) {
        peer_port = uint16_t(10000 + k);
        seq = 1000 * k;
        send(S);
        ack = take().s.seq + 1;
        send(A);
        for (unsigned hole = 1; hole <= 60; hole++)
            send_ahead(hole * 40, "x");
        ignore();
    }
    EXPECT_GT(counter(TCP_RX_OUT_OF_ORDER), 500u);
    EXPECT_GT(counter(TCP_RX_OUT_OF_WINDOW), 5000u) << "no promise, no window, no memory";
    EXPECT_FALSE(pools_exhausted(host->pools));
    app.stream = honest;
    peer_port = 5000;
    seq = next;
    ack = acked;
    for (unsigned k = 0; k < 20; k++)
        send(A, "hello");
    EXPECT_EQ(app.text.size(), 100u);
    EXPECT_EQ(counter(TCP_RX_NO_MEMORY) + counter(TCP_RX_RENEGED), 0u);
    ignore();
}

TEST_F(Attack, AnIdleConnectionTakesAKilobyteAtMost)
{
    for (uint32_t most : {64u, 20000u, 100000u, 4000000u}) {
        struct tcp_footprint each = tcp_footprint(most, most);
        EXPECT_LE(each.connection, 1024u);
        EXPECT_LE(each.time_wait, 128u);
        EXPECT_GE(tcp_memory(most, most, 0), uint64_t(most) * (each.connection + each.time_wait));
    }
}

TEST_F(Attack, TheLastConnectionsAreKeptForClientsThatHaveProvenThemselves)
{
    config.max_connections = 64;
    config.max_half_open = 64;
    config.budget = 1 << 15;
    begin();
    listen();
    for (unsigned k = 0; k < 1000; k++) {
        peer_port = uint16_t(10000 + k);
        send(S);
    }
    EXPECT_EQ(usage().connections, 60u);
    ack = said.back().s.seq + 1;
    send(A);
    EXPECT_EQ(usage().connections, 61u);
    EXPECT_NE(app.stream, nullptr);
    ignore();
}

} // namespace
