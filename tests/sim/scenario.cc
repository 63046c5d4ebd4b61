// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/scenario.h"

#include <algorithm>

#include "tests/sim/dice.h"

namespace sim
{

namespace
{

Weather weather(Dice &d, bool ipv6)
{
    Weather w;
    if (d.one_in(6))
        return w;
    w.delay = 100 * NSEC_PER_USEC + d.upto(d.one_in(4) ? 150 : 20) * NSEC_PER_MSEC;
    w.jitter = d.one_in(2) ? 0 : d.upto(10 * NSEC_PER_MSEC);
    w.loss = d.one_in(3) ? 0 : d.chance(d.one_in(3) ? 0.15 : 0.03);
    w.reorder = d.one_in(2) ? 0 : d.chance(0.1);
    w.duplicate = d.one_in(2) ? 0 : d.chance(0.05);
    w.corrupt = d.one_in(3) ? d.chance(0.03) : 0;
    if (d.one_in(5)) {
        w.good_for = (50 + d.upto(5000)) * NSEC_PER_MSEC;
        w.bad_for = w.good_for / (5 + d.upto(50));
        w.bad_loss = 0.5 + d.chance(0.5);
    }
    if (d.one_in(3))
        w.mark = d.chance(d.one_in(4) ? 1 : 0.05);
    w.bleach = d.one_in(8);
    if (d.one_in(3))
        w.rate = 2000000 + d.upto(100000000);
    w.queue = 10 + unsigned(d.upto(200));
    w.queue_marks = d.one_in(3);
    if (d.one_in(8)) // RFC 8200 §5: no link of IPv6 carries less than 1,280
        w.mtu = ipv6 ? 1280 + unsigned(d.upto(220)) : 600 + unsigned(d.upto(900));
    if (d.one_in(8)) {
        w.blackout_every = (4 + d.upto(10)) * NSEC_PER_SEC;
        w.blackout_for = d.upto(w.blackout_every / 8);
    }
    return w;
}

Change change(Dice &d, nsec_t at, bool ipv6, bool hopeless)
{
    Change c = {at, {weather(d, ipv6), weather(d, ipv6)}};
    if (d.one_in(8)) { // the link itself goes down and comes up again
        nsec_t every = (3 + d.upto(10)) * NSEC_PER_SEC, down = d.upto(every / 8);
        for (Weather &w : c.weather) {
            w.blackout_every = every;
            w.blackout_for = down;
        }
    }
    if (hopeless) { // nothing passes in one direction, or in none
        unsigned which = unsigned(d.upto(3));
        for (unsigned side = 0; side < 2; side++)
            if (which == side || which == 2)
                c.weather[side].loss = d.one_in(4) ? 0.9 : 1;
    }
    return c;
}

Nic nic(Dice &d, bool ipv6)
{
    Nic n;
    n.caps.tx_tcp_checksum = d.one_in(3);
    n.caps.rx_tcp_checksum = d.one_in(3);
    n.caps.tso = n.caps.tx_tcp_checksum && d.one_in(2);
    n.caps.max_segments = d.one_in(3) ? uint16_t(1 + d.upto(4)) : UINT16_MAX;
    n.scatter = d.one_in(3);
    if (d.one_in(8))
        n.mtu = uint16_t(ipv6 ? 1280 + d.upto(220) : 576 + d.upto(924));
    n.hold = d.upto(d.one_in(6) ? 500 * NSEC_PER_MSEC : 5 * NSEC_PER_MSEC) + 1;
    if (d.one_in(6)) {
        n.stall_every = (1 + d.upto(5)) * NSEC_PER_SEC;
        n.stall_for = d.upto(n.stall_every / 3);
        n.queue = 4 + unsigned(d.upto(500));
    }
    return n;
}

HostConfig host(Dice &d, bool ipv6)
{
    HostConfig c;
    const uint32_t budgets[] = {48, 96, 256, 2048, 2048, 2048, 2048, 2048};
    c.budget = budgets[d.upto(8)];
    c.receive_window = d.one_in(3) ? 4096 + uint32_t(d.upto(60000)) : 256 * 1024;
    c.send_limit = d.one_in(3) ? 4096 + uint32_t(d.upto(60000)) : 256 * 1024;
    c.congestion = d.one_in(3) ? CONGESTION_NEWRENO : CONGESTION_CUBIC;
    c.ecn = d.one_in(2);
    c.addresses = 1 + unsigned(d.upto(3));
    c.ipv6 = ipv6;
    if (d.one_in(4))
        c.max_time_wait = 1 + uint32_t(d.upto(4));
    if (d.one_in(6))
        c.max_half_open = 1 + uint32_t(d.upto(4));
    return c;
}

Manner manner(Dice &d, bool brief)
{
    Manner m;
    m.say = d.one_in(4) ? 0 : d.one_in(4) && !brief ? d.upto(600000) : d.upto(brief ? 4000 : 40000);
    m.write_most = d.one_in(4) ? 1 + d.upto(30) : 1 + d.upto(9000);
    if (m.write_most < 100)
        m.say = std::min<uint64_t>(m.say, 20000);
    if (d.one_in(3)) {
        m.read_pause = d.upto(300 * NSEC_PER_MSEC);
        m.read_most = 2000 + d.upto(100000);
    }
    return m;
}

Meeting meeting(Dice &d, nsec_t begins, bool brief)
{
    Meeting m = {{manner(d, brief), manner(d, brief)}, begins};
    m.manner[1].echo = d.one_in(4);
    m.manner[d.upto(2)].leaves_first = true;
    if (d.one_in(10)) {
        m.manner[d.upto(2)].close_when_said = true;
        m.polite = false;
    }
    if (d.one_in(10)) {
        m.manner[d.upto(2)].abort_after = d.upto(20000);
        m.polite = false;
    }
    if (d.one_in(12)) { // stops to read for minutes
        Manner &reader = m.manner[d.upto(2)];
        reader.stop_at = d.upto(20000);
        reader.stop_for = d.upto(600) * NSEC_PER_SEC;
        m.manner[0].patient = m.manner[1].patient = true;
    }
    if (d.one_in(5))
        m.times = 2 + unsigned(d.upto(4));
    return m;
}

void add_troubles(Dice &d, Scenario &s)
{
    auto add = [&](Trouble::Kind kind, nsec_t within, nsec_t lasts) {
        Trouble t = {kind, s.start + d.upto(within), unsigned(d.upto(2)), uint32_t(d.upto(4)),
                     lasts};
        s.troubles.push_back(t);
    };
    if (d.one_in(5))
        for (unsigned k = 0; k < 8; k++)
            add(Trouble::LIE, 3 * NSEC_PER_SEC, 0);
    if (d.one_in(8))
        for (unsigned k = 0; k < 3; k++)
            add(Trouble::FAMINE, 4 * NSEC_PER_SEC, d.upto(2 * NSEC_PER_SEC));
    if (d.one_in(8))
        for (unsigned k = 0; k < 3; k++)
            add(Trouble::SHORTAGE, 4 * NSEC_PER_SEC, d.upto(2 * NSEC_PER_SEC));
    if (d.one_in(10)) {
        s.hopeless = true;
        for (unsigned k = 0; k < 1 + d.upto(3); k++)
            add(d.one_in(2) ? Trouble::CRASH : Trouble::RESTART, 4 * NSEC_PER_SEC, 0);
    }
    std::sort(s.troubles.begin(), s.troubles.end(),
              [](const Trouble &a, const Trouble &b) { return a.at < b.at; });
}

} // namespace

Scenario scenario(uint64_t seed)
{
    Dice d{std::mt19937_64(seed)};
    Scenario s;
    bool ipv6 = seed % 3 == 0;
    s.host[0] = host(d, ipv6);
    s.host[1] = host(d, ipv6);
    s.nic = nic(d, ipv6);
    s.start = 1000 * NSEC_PER_SEC;
    bool wraps = d.one_in(4); // sequence numbers pass zero in the first conversation
    if (wraps || d.one_in(6))
        s.host[0].port_first = s.host[0].port_last = 40000;
    if (wraps) {
        uint32_t isn = 0U - uint32_t(d.upto(30000));
        s.start = World::when_isn_is(seed, 40000, kPort, isn, ipv6);
        s.host[0].addresses = 1;
    }
    s.weather.push_back(change(d, s.start, ipv6, false));
    for (unsigned more = d.one_in(3) ? 1 + unsigned(d.upto(4)) : 0; more > 0; more--) {
        bool dead = d.one_in(10);
        nsec_t at = s.weather.back().at + d.upto(2 * NSEC_PER_SEC);
        s.weather.push_back(change(d, at, ipv6, dead));
        s.hopeless |= dead;
    }
    for (const Change &c : s.weather)
        s.corrupt |= c.weather[0].corrupt + c.weather[1].corrupt > 0;
    bool crowd = d.one_in(15);
    for (uint64_t count = crowd ? 10 + d.upto(30) : 1 + d.upto(6); count > 0; count--) {
        nsec_t wait = wraps && s.meetings.empty() ? 0 : d.upto(300 * NSEC_PER_MSEC);
        s.meetings.push_back(meeting(d, s.start + wait, crowd));
    }
    add_troubles(d, s);
    return s;
}

} // namespace sim
