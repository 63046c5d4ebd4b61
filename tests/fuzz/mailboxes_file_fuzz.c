/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mailbox files. What is taken is distinct, sorted, and canonical: written out again it is the same
 * entry, and the whole file says the same. What is not taken is an error.
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

static void write_key(FILE *f, struct span key)
{
    size_t local = key.len - strlen("\n@\n") - strlen(domain);
    putc('"', f);
    for (size_t i = 1; i <= local; i++) {
        if (key.at[i] == '"' || key.at[i] == '\\')
            putc('\\', f);
        putc(key.at[i], f);
    }
    putc('"', f);
}

/* Everything in another order than it was taken in, which must not matter. */
static char *write_all(const struct mailboxes *m, size_t *len)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, len);
    FUZZ_CHECK(f != NULL);
    if (m->catch_all != CATCH_ALL_NONE)
        fputs(m->catch_all == CATCH_ALL_EXTERNAL ? "!*\n" : "*\n", f);
    for (uint32_t i = m->entry_count; i > 0; i--) {
        fputs(m->entries[i - 1].external ? "!" : "", f);
        write_key(f, key_of(m, i - 1));
        putc('\n', f);
    }
    for (unsigned i = 0; i < m->expression_count; i++)
        fprintf(f, "%s/%s/\n", m->expressions[i].external ? "!" : "", m->expressions[i].text);
    fclose(f);
    return text;
}

static void check_file(const struct mailboxes *m)
{
    struct mailboxes again = {0};
    struct config_errors *errors = config_errors_new();
    size_t len;
    char *text = write_all(m, &len);
    FUZZ_CHECK(mailboxes_parse(&again, "m", text, len, domain, errors));
    FUZZ_CHECK(again.entry_count == m->entry_count && again.catch_all == m->catch_all &&
               again.expression_count == m->expression_count);
    for (uint32_t i = 0; i < m->entry_count; i++) {
        struct span a = key_of(m, i), b = key_of(&again, i);
        FUZZ_CHECK(a.len == b.len && memcmp(a.at, b.at, a.len) == 0 &&
                   again.entries[i].external == m->entries[i].external);
    }
    for (unsigned i = 0; i < m->expression_count; i++)
        FUZZ_CHECK(strcmp(again.expressions[i].text, m->expressions[i].text) == 0 &&
                   again.expressions[i].external == m->expressions[i].external);
    free(text);
    mailboxes_free(&again);
    config_errors_free(errors);
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
    if (ok)
        check_file(&m);
    mailboxes_free(&m);
    config_errors_free(errors);
    return 0;
}
