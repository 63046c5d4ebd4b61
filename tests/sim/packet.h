// SPDX-License-Identifier: BSD-3-Clause
// What a frame on the wire says: read, shown to people, marked and refused as routers do it.
#ifndef SPLITMX_TESTS_SIM_PACKET_H
#define SPLITMX_TESTS_SIM_PACKET_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sim
{

using Bytes = std::vector<uint8_t>;

constexpr size_t kEthernet = 14;

inline uint16_t get16(const Bytes &b, size_t at)
{
    return uint16_t(b[at] << 8 | b[at + 1]);
}

inline uint32_t get32(const Bytes &b, size_t at)
{
    return uint32_t(get16(b, at)) << 16 | get16(b, at + 2);
}

// The headers of a TCP segment in an Ethernet frame, IPv4 or IPv6 without extensions.
struct Packet {
    bool v6 = false;
    size_t tcp = 0, data = 0, end = 0; // where in the frame
    uint16_t source = 0, destination = 0, window = 0;
    uint32_t seq = 0, ack = 0;
    uint8_t flags = 0, ecn = 0;

    unsigned ip_length() const
    {
        return unsigned(end - kEthernet);
    }
    uint32_t length() const
    {
        return uint32_t(end - data);
    }
    // False: it is something else.
    bool read(const Bytes &frame);
};

// For people, numbers relative to `isn` of the sender and `peer_isn`: "R 1:101(100) ack 1 win 50".
std::string describe(const Bytes &frame, uint32_t isn, uint32_t peer_isn);

// Set the two ECN bits.
void set_ecn(Bytes &frame, uint8_t ecn);

// What a router says of a packet that it cannot forward, to its sender (RFC 1191 §4, RFC 8201 §4).
Bytes too_big(const Bytes &frame, unsigned mtu);

// That there is no way to the packet's destination, or nobody listening there.
Bytes unreachable(const Bytes &frame, bool port);

} // namespace sim

#endif
