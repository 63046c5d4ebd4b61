/* SPDX-License-Identifier: BSD-3-Clause */
/* What every message of ICMPv6 begins with (RFC 4443 §2.1), and its checksum. */
#ifndef SPLITMX_IP_ICMP6_HEADER_H
#define SPLITMX_IP_ICMP6_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "drivers/base/addr.h"
#include "drivers/ip/upper.h"

struct rte_mbuf;

#define ICMP6_HEADER_SIZE 8 /* with the four bytes that each type has its own use for */

struct icmp6_header {
    uint8_t type, code;
    rte_be16_t checksum;
    rte_be32_t word; /* MTU or pointer; of an echo, identifier and number */
} __rte_packed;
_Static_assert(sizeof(struct icmp6_header) == ICMP6_HEADER_SIZE, "RFC 4443 §2.1");

/* Is the checksum of a received message right? */
bool icmp6_checksum_good(const struct rte_mbuf *m, const struct ip_datagram *d);

/* Write the checksum of a message that starts at m, to be sent from src to dst. */
void icmp6_finish(struct rte_mbuf *m, const struct ip_addr *src, const struct ip_addr *dst);

#endif
