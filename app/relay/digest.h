/* SPDX-License-Identifier: BSD-3-Clause */
/* Keyed digests of 128 bits (SipHash): nobody outside can make two things alike. */
#ifndef SPLITMX_RELAY_DIGEST_H
#define SPLITMX_RELAY_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/base/addr.h"
#include "drivers/base/check.h"

struct evp_mac_ctx_st;

struct digest {
    uint64_t words[2];
};

static inline bool digest_equal(const struct digest *a, const struct digest *b)
{
    return a->words[0] == b->words[0] && a->words[1] == b->words[1];
}

/* One computation at a time. */
struct digester {
    struct evp_mac_ctx_st *mac;
    uint8_t key[16];
};

#define DIGEST_SECRET 32 /* bytes of a process's secret */

/* The key is derived from the secret for this purpose, so that what else the secret is for stays
 * apart. False if the library has no SipHash or memory is out. Everything that allocates happens
 * here. */
MUST_CHECK bool digester_create(struct digester *d, const char *purpose, const void *secret,
                                size_t len);
/* Another one with the same key. */
MUST_CHECK bool digester_copy(struct digester *d, const struct digester *from);
void digester_destroy(struct digester *d);

/* False if the library fails: then there is no digest. */
MUST_CHECK bool digest_start(struct digester *d);
MUST_CHECK bool digest_add(struct digester *d, const void *data, size_t len);
MUST_CHECK bool digest_finish(struct digester *d, struct digest *out);

/*
 * By what we know a retry: the client's network (an MTA's outgoing hosts share it: /24, or /64 of
 * IPv6), sender and recipient as they were given, and, if not NULL, the destination's id.
 */
MUST_CHECK bool digest_of_parties(struct digester *d, const struct ip_addr *client,
                                  const char *sender, const char *recipient,
                                  const uint64_t *destination, struct digest *out);

#endif
