/* SPDX-License-Identifier: BSD-3-Clause */
/* Why frames were dropped, and what was seen. */
#ifndef SPLITMX_IP_COUNTERS_H
#define SPLITMX_IP_COUNTERS_H

#include "drivers/base/counters.h"

#define IP_COUNTERS(X)                                                                             \
    X(IP_RX_FRAMES, "frames received")                                                             \
    X(IP_TX_FRAMES, "frames handed to links")                                                      \
    X(IP_RX_RUNT, "frames shorter than their headers say")                                         \
    X(IP_RX_NOT_OURS, "frames or packets addressed to somebody else")                              \
    X(IP_RX_ETHERTYPE, "frames of a protocol that we do not speak")                                \
    X(IP_RX_VLAN, "frames with a VLAN tag")                                                        \
    X(IP_RX_BAD_HEADER, "IP headers with a wrong version, length or option")                       \
    X(IP_RX_BAD_CHECKSUM, "IPv4 headers whose checksum is wrong")                                  \
    X(IP_RX_BAD_SOURCE, "packets from an address that no host may send from")                      \
    X(IP_RX_PROTOCOL, "packets of a transport that we do not speak")                               \
    X(IP_RX_FRAGMENTS, "fragments received")                                                       \
    X(IP_RX_REASSEMBLED, "datagrams reassembled from fragments")                                   \
    X(IP_RX_FRAGMENT_DROPPED, "fragments dropped: overlapping, too many, late or malformed")       \
    X(IP_RX_ICMP, "ICMP messages received")                                                        \
    X(IP_RX_ICMP_BAD, "ICMP messages malformed, or about a datagram that is not ours")             \
    X(IP_TX_ICMP, "ICMP messages sent")                                                            \
    X(IP_TX_ICMP_LIMITED, "ICMP messages not sent: rate limit")                                    \
    X(IP_RX_ARP, "ARP packets received")                                                           \
    X(IP_RX_ARP_BAD, "ARP packets malformed")                                                      \
    X(IP_RX_ND, "IPv6 neighbour discovery messages received")                                      \
    X(IP_RX_ND_BAD, "IPv6 neighbour discovery messages malformed or from beyond the link")         \
    X(IP_RX_ND_IGNORED, "IPv6 router advertisements and redirects: routes are configured")         \
    X(IP_TX_ND, "IPv6 neighbour discovery messages sent")                                          \
    X(IP_RX_CONFLICT, "ARP or ND messages in which another host claims our address")               \
    X(IP_TX_ARP, "ARP packets sent")                                                               \
    X(IP_NEIGHBOURS_FULL, "neighbours not learnt: the cache is full")                              \
    X(IP_NEIGHBOUR_QUEUE_FULL, "packets dropped while waiting for a MAC address: queue full")      \
    X(IP_NEIGHBOUR_FAILED, "packets dropped because the neighbour did not answer")                 \
    X(IP_RX_NO_MEMORY, "packets dropped: no buffer to bring their headers together in")            \
    X(IP_TX_NO_MEMORY, "packets not sent: out of buffers")                                         \
    X(IP_TX_NO_ROUTE, "packets not sent: no connected network and no gateway")                     \
    X(IP_TX_TOO_BIG, "packets not sent: larger than the link's MTU")

enum ip_counter { IP_COUNTERS(COUNTER_ENUM) IP_COUNTER_COUNT };

#endif
