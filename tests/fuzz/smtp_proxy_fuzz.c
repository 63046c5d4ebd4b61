/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PROXY headers. What is complete is complete in exactly that many bytes: every shorter piece waits
 * for more, whatever follows changes nothing; what is bad stays bad.
 */
#include <string.h>

#include "app/smtp/proxy.h"
#include "fuzz.h"

/* In an allocation of its size, so that ASan sees a read past it. */
static enum proxy_state parse_copy(const uint8_t *data, size_t len, struct proxy_header *h)
{
    uint8_t *copy = calloc(1, len > 0 ? len : 1);
    FUZZ_CHECK(copy != NULL);
    if (len > 0)
        memcpy(copy, data, len);
    enum proxy_state state = proxy_parse(copy, len, h);
    if (state == PROXY_COMPLETE)
        FUZZ_CHECK(proxy_begins(copy, len));
    free(copy);
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header whole, part;
    enum proxy_state state = parse_copy(data, size, &whole);
    if (size >= PROXY_HEADER_MAX)
        FUZZ_CHECK(state != PROXY_MORE);
    if (state == PROXY_COMPLETE)
        FUZZ_CHECK(whole.len > 0 && whole.len <= size && whole.len <= PROXY_HEADER_MAX);
    for (size_t len = 0; len <= size; len++) {
        enum proxy_state so_far = parse_copy(data, len, &part);
        if (state == PROXY_COMPLETE && len >= whole.len)
            FUZZ_CHECK(so_far == PROXY_COMPLETE && memcmp(&whole, &part, sizeof(whole)) == 0);
        else if (state == PROXY_BAD)
            FUZZ_CHECK(so_far != PROXY_COMPLETE);
        else
            FUZZ_CHECK(so_far == PROXY_MORE);
    }
    return 0;
}
