/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mailbox files. What is taken is distinct, sorted, and canonical: written out again it is the same
 * entry. What is not taken is an error.
 */
#include <string.h>

#include "app/route/address.h"
#include "app/route/mailboxes.h"
#include "fuzz.h"

static const char domain[] = "xn--bcher-kva.example";

static struct span key_of(const struct mailboxes *m, uint32_t i)
{
    return (struct span){m->keys + m->entries[i].key, m->entries[i].len};
}

static void check_entry(struct span key)
{
    size_t local = key.len - strlen("\n@\n") - strlen(domain);
    FUZZ_CHECK(key.len > strlen("\n@\n") + strlen(domain) && local <= ADDRESS_LOCAL_MAX);
    FUZZ_CHECK(memchr(key.at + 1, '\n', key.len - 1) == key.at + key.len - 1);
    FUZZ_CHECK(memcmp(key.at + 1 + local + 1, domain, strlen(domain)) == 0);

    struct address a = {.local_len = (uint16_t)local, .domain_len = (uint16_t)strlen(domain)}, b;
    char text[ADDRESS_FORMAT_SIZE];
    memcpy(a.key, key.at, key.len);
    address_format(&a, text);
    size_t spelled = strlen(text) - strlen("@") - strlen(domain);
    FUZZ_CHECK(address_canonical((struct span){text, spelled}, text[0] == '"',
                                 (struct span){domain, strlen(domain)}, &b) == ADDRESS_OK);
    FUZZ_CHECK(address_key_len(&b) == key.len && memcmp(b.key, key.at, key.len) == 0);
}

static void check_order(struct span a, struct span b)
{
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    FUZZ_CHECK(order < 0 || (order == 0 && a.len < b.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mailboxes m = {0};
    struct config_errors *errors = config_errors_new();
    bool ok = mailboxes_parse(&m, "m", (const char *)data, size, domain, errors);
    FUZZ_CHECK(ok == (config_errors_count(errors) == 0));
    FUZZ_CHECK(!ok || m.entry_count + m.expression_count > 0 || m.catch_all != CATCH_ALL_NONE);
    for (uint32_t i = 0; i < m.entry_count; i++) {
        check_entry(key_of(&m, i));
        if (i > 0)
            check_order(key_of(&m, i - 1), key_of(&m, i));
    }
    for (unsigned i = 0; i < m.expression_count; i++)
        FUZZ_CHECK(
            address_is_utf8((struct span){m.expressions[i].text, strlen(m.expressions[i].text)}));
    mailboxes_free(&m);
    config_errors_free(errors);
    return 0;
}
