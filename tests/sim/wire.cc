// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/segmentation.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

namespace sim
{

namespace
{

// Frames that a trace remembers; SPLITMX_SIM_TRACE says how many.
size_t trace_length()
{
    static const char *text = getenv("SPLITMX_SIM_TRACE");
    return text != nullptr ? strtoul(text, nullptr, 0) : 200;
}

constexpr size_t kEthernet = 14;

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

unsigned get16(const Bytes &b, size_t at)
{
    return unsigned(b[at]) << 8 | b[at + 1];
}

unsigned get32(const Bytes &b, size_t at)
{
    return get16(b, at) << 16 | get16(b, at + 2);
}

bool is_v6(const Bytes &f)
{
    return get16(f, 12) == 0x86dd;
}

bool is_tcp(const Bytes &f)
{
    return f.size() >= kEthernet + 40 && (is_v6(f) || get16(f, 12) == 0x0800) &&
           f[kEthernet + (is_v6(f) ? 6 : 9)] == 6 && f.size() >= tcp_offset(f) + 20;
}

// Of the IP packet in a frame; behind it there may be padding.
size_t ip_length(const Bytes &f)
{
    return is_v6(f) ? 40 + get16(f, kEthernet + 4) : get16(f, kEthernet + 2);
}

void append(Bytes &to, const Bytes &from, size_t begin, size_t length)
{
    to.insert(to.end(), from.begin() + long(begin), from.begin() + long(begin + length));
}

// RFC 1191 §4: what an IPv4 router says of a packet, as a packet.
Bytes too_big(const Bytes &frame, unsigned mtu)
{
    const size_t quoted = 20 + 8, total = 20 + 8 + quoted;
    Bytes ip = {0x45, 0, 0, uint8_t(total), 0, 0, 0, 0, 64, 1, 0, 0};
    append(ip, frame, kEthernet + 16, 4);
    append(ip, frame, kEthernet + 12, 4);
    uint16_t sum = uint16_t(~rte_raw_cksum(ip.data(), ip.size()));
    memcpy(ip.data() + 10, &sum, 2);
    Bytes icmp = {3, 4, 0, 0, 0, 0, uint8_t(mtu >> 8), uint8_t(mtu)};
    append(icmp, frame, kEthernet, quoted);
    sum = uint16_t(~rte_raw_cksum(icmp.data(), icmp.size()));
    memcpy(icmp.data() + 2, &sum, 2);
    append(ip, icmp, 0, icmp.size());
    return ip;
}

// RFC 4443 §3.2: what an IPv6 router says, with as much of the packet as fits 1,280 bytes.
Bytes too_big6(const Bytes &frame, unsigned mtu)
{
    const size_t quoted = std::min<size_t>(ip_length(frame), 1280 - 48), length = 8 + quoted;
    Bytes packet = {0x60, 0, 0, 0, uint8_t(length >> 8), uint8_t(length), 58, 64};
    append(packet, frame, kEthernet + 24, 16);
    append(packet, frame, kEthernet + 8, 16);
    packet.insert(packet.end(), {2, 0, 0, 0, 0, 0, uint8_t(mtu >> 8), uint8_t(mtu)});
    append(packet, frame, kEthernet, quoted);
    struct rte_ipv6_hdr h;
    memcpy(&h, packet.data(), sizeof(h));
    uint32_t sum = rte_ipv6_phdr_cksum(&h, 0) + uint32_t(rte_raw_cksum(&packet[40], length));
    uint16_t folded = uint16_t(~((sum & 0xffff) + (sum >> 16)));
    memcpy(&packet[42], &folded, 2);
    return packet;
}

// Once in every period, at a place of its own: or else a timer that backs off could meet each.
bool blacked_out(const Weather &w, nsec_t now)
{
    if (w.blackout_every == 0)
        return false;
    uint64_t period = now / w.blackout_every;
    nsec_t begins =
        (period * UINT64_C(0x9e3779b97f4a7c15) >> 20) % (w.blackout_every - w.blackout_for);
    nsec_t at = now % w.blackout_every;
    return at >= begins && at < begins + w.blackout_for;
}

std::string describe(const Bytes &f)
{
    char line[256];
    if (!is_tcp(f)) {
        snprintf(line, sizeof(line), "ethertype %04x, %zu bytes", f.size() > 13 ? get16(f, 12) : 0,
                 f.size());
        return line;
    }
    size_t t = tcp_offset(f), header = size_t(f[t + 12] >> 4) * 4;
    size_t data = kEthernet + ip_length(f) - t - header;
    std::string flags;
    for (unsigned k = 0; k < 8; k++)
        if (f[t + 13] >> k & 1)
            flags += "FSRPAUEC"[k];
    int n = snprintf(line, sizeof(line), "%u > %u %s seq %u len %zu ack %u win %u", get16(f, t),
                     get16(f, t + 2), flags.c_str(), get32(f, t + 4), data, get32(f, t + 8),
                     get16(f, t + 14));
    for (size_t o = t + 20; o + 1 < t + header && o + 1 < f.size();) {
        if (f[o] == 0)
            break;
        if (f[o] == 1) {
            o++;
            continue;
        }
        if (f[o] == 5)
            for (size_t b = o + 2; b + 8 <= o + f[o + 1] && n < 200; b += 8)
                n += snprintf(line + n, sizeof(line) - size_t(n), " sack %u-%u", get32(f, b),
                              get32(f, b + 4));
        o += f[o + 1] < 2 ? 2 : f[o + 1];
    }
    return line;
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
    self->wire->send(self->side, m);
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
    if (first != nullptr && nic.caps.rx_tcp_checksum && is_tcp(frame)) {
        struct rte_ipv4_hdr ip;
        struct rte_ipv6_hdr ip6;
        memcpy(&ip, frame.data() + kEthernet, sizeof(ip));
        memcpy(&ip6, frame.data() + kEthernet, sizeof(ip6));
        Bytes tcp(frame.begin() + long(tcp_offset(frame)),
                  frame.begin() + long(kEthernet + ip_length(frame)));
        uint32_t sum = rte_raw_cksum(tcp.data(), tcp.size());
        sum += is_v6(frame) ? rte_ipv6_phdr_cksum(&ip6, 0) : rte_ipv4_phdr_cksum(&ip, 0);
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
    char when[64];
    snprintf(when, sizeof(when), "%12.6f %s %-9s ", double(now_) / 1e9, side == 0 ? "a>b" : "b>a",
             fate);
    trace_.push_back(when + describe(frame));
    if (trace_.size() > trace_length())
        trace_.pop_front();
}

std::string Wire::trace() const
{
    std::string all;
    for (const auto &line : trace_)
        all += line + "\n";
    return all;
}

void Wire::release(const Held &held)
{
    if (content(held.m) != held.bytes && fault_.empty())
        fault_ = "a frame changed while it waited for transmission: " + describe(held.bytes);
    rte_pktmbuf_free(held.m);
}

void Wire::settle()
{
    for (auto &entry : held_)
        release(entry.second);
    held_.clear();
}

void Wire::send(unsigned side, struct rte_mbuf *m)
{
    const char *why = nullptr;
    if (rte_mbuf_check(m, 1, &why) != 0 && fault_.empty())
        fault_ = std::string("a malformed mbuf was sent: ") + why;
    Bytes frame = content(m);
    if (frame.size() != m->pkt_len && fault_.empty())
        fault_ = "a frame's segments do not add up to its length";
    if (m->nb_segs > std::max<unsigned>(1, ends_[side].link.caps.max_segments) &&
        ends_[side].link.caps.max_segments > 1 && fault_.empty())
        fault_ = "a frame has more segments than the link takes";
    held_.emplace(now_ + upto(ends_[side].nic.hold), Held{m, frame});
    // As a NIC does it: the pseudo header's sum is in place already.
    if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) {
        if (!ends_[side].link.caps.tso && fault_.empty())
            fault_ = "a frame is to be cut by a link that cannot";
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
    for (uint8_t byte : frame)
        digest = (digest ^ byte) * UINT64_C(0x100000001b3);
    digest = (digest ^ now_ ^ side) * UINT64_C(0x100000001b3);
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

void Wire::carry(unsigned side, Bytes frame)
{
    const Weather &w = weather_[side];
    if (w.mtu != 0 && is_tcp(frame) && ip_length(frame) > w.mtu) {
        note(side, "TOO BIG", frame);
        if (!w.router_is_mute)
            refuse_too_big(side, frame, w.mtu);
        return;
    }
    if (blacked_out(w, now_)) {
        note(side, "BLACKOUT", frame);
        lost++;
        return;
    }
    if (chance(w.loss)) {
        note(side, "LOST", frame);
        lost++;
        return;
    }
    nsec_t start = now_;
    if (w.rate != 0) {
        nsec_t takes = frame.size() * 8 * NSEC_PER_SEC / w.rate;
        nsec_t full = w.queue * 1500 * 8 * NSEC_PER_SEC / w.rate;
        start = std::max(now_, free_at_[side]);
        if (start - now_ > full) {
            note(side, "QUEUE", frame);
            lost++;
            return;
        }
        start += takes;
        free_at_[side] = start;
    }
    nsec_t at = start + w.delay + upto(w.jitter);
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
    if (chance(w.corrupt) && is_tcp(frame)) { // beyond Ethernet's own check, so: behind its header
        note(side, "CORRUPT", frame);
        size_t from = tcp_offset(frame);
        frame[from + random_() % (frame.size() - from)] ^= uint8_t(1 << random_() % 8);
    }
    deliver(1 - side, at, std::move(frame));
}

// What the router half way says.
void Wire::refuse_too_big(unsigned side, const Bytes &frame, unsigned mtu)
{
    Bytes f;
    append(f, frame, 6, 6); // back to its sender
    append(f, frame, 0, 6);
    append(f, frame, 12, 2);
    Bytes packet = is_v6(frame) ? too_big6(frame, mtu) : too_big(frame, mtu);
    append(f, packet, 0, packet.size());
    deliver(side, now_ + weather_[side].delay, std::move(f));
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
    while (!way_.empty() && way_.begin()->first <= now) {
        auto &[to, frame] = way_.begin()->second;
        ends_[to].in.push_back(std::move(frame));
        way_.erase(way_.begin());
    }
}

nsec_t Wire::next() const
{
    return way_.empty() ? UINT64_MAX : way_.begin()->first;
}

} // namespace sim
