// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/observer.h"

#include <cstdlib>
#include <utility>

extern "C" {
#include "drivers/tcp/segment.h"
#include "drivers/tcp/seq.h"
}

namespace sim
{

Observer::Observer()
{
    const char *text = getenv("SPLITMX_SIM_TRACE");
    remembered_ = text != nullptr ? strtoul(text, nullptr, 0) : 200;
}

void Observer::forget()
{
    flows_.clear();
}

// Both directions have one, side 0's end first.
Observer::Flow &Observer::flow_of(unsigned side, const Bytes &f, const Packet &p)
{
    size_t size = p.v6 ? 16 : 4, source = p.tcp - 2 * size, other = p.tcp - size;
    size_t port = p.tcp, other_port = p.tcp + 2;
    if (side == 1) {
        std::swap(source, other);
        std::swap(port, other_port);
    }
    std::string key;
    for (auto [at, n] : {std::pair(source, size), {other, size}, {port, 2}, {other_port, 2}})
        key.append(reinterpret_cast<const char *>(&f[at]), n);
    return flows_[key];
}

void Observer::begin(Half &mine, Half &theirs, const Bytes &f, const Packet &p)
{
    if (mine.begun && mine.isn == p.seq)
        return;
    if (!(p.flags & TCP_ACK))
        theirs = Half();
    mine = Half();
    mine.begun = true;
    mine.isn = p.seq;
    for (size_t o = p.tcp + 20; o + 2 < p.data && f[o] != 0; o += f[o] == 1 ? 1 : f[o + 1]) {
        if (f[o] == 3) {
            mine.scales = true;
            mine.scale = f[o + 2];
        }
    }
}

std::string Observer::watch(unsigned side, const Bytes &frame)
{
    Packet p;
    if (!p.read(frame))
        return "";
    Flow &flow = flow_of(side, frame, p);
    Half &mine = flow.half[side], &theirs = flow.half[1 - side];
    if (p.flags & TCP_SYN)
        begin(mine, theirs, frame, p);
    if ((p.flags & TCP_RST) || !mine.begun)
        return "";
    // A probe of a shut window is one byte beyond it (RFC 9293 §3.8.6.1).
    if (mine.promised && p.length() > 0 && seq_after(p.seq + p.length(), mine.edge + 1))
        return "data beyond the peer's window: " + describe(frame, mine.isn, theirs.isn);
    if (!(p.flags & TCP_ACK) || !theirs.begun)
        return "";
    bool scaled = !(p.flags & TCP_SYN) && mine.scales && theirs.scales;
    uint32_t unit = scaled ? mine.scale : 0, edge = p.ack + (uint32_t(p.window) << unit);
    if (!theirs.promised || seq_after(edge, theirs.edge))
        theirs.edge = edge;
    theirs.promised = true;
    return "";
}

void Observer::note(unsigned side, nsec_t now, const char *fate, const Bytes &frame)
{
    Line line = {now, side, fate, frame, {0, 0}};
    Packet p;
    if (p.read(frame)) {
        const Flow &flow = flow_of(side, frame, p);
        line.isn[0] = flow.half[side].isn;
        line.isn[1] = flow.half[1 - side].isn;
    }
    lines_.push_back(std::move(line));
    if (lines_.size() > remembered_)
        lines_.pop_front();
}

std::string Observer::trace() const
{
    std::string all;
    for (const Line &l : lines_) {
        char when[64];
        snprintf(when, sizeof(when), "%12.6f %s %-9s ", double(l.when) / 1e9,
                 l.side == 0 ? "a>b" : "b>a", l.fate.c_str());
        all += when + describe(l.frame, l.isn[0], l.isn[1]) + "\n";
    }
    return all;
}

} // namespace sim
