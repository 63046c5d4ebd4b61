/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of moves: whatever is taken from it has not ended, is an address or a domain, and comes
 * back the same from a file that is written of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/route/grace_file.h"
#include "fuzz.h"

#define NOW 1000

static void check_entry(const struct keymap_entry *e)
{
    FUZZ_CHECK(e->value > NOW && e->len >= 3 && e->len <= ADDRESS_KEY_MAX);
    FUZZ_CHECK(e->key[0] == '\n' && memchr(e->key + 1, '\n', e->len - 1u) == e->key + e->len - 1);
    FUZZ_CHECK(memchr(e->key, '@', e->len) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct grace *g = grace_file_parse((const char *)data, size, NOW);
    for (uint64_t i = 0; i < grace_count(g); i++) {
        struct keymap_entry e = grace_at(g, i);
        check_entry(&e);
    }
    size_t len;
    char *text = grace_file_format(g, NULL, &len);
    struct grace *again = grace_file_parse(text, len, NOW);
    FUZZ_CHECK(grace_count(again) == grace_count(g));
    for (uint64_t i = 0; i < grace_count(g); i++) {
        struct keymap_entry e = grace_at(g, i);
        FUZZ_CHECK(grace_end(again, e.key, e.len) == e.value);
    }
    free(text);
    grace_unref(again);
    grace_unref(g);
    return 0;
}
