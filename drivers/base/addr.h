/* SPDX-License-Identifier: BSD-3-Clause */
/* IP addresses, endpoints and networks. IPv4 lives in the v4-mapped range of IPv6 (RFC 4291
 * §2.5.5.2), so that every table and every comparison knows one form. */
#ifndef SPLITMX_BASE_ADDR_H
#define SPLITMX_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "drivers/base/check.h"

struct ip_addr {
    uint8_t b[16]; /* network byte order */
};

struct endpoint {
    struct ip_addr addr;
    uint16_t port; /* host byte order */
};

/* A network; bits of `addr` beyond `len` are zero. IPv4 networks have len >= 96. */
struct ip_prefix {
    struct ip_addr addr;
    uint8_t len; /* 0..128 */
};

/* Room for any formatted address, endpoint or prefix, with the NUL. */
#define ADDR_TEXT_SIZE 64

static inline bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && ip_addr_equal(&a->addr, &b->addr);
}

#define IP_V4_MAPPED 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff

/* True for an address in ::ffff:0:0/96. */
static inline bool ip_addr_is_v4(const struct ip_addr *a)
{
    static const uint8_t mapped[12] = {IP_V4_MAPPED};
    return memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

/* From and to the four bytes of IPv4, network byte order. */
static inline struct ip_addr ip_addr_from_v4(uint32_t be)
{
    struct ip_addr a = {.b = {IP_V4_MAPPED}};
    memcpy(a.b + 12, &be, sizeof(be));
    return a;
}

static inline uint32_t ip_addr_to_v4(const struct ip_addr *a)
{
    uint32_t be;
    memcpy(&be, a->b + 12, sizeof(be));
    return be;
}

/* All zeroes of either family. */
static inline bool ip_addr_is_any(const struct ip_addr *a)
{
    static const struct ip_addr zero = {{0}};
    return ip_addr_is_v4(a) ? ip_addr_to_v4(a) == 0 : ip_addr_equal(a, &zero);
}

/* True for an address in fe80::/10 (RFC 4291 §2.5.6). */
static inline bool ip_addr_is_link_local(const struct ip_addr *a)
{
    return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* Why no host beyond a wire can have this address, as a sentence's end ("is a loopback address");
 * NULL if one can. */
const char *ip_addr_no_host(const struct ip_addr *a);

/* `text` (of `len` bytes, no NUL needed) is an IPv4 or IPv6 address without brackets. False if not.
 */
MUST_CHECK bool ip_addr_parse(const char *text, size_t len, struct ip_addr *out);

/* `ADDRESS:PORT`, `[ADDRESS]:PORT`, or, with default_port != 0, the address alone. */
MUST_CHECK bool endpoint_parse(const char *text, size_t len, uint16_t default_port,
                               struct endpoint *out);

/* `ADDRESS/LEN` or an address alone (a host: /32 or /128). False if malformed or if host bits are
 * set where `strict`. */
MUST_CHECK bool ip_prefix_parse(const char *text, size_t len, bool strict, struct ip_prefix *out);

bool ip_prefix_contains(const struct ip_prefix *net, const struct ip_addr *a);

/* Write text with a NUL into buf (at least ADDR_TEXT_SIZE bytes) and return buf. IPv6 endpoints are
 * bracketed; IPv6 is compressed as RFC 5952 says. */
const char *ip_addr_format(const struct ip_addr *a, char *buf);
const char *endpoint_format(const struct endpoint *e, char *buf);
const char *ip_prefix_format(const struct ip_prefix *p, char *buf);

#endif
