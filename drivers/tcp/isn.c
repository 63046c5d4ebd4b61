/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash through OpenSSL. */
#include "drivers/tcp/isn.h"

#include <assert.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

struct message {
    struct endpoint local, peer;
    uint32_t purpose;
    uint32_t words[ISN_COOKIE_WORDS];
};
static_assert(sizeof(struct message) == 52, "no padding: every byte is hashed");

enum {
    PURPOSE_SEQUENCE,
    PURPOSE_TIMESTAMP,
    PURPOSE_PORTS,
    PURPOSE_COOKIE,
    PURPOSE_RANDOM,
    PURPOSE_SEED
};

bool isn_create(struct isn *isn, const uint8_t secret[16])
{
    EVP_MAC *siphash = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    isn->mac = siphash != NULL ? EVP_MAC_CTX_new(siphash) : NULL;
    EVP_MAC_free(siphash);
    isn->drawn = 0;
    memcpy(isn->secret, secret, sizeof(isn->secret));
    size_t size = sizeof(uint64_t);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
                           OSSL_PARAM_construct_end()};
    if (isn->mac != NULL && EVP_MAC_CTX_set_params(isn->mac, params) == 1)
        return true;
    isn_destroy(isn);
    return false;
}

void isn_destroy(struct isn *isn)
{
    EVP_MAC_CTX_free(isn->mac);
    OPENSSL_cleanse(isn, sizeof(*isn));
}

/* The fixed key and sizes leave these calls no way to fail; if one does, the value is still not a
 * constant. */
static uint64_t siphash(struct isn *isn, const struct message *m)
{
    uint64_t value = (uint64_t)(uintptr_t)isn;
    size_t len;
    if (EVP_MAC_init(isn->mac, isn->secret, sizeof(isn->secret), NULL) == 1 &&
        EVP_MAC_update(isn->mac, (const unsigned char *)m, sizeof(*m)) == 1)
        EVP_MAC_final(isn->mac, (unsigned char *)&value, &len, sizeof(value));
    return value;
}

struct isn_pair isn_for(struct isn *isn, const struct endpoint *local, const struct endpoint *peer,
                        nsec_t now)
{
    struct message m = {.local = *local, .peer = *peer, .purpose = PURPOSE_SEQUENCE};
    return (struct isn_pair){
        .sequence = (uint32_t)(now / (4 * NSEC_PER_USEC)) + (uint32_t)siphash(isn, &m),
        .timestamp = isn_timestamp(isn, &local->addr, &peer->addr),
    };
}

uint32_t isn_timestamp(struct isn *isn, const struct ip_addr *local, const struct ip_addr *peer)
{
    struct message m = {
        .local = {.addr = *local}, .peer = {.addr = *peer}, .purpose = PURPOSE_TIMESTAMP};
    return (uint32_t)siphash(isn, &m);
}

struct isn_ports isn_ports(struct isn *isn, const struct ip_addr *local,
                           const struct endpoint *peer)
{
    struct message m = {.local = {.addr = *local}, .peer = *peer, .purpose = PURPOSE_PORTS};
    uint64_t value = siphash(isn, &m);
    return (struct isn_ports){.offset = (uint32_t)value, .index = (uint32_t)(value >> 32)};
}

uint32_t isn_cookie(struct isn *isn, const struct endpoint *local, const struct endpoint *peer,
                    const uint32_t words[ISN_COOKIE_WORDS])
{
    struct message m = {.local = *local, .peer = *peer, .purpose = PURPOSE_COOKIE};
    memcpy(m.words, words, sizeof(m.words));
    return (uint32_t)siphash(isn, &m);
}

uint64_t isn_random(struct isn *isn)
{
    uint64_t n = isn->drawn++;
    struct message m = {.purpose = PURPOSE_RANDOM, .words = {(uint32_t)n, (uint32_t)(n >> 32)}};
    return siphash(isn, &m);
}

uint32_t isn_seed(struct isn *isn, uint32_t purpose)
{
    struct message m = {.purpose = PURPOSE_SEED + purpose};
    return (uint32_t)siphash(isn, &m);
}
