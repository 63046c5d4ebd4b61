/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic of one's complement sums (RFC 1071), in the byte order of memory. */
#ifndef SPLITMX_BASE_SUM_H
#define SPLITMX_BASE_SUM_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "drivers/base/addr.h"

static inline uint16_t sum_fold(uint64_t sum)
{
    sum = (sum >> 32) + (uint32_t)sum;
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)((sum >> 16) + (sum & 0xffff));
}

/* The sum of 4 * count bytes, before folding; for sum_bytes(). */
uint64_t sum_words(const uint8_t *data, size_t count);

/* The sum of bytes, an odd last one as if a zero followed. */
static inline uint16_t sum_bytes(const void *bytes, size_t len)
{
    const size_t few = 64; /* a header: no call for that */
    const uint8_t *data = (const uint8_t *)bytes;
    uint64_t sum = 0;
    uint32_t word;
    if (len > few) {
        sum = sum_words(data, len / sizeof(word));
        data += len - len % sizeof(word);
        len %= sizeof(word);
    }
    for (; len >= sizeof(word); len -= sizeof(word), data += sizeof(word)) {
        memcpy(&word, data, sizeof(word));
        sum += word;
    }
    word = 0;
    memcpy(&word, data, len);
    return sum_fold(sum + word);
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

/* The sum of what is left of bytes with the sum `whole` once those with the sum `part` are taken
 * away, both at the same offset. */
static inline uint16_t sum_remove(uint16_t whole, uint16_t part)
{
    return sum_add(whole, (uint16_t)~part);
}

/* The pseudo header of `len` bytes of TCP (RFC 9293 §3.1, RFC 8200 §8.1). */
static inline uint16_t sum_pseudo_header(const struct ip_addr *src, const struct ip_addr *dst,
                                         uint32_t len)
{
    uint64_t rest = (uint64_t)htons(IPPROTO_TCP) + htonl(len);
    if (ip_addr_is_v4(src))
        return sum_fold(rest + ip_addr_to_v4(src) + ip_addr_to_v4(dst));
    return sum_fold(rest + sum_bytes(src->b, sizeof(src->b)) + sum_bytes(dst->b, sizeof(dst->b)));
}

#endif
