// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/segmentation.h"

#include <algorithm>
#include <cstring>

#include <rte_ip.h>

extern "C" {
#include "drivers/base/sum.h"
#include "drivers/tcp/segment.h"
}

namespace sim
{

namespace
{

bool is_v4(const Bytes &frame)
{
    return frame[kEthernet] >> 4 == 4;
}

void put16(Bytes &f, size_t at, uint16_t v)
{
    f[at] = uint8_t(v >> 8);
    f[at + 1] = uint8_t(v);
}

// Lengths, identification and checksum of the IP header, for the n-th piece.
void fix_ip(Bytes &f, unsigned n)
{
    if (!is_v4(f)) {
        put16(f, kEthernet + 4, uint16_t(f.size() - kEthernet - 40));
        return;
    }
    put16(f, kEthernet + 2, uint16_t(f.size() - kEthernet));
    put16(f, kEthernet + 4, uint16_t(get16(f, kEthernet + 4) + n));
    put16(f, kEthernet + 10, 0);
    uint16_t sum = uint16_t(~rte_raw_cksum(f.data() + kEthernet, tcp_offset(f) - kEthernet));
    memcpy(&f[kEthernet + 10], &sum, 2);
}

} // namespace

size_t tcp_offset(const Bytes &frame)
{
    return kEthernet + (is_v4(frame) ? size_t(frame[kEthernet] & 15) * 4 : 40);
}

void finish_checksum(Bytes &frame)
{
    size_t t = tcp_offset(frame);
    uint16_t sum = uint16_t(~rte_raw_cksum(frame.data() + t, frame.size() - t));
    memcpy(&frame[t + TCP_CHECKSUM_OFFSET], &sum, 2);
}

std::vector<Bytes> cut(const Bytes &frame, uint16_t size)
{
    size_t t = tcp_offset(frame), header = t + size_t(frame[t + 12] >> 4) * 4;
    uint32_t seq = get32(frame, t + 4);
    std::vector<Bytes> pieces;
    for (size_t at = header; at < frame.size(); at += size) {
        size_t end = std::min(frame.size(), at + size);
        Bytes f(frame.begin(), frame.begin() + long(header));
        f.insert(f.end(), frame.begin() + long(at), frame.begin() + long(end));
        uint32_t here = seq + uint32_t(at - header);
        put16(f, t + 4, uint16_t(here >> 16));
        put16(f, t + 6, uint16_t(here));
        if (end < frame.size())
            f[t + 13] &= uint8_t(~(TCP_FIN | TCP_PSH));
        if (at > header)
            f[t + 13] &= uint8_t(~TCP_CWR);
        fix_ip(f, unsigned(pieces.size()));
        uint16_t pseudo;
        memcpy(&pseudo, &f[t + TCP_CHECKSUM_OFFSET], 2);
        pseudo = sum_add(pseudo, sum_fold(htonl(uint32_t(f.size() - t))));
        memcpy(&f[t + TCP_CHECKSUM_OFFSET], &pseudo, 2);
        finish_checksum(f);
        pieces.push_back(std::move(f));
    }
    return pieces;
}

} // namespace sim
