// SPDX-License-Identifier: BSD-3-Clause
// How large packets may be: what routers say, and what one learns where they say nothing.
#include <map>
#include <vector>

#include "tests/drivers/tcp/script.h"

namespace
{

// A peer that SACKs what arrives, behind a path that swallows what is larger than its MTU.
struct Pmtu : Script {
    static constexpr unsigned kHeaders = 40;
    static constexpr unsigned kBase = 1024 + kHeaders;

    std::map<uint32_t, uint32_t> islands; // received out of order
    std::vector<unsigned> sizes;          // of packets with data, as they were sent
    std::map<uint32_t, unsigned> latest;  // and the last one from each number
    unsigned outage = 0;                  // so many packets more are lost, whatever their size
    bool sacks = true;

    struct tcp_connection *connection() const
    {
        return connection_of(app.stream);
    }
    unsigned size_now() const
    {
        return connection()->mss + kHeaders;
    }
    void answer()
    {
        struct segment s = {};
        s.flags = A;
        s.seq = seq;
        s.ack = ack;
        s.window = window;
        for (const auto &[from, to] : islands)
            if (sacks && s.sack_count < 3)
                s.sack[s.sack_count++] = {from, to};
        send(s);
    }
    void arrive(uint32_t from, uint32_t to)
    {
        if (seq_at_or_before(from, ack)) {
            ack = seq_later(ack, to);
            if (!islands.empty() && seq_at_or_before(islands.begin()->first, ack)) {
                ack = seq_later(ack, islands.begin()->second);
                islands.erase(islands.begin());
            }
            return;
        }
        auto next = islands.upper_bound(from);
        if (next != islands.begin() && seq_at_or_after(std::prev(next)->second, from)) {
            std::prev(next)->second = seq_later(std::prev(next)->second, to);
            from = std::prev(next)->first;
            to = std::prev(next)->second;
        } else {
            islands[from] = to;
        }
        if (next != islands.end() && seq_at_or_after(to, next->first)) {
            islands[from] = seq_later(to, next->second);
            islands.erase(next);
        }
    }
    // What we said travels, and is answered segment by segment.
    void carry(unsigned mtu)
    {
        for (size_t left = said.size(); left > 0; left--) { // what answers cause comes later
            Said x = take();
            if (x.data.empty())
                continue;
            unsigned size = unsigned(x.data.size()) + kHeaders;
            uint32_t from = x.s.seq, to = from + uint32_t(x.data.size());
            sizes.push_back(size);
            latest[from] = size;
            if (size > mtu || outage > 0) {
                outage -= outage > 0;
                continue;
            }
            arrive(from, to);
            now += 10 * NSEC_PER_USEC; // no two segments come at once
            answer();
        }
    }
    // The application has always something to say. True: until `done`.
    bool flow(
        unsigned mtu, nsec_t span, const std::function<bool()> &done = [] { return false; })
    {
        for (nsec_t end = now + span; now < end;) {
            if (done())
                return true;
            size_t room = stream_room(app.stream);
            if (room > 0)
                app.say(std::string(std::min<size_t>(room, 30000), 'x'));
            round();
            pass(ms(10));
            carry(mtu);
        }
        return done();
    }
    // A connection whose path takes `mtu`, and that has found so much out that its last search is
    // over.
    void settled(unsigned mtu)
    {
        accepted(ms(10));
        ASSERT_TRUE(flow(mtu, 10 * NSEC_PER_SEC, [&] { return rests(); }));
        ASSERT_EQ(counter(TCP_MTU_BLACK_HOLES), 1u);
        sizes.clear();
    }
    // There has been a search, and it is over.
    bool rests() const
    {
        return counter(TCP_MTU_BLACK_HOLES) > 0 &&
               !pmtu_due(&connection()->pmtu, now + NSEC_PER_SEC);
    }
    // Nothing is said for so long.
    void idle(unsigned mtu, nsec_t span)
    {
        for (nsec_t end = now + span; now < end;) {
            pass(std::min(stream_unacked(app.stream) > 0 ? ms(10) : 30 * NSEC_PER_SEC, end - now));
            carry(mtu);
            answer();
        }
    }
    // The search is over; it has just become time for the next one.
    void due(unsigned mtu)
    {
        settled(mtu);
        idle(mtu, 601 * NSEC_PER_SEC);
        sizes.clear();
    }
    void too_big(uint32_t number, uint16_t mtu)
    {
        struct ip_addr us = host->address, them = peer().addr;
        const uint8_t quoted[8] = {uint8_t(our_port >> 8),  uint8_t(our_port),
                                   uint8_t(peer_port >> 8), uint8_t(peer_port),
                                   uint8_t(number >> 24),   uint8_t(number >> 16),
                                   uint8_t(number >> 8),    uint8_t(number)};
        input_unreachable(host->tcp, &us, &them, quoted, 8, IP_TOO_BIG, mtu);
        round();
    }
    // Lets data flow until a packet of `size` is out, which then stands last in `said`. Others
    // travel.
    bool until_probe(unsigned size, unsigned mtu)
    {
        for (unsigned k = 0; k < 1000; k++) {
            size_t room = stream_room(app.stream);
            if (room > 0)
                app.say(std::string(std::min<size_t>(room, 30000), 'x'));
            round();
            for (const Said &x : said)
                if (x.data.size() + kHeaders == size)
                    return true;
            pass(ms(10));
            carry(mtu);
        }
        return false;
    }
};

TEST_F(Pmtu, TwoTimeoutsOfAFullSegmentAreABlackHoleRfc4821Section77)
{
    accepted(ms(10));
    uint32_t first = ack;
    ASSERT_TRUE(flow(kBase, 5 * NSEC_PER_SEC, [&] { return counter(TCP_TX_TIMEOUTS) == 1; }));
    EXPECT_EQ(counter(TCP_MTU_BLACK_HOLES), 0u) << "one may be chance";
    ASSERT_TRUE(flow(kBase, NSEC_PER_SEC, [&] { return counter(TCP_MTU_BLACK_HOLES) == 1; }));
    EXPECT_EQ(counter(TCP_TX_TIMEOUTS), 2u);
    EXPECT_EQ(size_now(), kBase);
    sizes.clear();
    flow(kBase, ms(500));
    EXPECT_EQ(latest[first], kBase) << "what was larger is cut";
    EXPECT_GT(ack - first, 10u * 1460);
}

TEST_F(Pmtu, APathThatTakesLessThanTheBaseGetsTheLeastRfc1191Section3)
{
    accepted(ms(10));
    EXPECT_TRUE(flow(600, 30 * NSEC_PER_SEC, [&] { return app.stream->acked > 100000; }));
    EXPECT_EQ(counter(TCP_MTU_BLACK_HOLES), 2u);
}

TEST_F(Pmtu, TheSearchEndsWithinAFewBytesOfWhatThePathTakesRfc4821Section74)
{
    for (unsigned mtu : {1492u, 1400u, 1280u, 1100u, 1070u}) {
        begin();
        islands.clear();
        latest.clear();
        app = App();
        settled(mtu);
        EXPECT_LE(size_now(), mtu);
        EXPECT_GT(size_now() + 8, mtu);
        uint64_t probes = counter(TCP_TX_MTU_PROBES);
        EXPECT_LE(probes, 32u);
        EXPECT_EQ(probes, counter(TCP_TX_MTU_PROBES_ANSWERED) + counter(TCP_TX_MTU_PROBES_LOST));
        flow(mtu, 2 * NSEC_PER_SEC);
        EXPECT_EQ(counter(TCP_TX_MTU_PROBES), probes) << "and rests";
    }
}

TEST_F(Pmtu, ThreeProbesAreLostBeforeASizeIsTooLargeRfc8899Section512)
{
    due(1400);
    std::map<unsigned, unsigned> count;
    flow(1400, 3 * NSEC_PER_SEC);
    for (unsigned size : sizes)
        count[size] += size > 1400;
    EXPECT_EQ(count[1500], 3u);
    for (const auto &[size, times] : count)
        EXPECT_TRUE(times == 0 || times == 3) << size;
}

TEST_F(Pmtu, TheLossOfAProbeIsNoSignOfCongestionRfc4821Section75)
{
    due(1400);
    ASSERT_TRUE(until_probe(1500, 1400));
    uint32_t cwnd = connection()->congestion.cwnd;
    uint64_t timeouts = counter(TCP_TX_TIMEOUTS), lost = counter(TCP_TX_MTU_PROBES_LOST);
    ASSERT_TRUE(
        flow(1400, NSEC_PER_SEC, [&] { return counter(TCP_TX_MTU_PROBES_LOST) >= lost + 3; }));
    EXPECT_GE(connection()->congestion.cwnd, cwnd);
    EXPECT_EQ(counter(TCP_TX_FAST_RECOVERIES), 0u);
    EXPECT_EQ(counter(TCP_TX_TIMEOUTS), timeouts);
}

TEST_F(Pmtu, OtherLossesBesideAProbeAreCongestionRfc4821Section76)
{
    due(1400);
    ASSERT_TRUE(until_probe(1500, 1400));
    while (said.front().data.size() + kHeaders != 1500)
        said.pop_front();
    outage = 3;
    flow(1400, ms(100));
    EXPECT_EQ(counter(TCP_TX_FAST_RECOVERIES), 1u);
    EXPECT_EQ(connection()->pmtu.losses, 0u) << "this one says nothing about sizes";
}

TEST_F(Pmtu, TheBytesOfALostProbeAreSentAgainInOrdinarySegmentsRfc4821Section75)
{
    due(1400);
    unsigned size = size_now();
    ASSERT_TRUE(until_probe(1500, 1400));
    uint32_t number = 0;
    for (const Said &x : said)
        if (x.data.size() + kHeaders == 1500)
            number = x.s.seq;
    flow(1400, ms(15));
    EXPECT_EQ(latest[number], size);
    EXPECT_EQ(latest[number + size - kHeaders], 1500 - size + kHeaders);
}

TEST_F(Pmtu, AfterAnOutageOneProbeBringsTheFullSizeBackRfc4821Section77)
{
    accepted(ms(10));
    flow(0, 5 * NSEC_PER_SEC);
    ASSERT_EQ(counter(TCP_MTU_BLACK_HOLES), 2u);
    ASSERT_TRUE(flow(1500, 10 * NSEC_PER_SEC, [&] { return size_now() == 1500; }));
    EXPECT_EQ(counter(TCP_TX_MTU_PROBES), 1u);
    EXPECT_EQ(counter(TCP_TX_MTU_PROBES_ANSWERED), 1u);
}

TEST_F(Pmtu, TenMinutesAfterTheSearchItBeginsAnewRfc1191Section63)
{
    settled(1400);
    idle(1500, 580 * NSEC_PER_SEC);
    flow(1500, NSEC_PER_SEC);
    EXPECT_LE(size_now(), 1400u);
    idle(1500, 20 * NSEC_PER_SEC);
    flow(1500, NSEC_PER_SEC);
    EXPECT_EQ(size_now(), 1500u);
}

TEST_F(Pmtu, TenMinutesAfterARouterSpokeLargerSizesAreTriedRfc8201Section4)
{
    accepted(ms(10));
    app.say(std::string(1460, 'x'));
    round();
    too_big(ack, 1300);
    EXPECT_EQ(size_now(), 1300u);
    idle(1500, 598 * NSEC_PER_SEC);
    flow(1500, NSEC_PER_SEC);
    EXPECT_EQ(size_now(), 1300u);
    EXPECT_EQ(counter(TCP_TX_MTU_PROBES), 0u);
    flow(1500, 2 * NSEC_PER_SEC);
    EXPECT_EQ(size_now(), 1500u);
    EXPECT_EQ(counter(TCP_TX_MTU_PROBES), 1u);
}

TEST_F(Pmtu, ARouterThatRefusesAProbeNamesTheNextRfc8899Section462)
{
    due(1400);
    unsigned before = size_now();
    ASSERT_TRUE(until_probe(1500, 1400));
    too_big(connection()->recovery.mtu_probe_end - 1460, 1450);
    EXPECT_EQ(size_now(), before) << "what fits goes on as it was";
    ASSERT_TRUE(flow(1450, ms(200), [&] { return size_now() == 1450; }));
    flow(1450, 2 * NSEC_PER_SEC);
    EXPECT_EQ(size_now(), 1450u) << "no search is needed";
}

TEST_F(Pmtu, AnOldRouterThatRefusesAProbeDoesNotBringTheSizeDownRfc1191Section71)
{
    due(1400);
    unsigned before = size_now();
    ASSERT_TRUE(until_probe(1500, 1400));
    too_big(connection()->recovery.mtu_probe_end - 1460, 0);
    EXPECT_EQ(size_now(), before);
    EXPECT_EQ(connection()->pmtu.high, 1492u) << "the plateau below the probe";
}

TEST_F(Pmtu, SmallSegmentsThatTimeOutAreNoMatterOfSizeRfc4821Section77)
{
    accepted(ms(10));
    app.say(std::string(1000, 'x'));
    round();
    pass(10 * NSEC_PER_SEC);
    EXPECT_GT(counter(TCP_TX_TIMEOUTS), 3u);
    EXPECT_EQ(counter(TCP_MTU_BLACK_HOLES), 0u);
    EXPECT_EQ(size_now(), 1500u);
    ignore();
}

TEST_F(Pmtu, WhereFullSegmentsArriveTwoTimeoutsAreLossRfc4821Section77)
{
    accepted(ms(10));
    uint32_t first = ack;
    app.say(std::string(4 * 1460, 'x'));
    round();
    acknowledge(first, {{first + 2 * 1460, first + 3 * 1460}});
    for (unsigned k = 0; k < 500 && counter(TCP_TX_TIMEOUTS) < 3; k++)
        pass(ms(10));
    EXPECT_EQ(counter(TCP_MTU_BLACK_HOLES), 0u);
    pass(10 * NSEC_PER_SEC);
    EXPECT_GE(counter(TCP_MTU_BLACK_HOLES), 1u) << "but the path may have changed";
    ignore();
}

TEST_F(Pmtu, ALostSynIsNoMatterOfSizeRfc4821Section77)
{
    ASSERT_NE(connect(), nullptr);
    pass(20 * NSEC_PER_SEC);
    for (const Said &x : said)
        EXPECT_EQ(x.s.mss, 1460u);
    EXPECT_GE(said.size(), 4u);
    EXPECT_EQ(counter(TCP_MTU_BLACK_HOLES), 0u);
    ignore();
}

TEST_F(Pmtu, ThePeersMssIsNotExceededRfc9293Section371)
{
    syn.mss = 1200;
    due(1100);
    flow(1500, 2 * NSEC_PER_SEC);
    EXPECT_EQ(size_now(), 1240u);
    for (unsigned size : sizes)
        EXPECT_LE(size, 1240u);
    EXPECT_TRUE(connection()->pmtu.widest) << "there is nothing more to find";
}

TEST_F(Pmtu, WithoutSackNothingIsProbedRfc4821Section75)
{
    syn.sack_permitted = sacks = false;
    accepted(ms(10));
    ASSERT_TRUE(flow(1400, 5 * NSEC_PER_SEC, [&] { return counter(TCP_MTU_BLACK_HOLES) == 1; }));
    flow(1400, 2 * NSEC_PER_SEC);
    EXPECT_EQ(size_now(), kBase);
    EXPECT_EQ(counter(TCP_TX_MTU_PROBES), 0u);
}

TEST_F(Pmtu, TooLittleToSayIsNotProbedWithRfc4821Section74)
{
    due(1400);
    uint64_t probes = counter(TCP_TX_MTU_PROBES);
    app.say(std::string(4000, 'x'));
    round();
    carry(1400);
    EXPECT_EQ(counter(TCP_TX_MTU_PROBES), probes);
}

// The NIC cuts what we write into segments of the ordinary size; a probe it must leave whole.
TEST_F(Pmtu, AProbeIsOneSegmentForANicThatCutsRfc4821Section75)
{
    nic.caps.tx_tcp_checksum = nic.caps.tso = true;
    begin();
    due(1400);
    EXPECT_GT(size_now(), 1392u);
    EXPECT_LE(size_now(), 1400u);
    flow(1500, 2 * NSEC_PER_SEC);
    EXPECT_EQ(size_now(), 1500u);
}

} // namespace
