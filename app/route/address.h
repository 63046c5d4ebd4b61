/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The canonical form of an address: two spellings have the same one if and only if they name the
 * same mailbox. Files, envelopes and --route all go through here.
 *
 *   local part   quotes and backslashes removed (`"a.b"` is `a.b`), in Unicode form NFC, ASCII
 *                letters in lower case. Nothing else is equal: no other case, no lookalikes.
 *   domain       A-labels (IDNA2008, RFC 5891) in lower case, without the trailing dot. An A-label
 *                is taken as it stands: whether it decodes is for DNS to say
 *
 * ASCII takes no library call and no allocation. Beyond ASCII libunistring and libidn2 may
 * allocate a few kB, in proportion to the input, which is bounded by ADDRESS_TEXT_MAX; that can
 * only come from a file while SMTPUTF8 (RFC 6531) is not offered.
 */
#ifndef SPLITMX_ROUTE_ADDRESS_H
#define SPLITMX_ROUTE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/smtp/span.h"
#include "drivers/base/check.h"

#define ADDRESS_LOCAL_MAX  64  /* RFC 5321 §4.5.3.1.1, octets of the canonical form */
#define ADDRESS_DOMAIN_MAX 253 /* RFC 1035 §2.3.4 as text, octets of the canonical form */
#define ADDRESS_TEXT_MAX   512 /* octets of either part as it is written */
#define ADDRESS_KEY_MAX    (1 + ADDRESS_LOCAL_MAX + 1 + ADDRESS_DOMAIN_MAX + 1)

/*
 * Held as the key that mailbox sets are searched for: "\nLOCAL@DOMAIN\n". Neither part can hold a
 * newline, so that a key is found in another only if the two are equal.
 */
struct address {
    uint16_t local_len, domain_len;
    char key[ADDRESS_KEY_MAX];
};

#define ADDRESS_ERRORS(X)                                                                          \
    X(ADDRESS_OK, "")                                                                              \
    X(ADDRESS_NO_LOCAL_PART, "there is no local part")                                             \
    X(ADDRESS_LOCAL_TOO_LONG, "the local part has more than 64 bytes")                             \
    X(ADDRESS_LOCAL_SYNTAX, "it needs quotes")                                                     \
    X(ADDRESS_QUOTES, "the quoted local part is not well-formed")                                  \
    X(ADDRESS_NOT_UTF8, "it is not valid UTF-8")                                                   \
    X(ADDRESS_CONTROL, "it holds a control character")                                             \
    X(ADDRESS_NO_DOMAIN, "there is no domain")                                                     \
    X(ADDRESS_DOMAIN_TOO_LONG, "the domain has more than 253 bytes")                               \
    X(ADDRESS_DOMAIN_SYNTAX, "its labels are not letters, digits and inner hyphens")               \
    X(ADDRESS_DOMAIN_IDNA, "the domain is not one under IDNA2008")                                 \
    X(ADDRESS_NO_MEMORY, "out of memory")
#define ADDRESS_ERROR_ENUM(name, sentence) name,
enum address_error { ADDRESS_ERRORS(ADDRESS_ERROR_ENUM) ADDRESS_ERROR_COUNT };

const char *address_error_text(enum address_error error);

/* The canonical form of a local part (`quoted`: with its quotes) at a domain. */
MUST_CHECK enum address_error address_canonical(struct span local, bool quoted, struct span domain,
                                                struct address *out);

/* Only a domain: out has room for ADDRESS_DOMAIN_MAX + 1, and gets a NUL. */
MUST_CHECK enum address_error address_domain_canonical(struct span domain, char *out,
                                                       uint16_t *len);

static inline struct span address_local(const struct address *a)
{
    return (struct span){a->key + 1, a->local_len};
}

static inline struct span address_domain(const struct address *a)
{
    return (struct span){a->key + 1 + a->local_len + 1, a->domain_len};
}

static inline size_t address_key_len(const struct address *a)
{
    return 1u + a->local_len + 1u + a->domain_len + 1u;
}

/* The address without its subaddress (RFC 5233): all before the first delimiter. False if there
 * is no delimiter, or nothing before it. */
MUST_CHECK bool address_base(const struct address *a, char delimiter, struct address *out);

/* True if the local part could make its next hop route the mail onwards, by itself or by a shell:
 * it holds any of @ % ! | \ or a control character, or begins with / or a dot. */
bool address_is_routed(const struct address *a);

/* True if the domain has no dot. */
bool address_is_dotless(const struct address *a);

bool address_is_utf8(struct span text);

/* True if UTF-8 is in Unicode form NFC, as canonical local parts are. */
bool address_is_composed(struct span text);

/* Room for any address as text, with the NUL. */
#define ADDRESS_FORMAT_SIZE (2 * ADDRESS_LOCAL_MAX + 2 + 1 + ADDRESS_DOMAIN_MAX + 1)

/* A spelling of the address, quoted where it must be. Returns buf. */
const char *address_format(const struct address *a, char *buf);

#endif
