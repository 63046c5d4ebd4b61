/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Canonical addresses, from "LOCAL\nDOMAIN". A canonical form is its own canonical form, within its
 * limits, the same for other spellings (in capitals, decomposed, as U-labels), and holds nothing
 * that could forge a key.
 */
#include <idn2.h>
#include <string.h>
#include <uninorm.h>

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

/* Unicode's other form of the local part, in quotes. */
static void check_decomposed(const struct address *a)
{
    struct address b;
    struct span local = address_local(a);
    uint8_t apart[8 * ADDRESS_LOCAL_MAX], *result;
    char spelled[2 * sizeof(apart) + 2];
    size_t len = sizeof(apart), at = 0;
    result = u8_normalize(UNINORM_NFD, (const uint8_t *)local.at, local.len, apart, &len);
    FUZZ_CHECK(result == apart);
    spelled[at++] = '"';
    for (size_t i = 0; i < len; i++) {
        if (apart[i] == '"' || apart[i] == '\\')
            spelled[at++] = '\\';
        spelled[at++] = (char)apart[i];
    }
    spelled[at++] = '"';
    if (at <= ADDRESS_TEXT_MAX)
        FUZZ_CHECK(address_canonical((struct span){spelled, at}, true, address_domain(a), &b) ==
                       ADDRESS_OK &&
                   same(a, &b));
}

/* What decodes, and is a domain then, is the same one. */
static void check_u_labels(const struct address *a)
{
    char domain[ADDRESS_DOMAIN_MAX + 1], back[ADDRESS_DOMAIN_MAX + 1], *u_labels = NULL;
    uint16_t len;
    struct span ours = address_domain(a);
    memcpy(domain, ours.at, ours.len);
    domain[ours.len] = '\0';
    if (idn2_to_unicode_8z8z(domain, &u_labels, 0) == IDN2_OK &&
        address_domain_canonical((struct span){u_labels, strlen(u_labels)}, back, &len) ==
            ADDRESS_OK)
        FUZZ_CHECK(strcmp(back, domain) == 0);
    idn2_free(u_labels);
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
        check_decomposed(&a);
        check_u_labels(&a);
        check_base(&a);
    }
    return 0;
}
