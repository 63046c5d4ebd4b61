/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers that only we can foresee: initial sequence numbers (RFC 6528), timestamp offsets
 * (RFC 7323 §5.4) and the beginning of port searches (RFC 6056), by SipHash under one secret. */
#ifndef SPLITMX_TCP_ISN_H
#define SPLITMX_TCP_ISN_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/addr.h"
#include "drivers/base/timer.h"

struct evp_mac_ctx_st;

struct isn {
    struct evp_mac_ctx_st *mac;
    uint8_t secret[16];
    uint64_t drawn; /* by isn_random() so far */
};

/* False if the library has no SipHash. Everything that allocates happens here. */
MUST_CHECK bool isn_create(struct isn *isn, const uint8_t secret[16]);
void isn_destroy(struct isn *isn);

struct isn_pair {
    uint32_t sequence;  /* of our SYN: moves on by one every 4 us */
    uint32_t timestamp; /* isn_timestamp() */
};
struct isn_pair isn_for(struct isn *isn, const struct endpoint *local, const struct endpoint *peer,
                        nsec_t now);

/* What our clock's milliseconds start from between two addresses: one origin for all of their
 * connections, so that a new one between the same ports always stands later than what the old one
 * sent, and may follow it through TIME-WAIT (RFC 6191, RFC 7323 §5.4 and appendix B.2). */
uint32_t isn_timestamp(struct isn *isn, const struct ip_addr *local, const struct ip_addr *peer);

/* Two words for a port search towards peer: where it begins, and which counter it uses (RFC 6056
 * §3.3.4, algorithm 4). */
struct isn_ports {
    uint32_t offset, index;
};
struct isn_ports isn_ports(struct isn *isn, const struct ip_addr *local,
                           const struct endpoint *peer);

/* The MAC of a SYN cookie (cookie.h) between two endpoints. */
#define ISN_COOKIE_WORDS 3
uint32_t isn_cookie(struct isn *isn, const struct endpoint *local, const struct endpoint *peer,
                    const uint32_t words[ISN_COOKIE_WORDS]);

/* The next word of a sequence that nobody else can foresee. */
uint64_t isn_random(struct isn *isn);

/* A word for seeding hashes. */
uint32_t isn_seed(struct isn *isn, uint32_t purpose);

#endif
