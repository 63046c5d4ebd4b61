/* SPDX-License-Identifier: BSD-3-Clause */
/* What the layer above, TCP, registers with ip/, and what it then hears from it. */
#ifndef SPLITMX_IP_UPPER_H
#define SPLITMX_IP_UPPER_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/addr.h"

struct rte_mbuf;

/* The two ECN bits of the IP header (RFC 3168 §5). */
enum ip_ecn {
    IP_ECN_NONE = 0, /* not capable */
    IP_ECN_ECT1 = 1,
    IP_ECN_ECT0 = 2, /* may be marked */
    IP_ECN_CE = 3,   /* was marked: congestion */
};

/* What ip/ found out about a received segment before it hands it to TCP. */
struct ip_datagram {
    struct ip_addr src, dst;
    uint16_t payload_offset; /* of the TCP header in the first mbuf segment; headers are contiguous
                                there */
    uint32_t payload_len; /* TCP header and data, bytes; Ethernet padding and trailers excluded */
    uint8_t ecn;          /* enum ip_ecn */
    uint8_t link;         /* the link it came by */
    bool checksum_good;   /* the port vouches for the TCP checksum */
};

/* What ICMP says of a datagram of ours that did not arrive (RFC 792, RFC 1122 §4.2.3.9; RFC 4443
 * §3). */
enum ip_unreachable {
    IP_HOST_UNREACHABLE, /* soft: codes 0, 1, 5 and the like; time exceeded */
    IP_PORT_UNREACHABLE, /* hard: nobody speaks that protocol, or nobody listens */
    IP_TOO_BIG,          /* `mtu` is the next hop's, 0 if not said */
};

/* What TCP registers with ip/. `user` is TCP's. No call is made from within ip_output(). */
struct ip_upper {
    void *user;
    /* Takes ownership of m. */
    void (*segment)(void *user, struct rte_mbuf *m, const struct ip_datagram *d);
    /* A datagram from src (ours) to dst did not arrive. `quoted` is the beginning of our TCP
     * header, at least 8 bytes: ports and sequence number; the receiver checks that they fit a
     * connection (RFC 5927). */
    void (*unreachable)(void *user, const struct ip_addr *src, const struct ip_addr *dst,
                        const uint8_t *quoted, unsigned quoted_len, enum ip_unreachable what,
                        uint16_t mtu);
    /* The next hop to dst does not answer ARP or ND. */
    void (*no_neighbour)(void *user, const struct ip_addr *dst);
    /* That was all of a burst: what was held back to join others may wait no longer. */
    void (*burst_end)(void *user);
};

#endif
