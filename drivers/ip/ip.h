/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One worker's network layer: Ethernet, ARP and ND, IPv4 and IPv6 with reassembly, ICMP over a few
 * links. Addresses are family-neutral (drivers/base/addr.h).
 *
 * A link with an IPv6 address speaks IPv6, and has a link-local address beside those that it was
 * given (fe80::/64 and its MAC address as EUI-64, RFC 4291 §2.5.6).
 */
#ifndef SPLITMX_IP_IP_H
#define SPLITMX_IP_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/addr.h"
#include "drivers/base/check.h"
#include "drivers/base/counters.h"
#include "drivers/base/pools.h"
#include "drivers/base/timer.h"
#include "drivers/port/link.h"

#define IP_MAX_LINKS     16
#define IP_MAX_ADDRESSES 8 /* per link */
#define IP_MAX_WAITING                                                                             \
    256 /* packets that wait for a MAC address: count them into pools_config.packets_out           \
         */

struct rte_mbuf;
struct ip_stack;

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

struct ip_link_config {
    struct link *link;
    struct ip_prefix networks[IP_MAX_ADDRESSES]; /* the connected network of each address */
    struct ip_addr addresses[IP_MAX_ADDRESSES];  /* the first of a family is our source address, but
                                                    for ip_route() */
    unsigned address_count;
    struct ip_addr gateway4, gateway6; /* all zeroes: none */
};

struct ip_config {
    const struct ip_link_config *links;
    unsigned link_count;
    struct pools *pools;
    struct timer_wheel *wheel;
    uint32_t neighbour_entries; /* bound of the neighbour cache, e.g. 1024 */
    uint32_t reassembly_flows;  /* bound of concurrent reassemblies, e.g. 256 */
    uint64_t seed;              /* for IP identification and the hash of tables */
};

/* NULL if out of memory. `now`: the clock's value at start; afterwards ip_set_now() moves it. */
struct ip_stack *ip_create(const struct ip_config *config, nsec_t now);
void ip_destroy(struct ip_stack *ip);
void ip_set_upper(struct ip_stack *ip, const struct ip_upper *upper);

/* The worker's clock, once per round, before anything else. */
void ip_set_now(struct ip_stack *ip, nsec_t now);

/* Announce our addresses, once the links are up: gratuitous ARP (RFC 5227 §3); for IPv6 a question
 * whether somebody has them (RFC 4862 §5.4), and two seconds later an unsolicited advertisement. */
void ip_announce(struct ip_stack *ip);

/* Receive one burst from every link and process it. Returns the number of frames. */
unsigned ip_receive(struct ip_stack *ip);

/* Flush every link's transmit queue: the end of a round. */
void ip_flush(struct ip_stack *ip);

/* Where packets from src (all zeroes: any) to dst leave, for a connection to keep. */
struct ip_route {
    uint8_t link;
    uint16_t mtu;
    struct link_caps caps;
    struct ip_addr source; /* src if that is ours, else the link's first address of dst's family;
                              to a unique local address a unique local one (RFC 6724 §5 rule 6) */
};
/* False if there is no route (no connected network, no gateway) or src is not ours. A link-local
 * dst needs src, which says the link (RFC 4007 §6). */
MUST_CHECK bool ip_route(const struct ip_stack *ip, const struct ip_addr *src,
                         const struct ip_addr *dst, struct ip_route *out);

/* Set r->source to the address behind it in its link's list, of the same family and scope: for more
 * connections to one destination than an address has ports. False if it was the last. */
MUST_CHECK bool ip_route_next_source(const struct ip_stack *ip, struct ip_route *r);

/* Is this one of our own addresses? */
bool ip_is_local(const struct ip_stack *ip, const struct ip_addr *a);

/*
 * Send a TCP segment. `m` starts at the TCP header, has RTE_PKTMBUF_HEADROOM in front, is a header
 * mbuf plus indirect segments, and carries its TCP checksum finished (or, where the route's caps
 * say so, the pseudo-header sum and RTE_MBUF_F_TX_TCP_CKSUM; for TSO also tso_segsz and
 * RTE_MBUF_F_TX_TCP_SEG, l4_len set). ip/ sets l2_len, l3_len and the IP flags. Takes ownership
 * whatever happens: a packet that waits for its neighbour is queued, one that can't go is dropped
 * and counted. `ecn`: enum ip_ecn.
 */
void ip_output(struct ip_stack *ip, struct rte_mbuf *m, uint8_t link, const struct ip_addr *src,
               const struct ip_addr *dst, uint8_t ecn);

/* Why frames were dropped, and what was seen. */
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
extern const struct counter_list ip_counter_list;
const uint64_t *ip_counters(const struct ip_stack *ip);

#endif
