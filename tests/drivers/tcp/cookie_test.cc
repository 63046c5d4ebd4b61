// SPDX-License-Identifier: BSD-3-Clause
// SYN cookies (RFC 4987 §3.6): by themselves, and in a stack that has nothing left for strangers.
#include "tests/drivers/tcp/script.h"

extern "C" {
#include "drivers/tcp/cookie.h"
}

namespace
{

struct Cookie : ::testing::Test {
    struct isn isn = {};
    struct endpoint us = {}, them = {};
    nsec_t now = 1000 * NSEC_PER_SEC;
    uint32_t clock = 0x12345678;

    void SetUp() override
    {
        const uint8_t secret[16] = {1, 2, 3};
        ASSERT_TRUE(isn_create(&isn, secret));
        us.port = 25;
        them.port = 5000;
        them.addr.b[15] = 2;
    }
    void TearDown() override
    {
        isn_destroy(&isn);
    }
    // The ACK with which an honest client answers.
    struct segment answer(const struct segment &syn)
    {
        struct cookie c = cookie_make(&isn, &us, &them, &syn, clock, now);
        struct segment ack = {};
        ack.flags = A;
        ack.seq = syn.seq + 1;
        ack.ack = c.sequence + 1;
        ack.has_timestamp = syn.has_timestamp;
        ack.tsval = syn.tsval + 10;
        ack.tsecr = c.tsval;
        return ack;
    }
    bool read(const struct segment &ack, struct segment *syn)
    {
        return cookie_read(&isn, &us, &them, &ack, now, syn);
    }
    static struct segment plain_syn()
    {
        struct segment syn = {};
        syn.flags = S;
        syn.seq = 77777;
        syn.mss = 1460;
        return syn;
    }
};

TEST_F(Cookie, WithTimestampsScaleSackAndEcnSurviveRfc4987)
{
    struct segment syn = plain_syn(), again;
    syn.has_timestamp = true;
    syn.tsval = 4711;
    for (unsigned k = 0; k < 64; k++) {
        syn.has_wscale = k % 16 != 15;
        syn.wscale = uint8_t(syn.has_wscale ? k % 16 : 0);
        syn.sack_permitted = (k & 16) != 0;
        syn.flags = k & 32 ? S | TCP_ECE | TCP_CWR : S;
        ASSERT_TRUE(read(answer(syn), &again)) << k;
        EXPECT_EQ(again.flags, syn.flags);
        EXPECT_EQ(again.seq, syn.seq);
        EXPECT_EQ(again.mss, 1460u);
        EXPECT_EQ(again.has_wscale, syn.has_wscale);
        EXPECT_EQ(again.wscale, syn.wscale);
        EXPECT_EQ(again.sack_permitted, syn.sack_permitted);
        EXPECT_TRUE(again.has_timestamp);
        EXPECT_EQ(again.tsval, syn.tsval + 10);
    }
}

TEST_F(Cookie, WithoutTimestampsOnlyTheMssSurvives)
{
    struct segment syn = plain_syn(), again;
    syn.has_wscale = syn.sack_permitted = true;
    syn.wscale = 7;
    ASSERT_TRUE(read(answer(syn), &again));
    EXPECT_EQ(again.mss, 1460u);
    EXPECT_FALSE(again.has_wscale || again.sack_permitted || again.has_timestamp);
}

TEST_F(Cookie, TheMssIsNeverMoreThanWasOfferedAndNotMuchLess)
{
    struct segment syn = plain_syn(), again;
    for (unsigned offer = 88; offer < 10000; offer++) {
        syn.mss = uint16_t(offer);
        ASSERT_TRUE(read(answer(syn), &again));
        ASSERT_LE(again.mss, offer);
        ASSERT_GT(again.mss, 0u);
        if (offer >= 1220 && offer <= 1460) {
            ASSERT_GT(again.mss + 81u, offer);
        }
    }
    syn.mss = 0; // RFC 9293 §3.7.1 has a default for that, and so have connections
    ASSERT_TRUE(read(answer(syn), &again));
    EXPECT_EQ(again.mss, 0u);
}

TEST_F(Cookie, NotOneBitMayDiffer)
{
    struct segment syn = plain_syn(), again;
    syn.has_timestamp = true;
    const struct segment good = answer(syn);
    ASSERT_TRUE(read(good, &again));
    for (unsigned bit = 0; bit < 32; bit++) {
        struct segment bad = good;
        bad.ack ^= 1u << bit;
        EXPECT_FALSE(read(bad, &again)) << "acknowledgement, bit " << bit;
        bad = good;
        bad.seq ^= 1u << bit;
        EXPECT_FALSE(read(bad, &again)) << "sequence number, bit " << bit;
        bad = good;
        bad.tsecr ^= 1u << bit;
        EXPECT_EQ(read(bad, &again), bit >= 6) << "timestamp, bit " << bit;
    }
    struct segment bad = good;
    bad.has_timestamp = false;
    EXPECT_FALSE(read(bad, &again));
    for (uint8_t flags : {S, uint8_t(S | A), R, uint8_t(R | A), F}) {
        bad = good;
        bad.flags = flags;
        EXPECT_FALSE(read(bad, &again));
    }
    them.port++;
    EXPECT_FALSE(read(good, &again));
}

TEST_F(Cookie, LivesForAboutTwoMinutes)
{
    for (unsigned late = 0; late < 32; late++) {
        struct segment again, good = answer(plain_syn());
        nsec_t then = now;
        now = then + 96 * NSEC_PER_SEC;
        EXPECT_TRUE(read(good, &again)) << late;
        now = then + 128 * NSEC_PER_SEC;
        EXPECT_FALSE(read(good, &again)) << late;
        now = then + NSEC_PER_SEC;
    }
}

TEST_F(Cookie, ItsTimestampIsNeverAheadOfTheClock)
{
    struct segment syn = plain_syn();
    syn.has_timestamp = true;
    for (unsigned k = 0; k < 1000; k++, clock += 7919 * k) {
        struct cookie c = cookie_make(&isn, &us, &them, &syn, clock, now);
        EXPECT_LT(clock - c.tsval, 64u);
    }
    clock = 5; // it has just wrapped
    EXPECT_LT(clock - cookie_make(&isn, &us, &them, &syn, clock, now).tsval, 64u);
}

// One may be half open, and one is.
struct Cookies : Script {
    uint32_t first = 0; // the number of its SYN-ACK
    void SetUp() override
    {
        config.max_half_open = 1;
        config.max_connections = 4;
        config.ecn = true;
        syn.has_wscale = true;
        syn.wscale = 7;
        Script::SetUp();
        listen();
        press();
    }
    void press()
    {
        peer_port = 4999;
        send(S);
        first = take().s.seq;
        peer_port = 5000;
        seq = 2000000;
    }
    Said knock(uint8_t flags = S)
    {
        uint32_t before = usage().connections;
        send(flags);
        Said x = take();
        EXPECT_EQ(x.s.flags & (S | A | R), S | A);
        EXPECT_EQ(x.s.ack, seq);
        EXPECT_EQ(usage().connections, before) << "nothing is kept";
        ack = x.s.seq + 1;
        return x;
    }
};

TEST_F(Cookies, AConnectionIsMadeOfWhatComesBack)
{
    timestamps = true;
    Said x = knock(S | TCP_ECE | TCP_CWR);
    EXPECT_EQ(x.s.flags, S | A | TCP_ECE);
    EXPECT_TRUE(x.s.has_wscale && x.s.sack_permitted && x.s.has_timestamp);
    EXPECT_EQ(x.s.mss, 1460u);
    send(A);
    ASSERT_NE(app.stream, nullptr);
    const struct tcp_connection *c = connection_of(app.stream);
    EXPECT_EQ(c->mss, 1460u);
    EXPECT_TRUE(c->ts_ok && c->wscale_ok && c->recovery.sack && c->ecn_ok);
    EXPECT_EQ(c->snd_wscale, 7);
    EXPECT_EQ(c->rcv_wscale, x.s.wscale);
    EXPECT_EQ(c->snd_wnd, 65535u << 7);
    EXPECT_EQ(c->rto.srtt, 0u) << "nobody knows when the SYN-ACK left";
    EXPECT_EQ(c->rto.point, ack);
    EXPECT_EQ(counter(TCP_COOKIES_SENT), 1u);
    EXPECT_EQ(counter(TCP_COOKIES_ACCEPTED), 1u);
    EXPECT_EQ(counter(TCP_ACCEPTED), 1u);
    app.say("220 mx.example\r\n");
    round();
    x = take();
    EXPECT_EQ(x.data, "220 mx.example\r\n");
    acknowledge(x.s.seq + 16);
    send(A | P, "EHLO client.example\r\n");
    EXPECT_EQ(app.text, "EHLO client.example\r\n");
    EXPECT_EQ(stream_unacked(app.stream), 0u);
    pass(ms(50));
    ignore();
}

TEST_F(Cookies, WithoutTimestampsTheConnectionDoesWithoutOptions)
{
    Said x = knock();
    EXPECT_FALSE(x.s.has_wscale || x.s.sack_permitted || x.s.has_timestamp);
    send(A);
    ASSERT_NE(app.stream, nullptr);
    const struct tcp_connection *c = connection_of(app.stream);
    EXPECT_FALSE(c->ts_ok || c->wscale_ok || c->recovery.sack || c->ecn_ok);
    EXPECT_EQ(c->snd_wnd, 65535u);
}

TEST_F(Cookies, DataThatCompletesTheHandshakeIsDelivered)
{
    knock();
    send(A | P, "EHLO impatient.example\r\n");
    EXPECT_EQ(app.text, "EHLO impatient.example\r\n");
    EXPECT_EQ(take().s.ack, seq);
}

TEST_F(Cookies, DataAndFinThatCompleteTheHandshakeAreDelivered)
{
    knock();
    send(A | F, "QUIT\r\n");
    EXPECT_EQ(app.text, "QUIT\r\n");
    EXPECT_TRUE(app.stream->eof);
    ignore();
}

TEST_F(Cookies, AGuessIsAnsweredWithRstAndCounted)
{
    knock();
    ack += 1 << 10;
    send(A);
    Said x = take();
    EXPECT_EQ(x.s.flags, R);
    EXPECT_EQ(x.s.seq, ack);
    EXPECT_EQ(app.stream, nullptr);
    EXPECT_EQ(counter(TCP_COOKIES_REFUSED), 1u);
}

TEST_F(Cookies, AnOldOneIsAnsweredWithRst)
{
    knock();
    uint32_t old = ack;
    for (unsigned k = 0; k < 13; k++) { // the flood goes on
        pass(10 * NSEC_PER_SEC);
        ignore();
        peer_port = uint16_t(6000 + k);
        send(S);
        send(S);
        ignore();
    }
    peer_port = 5000;
    seq = 2000001;
    ack = old;
    send(A);
    EXPECT_EQ(take().s.flags, R);
    EXPECT_EQ(counter(TCP_COOKIES_ACCEPTED), 0u);
    EXPECT_EQ(counter(TCP_COOKIES_REFUSED), 1u);
}

TEST_F(Cookies, InPeaceNobodyMayGuess)
{
    knock();
    pass(129 * NSEC_PER_SEC); // nobody came for so long
    ignore();
    send(A);
    EXPECT_EQ(take().s.flags, R);
    EXPECT_EQ(counter(TCP_COOKIES_REFUSED), 0u) << "it is not even looked at";
}

TEST_F(Cookies, TheSameAckAgainFindsTheConnection)
{
    knock();
    send(A);
    ASSERT_NE(app.stream, nullptr);
    send(A);
    silence();
    EXPECT_EQ(counter(TCP_ACCEPTED), 1u);
    EXPECT_EQ(counter(TCP_COOKIES_ACCEPTED), 1u);
}

// The price: a server that speaks first, and does not know that it should.
TEST_F(Cookies, ALostAckLeavesAClientWaitingUntilItSpeaks)
{
    timestamps = true;
    knock();
    // Its ACK is lost. From now on it has a connection, and waits for our banner.
    pass(90 * NSEC_PER_SEC);
    for (const Said &x : said)
        EXPECT_EQ(x.s.dst_port, 4999u) << "no byte, no SYN-ACK for it: we know nothing of it";
    ignore();
    EXPECT_EQ(app.stream, nullptr);
    // While the cookie lives, whatever it says brings the connection to life.
    send(A | P, "NOOP\r\n");
    ASSERT_NE(app.stream, nullptr);
    EXPECT_EQ(app.text, "NOOP\r\n");
    app.say("220 mx.example\r\n");
    round();
    EXPECT_EQ(said.back().data, "220 mx.example\r\n");
    ignore();
}

TEST_F(Cookies, ALostAckIsARstForAClientThatSpeaksTooLate)
{
    knock();
    pass(300 * NSEC_PER_SEC); // the patience that RFC 5321 §4.5.3.2.1 asks of a client
    ignore();
    send(A | P, "QUIT\r\n");
    EXPECT_EQ(take().s.flags, R) << "so it knows at last, and comes again";
    EXPECT_EQ(app.stream, nullptr);
}

TEST_F(Cookies, ItsAckCountsAlthoughTheSynCameAgainAndFoundRoom)
{
    Said cookie = knock();
    peer_port = 4999; // the other one leaves
    struct segment reset = {};
    reset.flags = R;
    reset.seq = 1000001;
    send(reset);
    ASSERT_EQ(usage().half_open, 0u);
    peer_port = 5000;
    seq--;
    send(S); // the same SYN: its SYN-ACK is slow
    EXPECT_NE(take().s.seq, cookie.s.seq);
    ASSERT_EQ(usage().half_open, 1u);
    ack = cookie.s.seq + 1;
    send(A);
    ASSERT_NE(app.stream, nullptr);
    EXPECT_EQ(usage().connections, 1u);
    silence();
}

TEST_F(Cookies, AClientThatHasProvenItselfDisplacesOneThatHasNot)
{
    enum stream_error why;
    struct endpoint to = peer();
    App apps[2];
    for (App &a : apps)
        ASSERT_NE(tcp_connect(host->tcp, nullptr, &to, App::handle, &a, &why), nullptr);
    round();
    ignore();
    knock();
    ASSERT_NE(tcp_connect(host->tcp, nullptr, &to, App::handle, &app, &why), nullptr);
    round();
    ignore();
    ASSERT_EQ(usage().connections, 4u);
    send(A);
    ASSERT_NE(app.stream, nullptr);
    EXPECT_EQ(usage().half_open, 0u);
    EXPECT_EQ(usage().connections, 4u);
    // And one that comes when there is nobody left to displace hears nothing, and asks again.
    peer_port = 5001;
    send(S);
    silence();
    EXPECT_EQ(counter(TCP_SYN_DROPPED), 2u);
}

} // namespace
