/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash through OpenSSL. */
#include "app/relay/digest.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static_assert(sizeof(struct digest) == 16, "SipHash's longer size, which is its default");

static bool derive(struct digester *d, const char *purpose, const void *secret, size_t len)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    bool good = HMAC(EVP_sha256(), secret, (int)len, (const uint8_t *)purpose, strlen(purpose),
                     hash, NULL) != NULL;
    memcpy(d->key, hash, sizeof(d->key));
    OPENSSL_cleanse(hash, sizeof(hash));
    return good;
}

static struct evp_mac_ctx_st *create_mac(void)
{
    EVP_MAC *siphash = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    struct evp_mac_ctx_st *mac = siphash != NULL ? EVP_MAC_CTX_new(siphash) : NULL;
    EVP_MAC_free(siphash);
    return mac;
}

bool digester_copy(struct digester *d, const struct digester *from)
{
    d->mac = create_mac();
    memcpy(d->key, from->key, sizeof(d->key));
    return d->mac != NULL;
}

bool digester_create(struct digester *d, const char *purpose, const void *secret, size_t len)
{
    d->mac = create_mac();
    if (d->mac != NULL && derive(d, purpose, secret, len))
        return true;
    digester_destroy(d);
    return false;
}

void digester_destroy(struct digester *d)
{
    EVP_MAC_CTX_free(d->mac);
    OPENSSL_cleanse(d, sizeof(*d));
}

bool digest_start(struct digester *d)
{
    return EVP_MAC_init(d->mac, d->key, sizeof(d->key), NULL) == 1;
}

bool digest_add(struct digester *d, const void *data, size_t len)
{
    return EVP_MAC_update(d->mac, data, len) == 1;
}

bool digest_finish(struct digester *d, struct digest *out)
{
    size_t len;
    return EVP_MAC_final(d->mac, (unsigned char *)out->words, &len, sizeof(out->words)) == 1 &&
           len == sizeof(out->words);
}

bool digest_of_parties(struct digester *d, const struct ip_addr *client, const char *sender,
                       const char *recipient, const uint64_t *destination, struct digest *out)
{
    static const uint64_t none;
    struct ip_addr network = *client;
    if (ip_addr_is_v4(client))
        network.b[15] = 0;
    else
        memset(network.b + 8, 0, 8);
    if (destination == NULL)
        destination = &none;
    /* The NULs keep sender and recipient apart. */
    return digest_start(d) && digest_add(d, network.b, sizeof(network.b)) &&
           digest_add(d, destination, sizeof(*destination)) &&
           digest_add(d, sender, strlen(sender) + 1) &&
           digest_add(d, recipient, strlen(recipient) + 1) && digest_finish(d, out);
}
