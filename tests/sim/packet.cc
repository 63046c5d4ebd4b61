// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/packet.h"

#include <cstring>

#include <netinet/in.h>
#include <rte_ip.h>

#include "tests/sim/segmentation.h"

namespace sim
{

namespace
{

constexpr size_t kIp4 = 20, kIp6 = 40;

void put_sum(Bytes &b, size_t at, uint16_t sum)
{
    memcpy(&b[at], &sum, sizeof(sum));
}

// An ICMP message about the packet, which it quotes: four bytes of type, code and no checksum yet,
// and four that depend on the type.
Bytes complaint(const Bytes &frame, const Bytes &icmp4, const Bytes &icmp6)
{
    bool v6 = frame[kEthernet] >> 4 == 6;
    const size_t quoted = v6 ? kIp6 + 20 : kIp4 + 8;
    Bytes icmp = v6 ? icmp6 : icmp4;
    icmp.insert(icmp.end(), frame.begin() + kEthernet, frame.begin() + long(kEthernet + quoted));
    Bytes f(frame.begin() + 6, frame.begin() + 12); // back to its sender
    f.insert(f.end(), frame.begin(), frame.begin() + 6);
    auto append = [&](size_t at, size_t n) {
        f.insert(f.end(), frame.begin() + long(at), frame.begin() + long(at + n));
    };
    uint8_t total = uint8_t(icmp.size());
    if (v6) {
        f.insert(f.end(), {0x86, 0xdd, 0x60, 0, 0, 0, 0, total, IPPROTO_ICMPV6, 64});
        append(kEthernet + 24, 16);
        append(kEthernet + 8, 16);
        Bytes pseudo(f.end() - 32, f.end());
        pseudo.insert(pseudo.end(), {0, 0, 0, total, 0, 0, 0, IPPROTO_ICMPV6});
        pseudo.insert(pseudo.end(), icmp.begin(), icmp.end());
        put_sum(icmp, 2, uint16_t(~rte_raw_cksum(pseudo.data(), pseudo.size())));
    } else {
        f.insert(f.end(),
                 {8, 0, 0x45, 0, 0, uint8_t(kIp4 + total), 0, 0, 0, 0, 64, IPPROTO_ICMP, 0, 0});
        append(kEthernet + 16, 4);
        append(kEthernet + 12, 4);
        put_sum(f, kEthernet + 10, uint16_t(~rte_raw_cksum(f.data() + kEthernet, kIp4)));
        put_sum(icmp, 2, uint16_t(~rte_raw_cksum(icmp.data(), icmp.size())));
    }
    f.insert(f.end(), icmp.begin(), icmp.end());
    return f;
}

std::string describe_icmp(const Bytes &f)
{
    bool v6 = f[kEthernet] >> 4 == 6;
    size_t at = kEthernet + (v6 ? kIp6 : kIp4);
    if (f.size() < at + 8)
        return "ICMP, short";
    char text[96];
    snprintf(text, sizeof(text), "ICMP%s type %u code %u mtu %u", v6 ? "v6" : "", f[at], f[at + 1],
             get16(f, at + 6));
    return text;
}

std::string describe_options(const Bytes &f, const Packet &p, uint32_t peer_isn)
{
    std::string text;
    char item[64];
    for (size_t o = p.tcp + 20; o + 1 < p.data && f[o] != 0;) {
        if (f[o] == 1) {
            o++;
            continue;
        }
        size_t length = f[o + 1];
        if (length < 2 || o + length > p.data)
            return text + " <malformed>";
        if (f[o] == 2 && length == 4) {
            snprintf(item, sizeof(item), " mss %u", get16(f, o + 2));
            text += item;
        } else if (f[o] == 3 && length == 3) {
            snprintf(item, sizeof(item), " wscale %u", f[o + 2]);
            text += item;
        } else if (f[o] == 8 && length == 10) {
            snprintf(item, sizeof(item), " ts %u/%u", get32(f, o + 2), get32(f, o + 6));
            text += item;
        } else if (f[o] == 5) {
            for (size_t b = o + 2; b + 8 <= o + length; b += 8) {
                snprintf(item, sizeof(item), " sack %u:%u", get32(f, b) - peer_isn,
                         get32(f, b + 4) - peer_isn);
                text += item;
            }
        }
        o += length;
    }
    return text;
}

} // namespace

bool Packet::read(const Bytes &f)
{
    if (f.size() < kEthernet + kIp4 + 20)
        return false;
    unsigned type = get16(f, 12);
    size_t ip = kEthernet;
    if (type == 0x0800 && f[ip] == 0x45 && f[ip + 9] == IPPROTO_TCP) {
        tcp = ip + kIp4;
        end = ip + get16(f, ip + 2);
        ecn = f[ip + 1] & 3;
    } else if (type == 0x86dd && f.size() >= ip + kIp6 + 20 && f[ip + 6] == IPPROTO_TCP) {
        v6 = true;
        tcp = ip + kIp6;
        end = tcp + get16(f, ip + 4);
        ecn = f[ip + 1] >> 4 & 3;
    } else {
        return false;
    }
    data = tcp + size_t(f[tcp + 12] >> 4) * 4;
    if (end > f.size() || data > end)
        return false;
    source = get16(f, tcp);
    destination = get16(f, tcp + 2);
    seq = get32(f, tcp + 4);
    ack = get32(f, tcp + 8);
    flags = f[tcp + 13];
    window = get16(f, tcp + 14);
    return true;
}

std::string describe(const Bytes &f, uint32_t isn, uint32_t peer_isn)
{
    char text[160];
    Packet p;
    if (!p.read(f)) {
        bool icmp = f.size() > kEthernet + kIp6 &&
                    ((get16(f, 12) == 0x0800 && f[kEthernet + 9] == IPPROTO_ICMP) ||
                     (get16(f, 12) == 0x86dd && f[kEthernet + 6] == IPPROTO_ICMPV6));
        if (icmp)
            return describe_icmp(f);
        snprintf(text, sizeof(text), "ethertype %04x, %zu bytes", f.size() > 13 ? get16(f, 12) : 0,
                 f.size());
        return text;
    }
    std::string flags;
    for (unsigned k = 0; k < 8; k++)
        if (k != 4 && (p.flags >> k & 1))
            flags += "FSRPAUEC"[k];
    uint32_t seq = p.seq - isn;
    int n = snprintf(text, sizeof(text), "%u>%u %-2s %u:%u(%u)", p.source, p.destination,
                     flags.empty() ? "." : flags.c_str(), seq, seq + p.length(), p.length());
    if (p.flags & 0x10)
        n += snprintf(text + n, sizeof(text) - size_t(n), " ack %u", p.ack - peer_isn);
    snprintf(text + n, sizeof(text) - size_t(n), " win %u", p.window);
    static const char *const ecn[] = {"", " [ect1]", " [ect0]", " [ce]"};
    return text + describe_options(f, p, peer_isn) + ecn[p.ecn];
}

void set_ecn(Bytes &frame, uint8_t ecn)
{
    if (frame[kEthernet] >> 4 == 6) {
        frame[kEthernet + 1] = uint8_t((frame[kEthernet + 1] & 0xcf) | ecn << 4);
        return;
    }
    frame[kEthernet + 1] = uint8_t((frame[kEthernet + 1] & 0xfc) | ecn);
    put_sum(frame, kEthernet + 10, 0);
    put_sum(frame, kEthernet + 10, uint16_t(~rte_raw_cksum(frame.data() + kEthernet, kIp4)));
}

Bytes too_big(const Bytes &frame, unsigned mtu)
{
    uint8_t high = uint8_t(mtu >> 8), low = uint8_t(mtu);
    return complaint(frame, {3, 4, 0, 0, 0, 0, high, low}, {2, 0, 0, 0, 0, 0, high, low});
}

Bytes unreachable(const Bytes &frame, bool port)
{
    return complaint(frame, {3, uint8_t(port ? 3 : 1), 0, 0, 0, 0, 0, 0},
                     {1, uint8_t(port ? 4 : 3), 0, 0, 0, 0, 0, 0});
}

} // namespace sim
