/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet II framing. */
#ifndef SPLITMX_IP_ETHERNET_H
#define SPLITMX_IP_ETHERNET_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

struct ip_stack;
struct ip_interface;
struct rte_mbuf;

/* The longest headers that are read in one piece: Ethernet, then two IPv4 headers with options and
 * 8 bytes of ICMP (an error that quotes a datagram), and 16 bytes of the quoted transport. */
#define IP_CONTIGUOUS (14 + 60 + 8 + 60 + 16)

/*
 * Who gets a received frame: RTE_ETHER_TYPE_IPV4, _IPV6 or _ARP. *m then has its headers contiguous
 * in the first segment (IP_CONTIGUOUS bytes, or all there is), which may have taken another mbuf.
 * 0: too short, tagged, for somebody else or of another protocol; counted and dropped.
 */
uint16_t ethernet_receive(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf **m);

/* Is this the MAC address of a group of IPv6 hosts (RFC 2464 §7)? */
static inline bool ethernet_is_group6(const struct rte_ether_addr *mac)
{
    return mac->addr_bytes[0] == 0x33 && mac->addr_bytes[1] == 0x33;
}

/* Put the header in front of a packet (in its headroom) and hand it to the link. Takes ownership.
 */
void ethernet_send(struct ip_stack *ip, struct ip_interface *i, struct rte_mbuf *m,
                   const struct rte_ether_addr *to, uint16_t ether_type);

/*
 * Bring the first `n` bytes of a packet together in its first segment (all of them, if it is
 * shorter). Payload is not modified: what has to move is copied into a new buffer. NULL, with m
 * freed and counted, if there is no buffer.
 */
struct rte_mbuf *ethernet_pull_up(struct ip_stack *ip, struct rte_mbuf *m, uint16_t n);

/* A packet whose first segment may be written: m itself if nobody else holds it, else a copy. NULL,
 * with m freed and counted, if there is no buffer. */
struct rte_mbuf *ethernet_own(struct ip_stack *ip, struct rte_mbuf *m);

/* Cut `n` bytes (less than all) from the end of a packet, over as many segments as it takes. */
void ethernet_trim(struct rte_mbuf *m, uint32_t n);

#endif
