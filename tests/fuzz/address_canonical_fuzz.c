/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Canonical addresses, from "LOCAL\nDOMAIN". A canonical form is its own canonical form, within its
 * limits, the same for another spelling, and holds nothing that could forge a key.
 */
#include <string.h>

#include "app/route/address.h"
#include "fuzz.h"

static bool same(const struct address *a, const struct address *b)
{
    return address_key_len(a) == address_key_len(b) &&
           memcmp(a->key, b->key, address_key_len(a)) == 0;
}

/* Every character behind a backslash, ASCII letters in capitals. */
static size_t respell(struct span content, char *out)
{
    size_t len = 0;
    out[len++] = '"';
    for (size_t i = 0; i < content.len; i++) {
        char c = content.at[i];
        if ((unsigned char)c < 0x80)
            out[len++] = '\\';
        out[len++] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    out[len++] = '"';
    return len;
}

static void check_form(const struct address *a)
{
    struct span local = address_local(a), domain = address_domain(a);
    FUZZ_CHECK(local.len > 0 && local.len <= ADDRESS_LOCAL_MAX);
    FUZZ_CHECK(domain.len > 0 && domain.len <= ADDRESS_DOMAIN_MAX);
    FUZZ_CHECK(a->key[0] == '\n' && local.at[local.len] == '@' && domain.at[domain.len] == '\n');
    FUZZ_CHECK(address_is_utf8(local));
    for (size_t i = 0; i < local.len; i++)
        FUZZ_CHECK((unsigned char)local.at[i] >= ' ' && (local.at[i] < 'A' || local.at[i] > 'Z'));
    for (size_t i = 0; i < domain.len; i++)
        FUZZ_CHECK(strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", domain.at[i]) != NULL);
}

static void check_again(const struct address *a)
{
    struct address b;
    char text[ADDRESS_FORMAT_SIZE], spelled[2 * ADDRESS_LOCAL_MAX + 2];
    struct span domain = address_domain(a);
    address_format(a, text);
    struct span local = {text, strlen(text) - 1 - domain.len};
    FUZZ_CHECK(address_canonical(local, text[0] == '"', domain, &b) == ADDRESS_OK && same(a, &b));
    local = (struct span){spelled, respell(address_local(a), spelled)};
    FUZZ_CHECK(address_canonical(local, true, domain, &b) == ADDRESS_OK && same(a, &b));
}

static void check_base(const struct address *a)
{
    struct address base, again;
    if (!address_base(a, '+', &base))
        return;
    check_form(&base);
    FUZZ_CHECK(base.local_len < a->local_len && !address_base(&base, '+', &again));
    FUZZ_CHECK(!address_is_routed(&base) || address_is_routed(a));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *newline = size > 0 ? memchr(text, '\n', size) : NULL;
    if (newline == NULL)
        return 0;
    struct span local = {text, (size_t)(newline - text)};
    struct span domain = {newline + 1, size - local.len - 1};
    struct address a;
    for (int quoted = 0; quoted < 2; quoted++) {
        enum address_error error = address_canonical(local, quoted, domain, &a);
        FUZZ_CHECK((error == ADDRESS_OK) == (address_error_text(error)[0] == '\0'));
        if (error != ADDRESS_OK)
            continue;
        check_form(&a);
        check_again(&a);
        check_base(&a);
    }
    return 0;
}
