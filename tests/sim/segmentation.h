// SPDX-License-Identifier: BSD-3-Clause
// What a NIC with TSO does to a large packet.
#ifndef SPLITMX_TESTS_SIM_SEGMENTATION_H
#define SPLITMX_TESTS_SIM_SEGMENTATION_H

#include "tests/sim/packet.h"

namespace sim
{

// Where the TCP header of an Ethernet frame begins, whether IPv4 or IPv6 without extensions.
size_t tcp_offset(const Bytes &frame);

// Finish the TCP checksum, whose field holds the pseudo header's sum.
void finish_checksum(Bytes &frame);

// Cut the frame into segments of `size` bytes: the pseudo header's sum in its checksum field is
// without a length.
std::vector<Bytes> cut(const Bytes &frame, uint16_t size);

} // namespace sim

#endif
