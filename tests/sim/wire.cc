// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/wire.h"

#include <algorithm>
#include <cstring>

#include <netinet/in.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

extern "C" {
#include "drivers/ip/ip.h"
}

#include "tests/sim/segmentation.h"

namespace sim
{

namespace
{

Bytes content(const struct rte_mbuf *m)
{
    Bytes b;
    b.reserve(m->pkt_len);
    for (; m != nullptr; m = m->next) {
        const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
        b.insert(b.end(), p, p + m->data_len);
    }
    return b;
}

// Once in every period, at a place of its own: or else a timer that backs off could meet each.
// Returns when it ends, 0 outside.
nsec_t interrupted(nsec_t every, nsec_t duration, nsec_t now)
{
    if (every == 0)
        return 0;
    uint64_t period = now / every;
    nsec_t begins = (period * UINT64_C(0x9e3779b97f4a7c15) >> 20) % (every - duration);
    nsec_t at = now % every;
    return at >= begins && at < begins + duration ? now + begins + duration - at : 0;
}

} // namespace

uint16_t End::receive(struct link *l, struct rte_mbuf **frames, uint16_t n)
{
    End *self = reinterpret_cast<End *>(l);
    uint16_t count = 0;
    while (count < n && !self->in.empty()) {
        struct rte_mbuf *m = self->mbuf(self->in.front());
        self->in.pop_front();
        if (m != nullptr)
            frames[count++] = m;
        else
            self->no_memory++;
    }
    return count;
}

void End::transmit(struct link *l, struct rte_mbuf *m)
{
    End *self = reinterpret_cast<End *>(l);
    const Nic &nic = self->nic;
    if (interrupted(nic.stall_every, nic.stall_for, self->wire->now_) == 0) {
        self->wire->send(self->side, m);
    } else if (self->out.size() < nic.queue) {
        self->out.push_back(m);
    } else {
        self->wire->lost++;
        rte_pktmbuf_free(m);
    }
}

void End::flush(struct link *)
{
}

struct rte_mbuf *End::mbuf(const Bytes &frame)
{
    struct rte_mbuf *first = nullptr;
    for (size_t at = 0; at < frame.size();) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pools->data);
        if (m == nullptr) {
            rte_pktmbuf_free(first);
            return nullptr;
        }
        size_t n = std::min(frame.size() - at, size_t(rte_pktmbuf_tailroom(m)));
        if (nic.scatter) // headers stay together
            n = std::min(n, size_t(wire->upto(900)) + (at == 0 ? 128 : 1));
        memcpy(rte_pktmbuf_append(m, uint16_t(n)), frame.data() + at, n);
        at += n;
        if (first == nullptr)
            first = m;
        else
            rte_pktmbuf_chain(first, m);
    }
    Packet p;
    if (first != nullptr && nic.caps.rx_tcp_checksum && p.read(frame)) {
        const uint8_t *tcp = frame.data() + p.tcp;
        size_t addresses = p.v6 ? 32 : 8, length = p.end - p.tcp;
        uint32_t sum = uint32_t(rte_raw_cksum(tcp - addresses, addresses)) +
                       uint32_t(rte_raw_cksum(tcp, length)) + htons(IPPROTO_TCP) +
                       htons(uint16_t(length));
        sum = (sum & 0xffff) + (sum >> 16);
        bool good = (sum & 0xffff) + (sum >> 16) == 0xffff;
        first->ol_flags |= good ? RTE_MBUF_F_RX_L4_CKSUM_GOOD : RTE_MBUF_F_RX_L4_CKSUM_BAD;
    }
    return first;
}

Wire::Wire(uint64_t seed, const Weather &there, const Weather &back, const Nic &nic)
    : random_(seed), weather_{there, back}
{
    static const struct link_ops ops = {End::receive, End::transmit, End::flush};
    for (unsigned side = 0; side < 2; side++) {
        End &e = ends_[side];
        e.link.ops = &ops;
        e.link.mac = {{2, 0, 0, 0, 0, uint8_t(side + 1)}};
        e.link.mtu = nic.mtu;
        e.link.caps = nic.caps;
        e.link.name = side == 0 ? "a" : "b";
        e.wire = this;
        e.side = side;
        e.nic = nic;
    }
}

Wire::~Wire()
{
    settle();
}

void Wire::set_weather(const Weather &there, const Weather &back)
{
    weather_[0] = there;
    weather_[1] = back;
}

bool Wire::chance(double p)
{
    return p > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < p;
}

nsec_t Wire::upto(nsec_t most)
{
    return most == 0 ? 0 : random_() % most;
}

void Wire::note(unsigned side, const char *fate, const Bytes &frame)
{
    observer_.note(side, now_, fate, frame);
}

void Wire::wrong(const std::string &what)
{
    if (fault_.empty())
        fault_ = what;
}

void Wire::release(const Held &held)
{
    if (content(held.m) != held.bytes)
        wrong("a frame changed while it waited for transmission: " + describe(held.bytes, 0, 0));
    rte_pktmbuf_free(held.m);
}

void Wire::settle()
{
    for (End &e : ends_) {
        for (struct rte_mbuf *m : e.out)
            rte_pktmbuf_free(m);
        e.out.clear();
    }
    for (auto &entry : held_)
        release(entry.second);
    held_.clear();
}

void Wire::send(unsigned side, struct rte_mbuf *m)
{
    const char *why = nullptr;
    if (rte_mbuf_check(m, 1, &why) != 0)
        wrong(std::string("a malformed mbuf was sent: ") + why);
    Bytes frame = content(m);
    if (frame.size() != m->pkt_len)
        wrong("a frame's segments do not add up to its length");
    uint16_t most = ends_[side].link.caps.max_segments;
    if (most > 1 && m->nb_segs > most)
        wrong("a frame has more segments than the link takes");
    held_.emplace(now_ + upto(ends_[side].nic.hold), Held{m, frame});
    // As a NIC does it: the pseudo header's sum is in place already.
    if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) {
        if (!ends_[side].link.caps.tso)
            wrong("a frame is to be cut by a link that cannot");
        for (Bytes &piece : cut(frame, m->tso_segsz))
            set_out(side, std::move(piece));
        return;
    }
    if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM)
        finish_checksum(frame);
    set_out(side, std::move(frame));
}

void Wire::set_out(unsigned side, Bytes frame)
{
    sent++;
    for (size_t at = 0; at < frame.size(); at += 8) {
        uint64_t word = 0;
        memcpy(&word, &frame[at], std::min(frame.size() - at, sizeof(word)));
        digest = (digest ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    }
    digest = (digest ^ now_ ^ side) * UINT64_C(0x100000001b3);
    std::string seen = observer_.watch(side, frame);
    if (!seen.empty())
        wrong(seen);
    if (filter && !filter(side, frame)) {
        note(side, "FILTERED", frame);
        lost++;
        return;
    }
    carry(side, std::move(frame));
}

void Wire::inject(unsigned side, const Bytes &frame)
{
    note(1 - side, "injected", frame);
    deliver(side, now_, frame);
}

void Wire::slander(unsigned side)
{
    Packet p;
    Bytes f = recent_[side];
    if (!p.read(f))
        return;
    if (chance(0.5)) // blind: its sequence number is a guess (RFC 5927 §4.1)
        f[p.tcp + 4] ^= uint8_t(1 + random_() % 255);
    static const unsigned mtus[] = {0, 68, 296, 576, 1006, 1280, 1400, 9000, 65535};
    if (chance(0.7))
        f = too_big(f, mtus[random_() % (sizeof(mtus) / sizeof(mtus[0]))]);
    else
        f = unreachable(f, chance(0.5));
    inject(side, f);
}

void Wire::carry(unsigned side, Bytes frame)
{
    const Weather &w = weather_[side];
    Packet p;
    if (p.read(frame) && (recent_[side].empty() || chance(0.1)))
        recent_[side] = frame;
    nsec_t leaves = now_;
    if (refuse(side, frame) || lose(side, frame) || !queue_up(side, frame, &leaves))
        return;
    mark(side, frame);
    nsec_t at = leaves + w.delay + upto(w.jitter);
    if (chance(w.reorder)) {
        note(side, "late", frame);
        at += upto(w.late);
    } else {
        note(side, "", frame);
        at = std::max(at, last_[side]);
        last_[side] = at;
    }
    if (chance(w.duplicate)) {
        note(side, "twice", frame);
        deliver(1 - side, at + upto(w.late), frame);
    }
    corrupt(side, frame);
    deliver(1 - side, at, std::move(frame));
}

// The router half way cannot forward it.
bool Wire::refuse(unsigned side, const Bytes &frame)
{
    const Weather &w = weather_[side];
    Packet p;
    if (w.mtu == 0 || !p.read(frame) || p.ip_length() <= w.mtu)
        return false;
    note(side, "TOO BIG", frame);
    if (!w.router_is_mute)
        deliver(side, now_ + w.delay, too_big(frame, w.mtu));
    return true;
}

bool Wire::bad_time(unsigned side)
{
    const Weather &w = weather_[side];
    if (w.bad_for == 0)
        return false;
    const nsec_t cycle = w.good_for + w.bad_for;
    if (turns_[side] + 20 * cycle <
        now_) { // long ago: it turns now, as likely to bad as any time is
        turns_[side] = now_;
        bad_[side] = !chance(double(w.bad_for) / double(cycle));
    }
    while (turns_[side] <= now_) {
        bad_[side] = !bad_[side];
        double mean = double(bad_[side] ? w.bad_for : w.good_for);
        turns_[side] += 1 + nsec_t(std::exponential_distribution<double>(1 / mean)(random_));
    }
    return bad_[side];
}

bool Wire::lose(unsigned side, const Bytes &frame)
{
    const Weather &w = weather_[side];
    const char *fate = interrupted(w.blackout_every, w.blackout_for, now_) != 0 ? "BLACKOUT"
                       : bad_time(side) && chance(w.bad_loss)                   ? "BURST"
                       : chance(w.loss)                                         ? "LOST"
                                                                                : nullptr;
    if (fate == nullptr)
        return false;
    note(side, fate, frame);
    lost++;
    return true;
}

// Wait for the rate. False: there is no room to wait in.
bool Wire::queue_up(unsigned side, Bytes &frame, nsec_t *leaves)
{
    const Weather &w = weather_[side];
    if (w.rate == 0)
        return true;
    nsec_t takes = frame.size() * 8 * NSEC_PER_SEC / w.rate;
    nsec_t full = w.queue * 1500 * 8 * NSEC_PER_SEC / w.rate;
    nsec_t start = std::max(now_, free_at_[side]);
    Packet p;
    if (w.queue_marks && start - now_ > full / 2 && p.read(frame) && p.ecn != IP_ECN_NONE)
        set_ecn(frame, IP_ECN_CE);
    if (start - now_ > full) {
        note(side, "QUEUE", frame);
        lost++;
        return false;
    }
    *leaves = free_at_[side] = start + takes;
    return true;
}

void Wire::mark(unsigned side, Bytes &frame)
{
    const Weather &w = weather_[side];
    Packet p;
    if (!p.read(frame) || p.ecn == IP_ECN_NONE)
        return;
    if (w.bleach)
        set_ecn(frame, IP_ECN_NONE);
    else if (chance(w.mark))
        set_ecn(frame, IP_ECN_CE);
}

// Beyond Ethernet's own check, so: behind the IP header.
void Wire::corrupt(unsigned side, Bytes &frame)
{
    Packet p;
    if (!chance(weather_[side].corrupt) || !p.read(frame))
        return;
    note(side, "CORRUPT", frame);
    frame[p.tcp + random_() % (frame.size() - p.tcp)] ^= uint8_t(1 << random_() % 8);
}

void Wire::deliver(unsigned to, nsec_t at, Bytes frame)
{
    way_.emplace(at, std::make_pair(to, std::move(frame)));
}

void Wire::advance(nsec_t now)
{
    now_ = now;
    while (!held_.empty() && held_.begin()->first <= now) {
        release(held_.begin()->second);
        held_.erase(held_.begin());
    }
    for (End &e : ends_) {
        if (!e.out.empty() && interrupted(e.nic.stall_every, e.nic.stall_for, now) == 0) {
            for (struct rte_mbuf *m : e.out)
                send(e.side, m);
            e.out.clear();
        }
    }
    while (!way_.empty() && way_.begin()->first <= now) {
        auto &[to, frame] = way_.begin()->second;
        ends_[to].in.push_back(std::move(frame));
        way_.erase(way_.begin());
    }
}

nsec_t Wire::next() const
{
    nsec_t when = way_.empty() ? UINT64_MAX : way_.begin()->first;
    for (const End &e : ends_)
        if (!e.out.empty())
            when = std::min(when, interrupted(e.nic.stall_every, e.nic.stall_for, now_));
    return when;
}

} // namespace sim
