/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic of one's complement sums (RFC 1071), in the byte order of memory. */
#ifndef SPLITMX_TCP_SUM_H
#define SPLITMX_TCP_SUM_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_ip.h>

#include "drivers/base/addr.h"

static inline uint16_t sum_fold(uint64_t sum)
{
    sum = (sum >> 32) + (uint32_t)sum;
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)((sum >> 16) + (sum & 0xffff));
}

/* The sum of bytes that begin `offset` bytes into a packet: at an odd one, high and low bytes of
 * their words change places (RFC 1071 §2 (B)). */
static inline uint16_t sum_at(uint16_t sum, size_t offset)
{
    return offset % 2 == 0 ? sum : __builtin_bswap16(sum);
}

static inline uint16_t sum_add(uint16_t a, uint16_t b)
{
    return sum_fold((uint64_t)a + b);
}

/* The pseudo header of `len` bytes of TCP (RFC 9293 §3.1, RFC 8200 §8.1). */
static inline uint16_t sum_pseudo_header(const struct ip_addr *src, const struct ip_addr *dst,
                                         uint32_t len)
{
    unsigned from = ip_addr_is_v4(src) ? 12 : 0;
    uint16_t addresses = sum_add(rte_raw_cksum(src->b + from, sizeof(src->b) - from),
                                 rte_raw_cksum(dst->b + from, sizeof(dst->b) - from));
    return sum_add(addresses, sum_fold((uint64_t)htons(IPPROTO_TCP) + htonl(len)));
}

#endif
