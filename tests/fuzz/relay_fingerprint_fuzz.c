/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fingerprint of content. The first byte says how the rest is cut: however it is, the digest is
 * that of what a plain reading, line by line, leaves of it.
 */
#include "app/relay/fingerprint.h"

#include <string.h>
#include <strings.h>

#include "fuzz.h"

static bool is_trace_field(const uint8_t *line, size_t len)
{
    static const char *const fields[] = {"received:", "return-path:"};
    for (unsigned i = 0; i < 2; i++) {
        size_t n = strlen(fields[i]);
        if (len >= n && strncasecmp((const char *)line, fields[i], n) == 0)
            return true;
    }
    return false;
}

/* Without transparency and leading trace block. Only the dot behind a CRLF stands for transparency.
 * Returns the length of what is left. */
static size_t read_plainly(const uint8_t *data, size_t size, uint8_t *out)
{
    size_t len = 0;
    bool in_trace = true, skipped = false, crlf = true;
    while (size > 0) {
        const uint8_t *newline = memchr(data, '\n', size);
        size_t n = newline != NULL ? (size_t)(newline + 1 - data) : size;
        size_t dot = data[0] == '.' && crlf ? 1 : 0;
        crlf = n > 1 && data[n - 2] == '\r';
        const uint8_t *line = data + dot;
        size_t left = n - dot;
        bool goes_on = skipped && left > 0 && (line[0] == ' ' || line[0] == '\t');
        if (left > 0 && in_trace && !goes_on)
            in_trace = skipped = is_trace_field(line, left);
        if (!skipped) {
            memcpy(out + len, line, left);
            len += left;
        }
        data += n;
        size -= n;
    }
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t secret[DIGEST_SECRET] = {1};
    struct fingerprint f = {0};
    struct digest expected, found;
    if (size == 0)
        return 0;
    size_t cut = data[0] % 32 + 1u;
    uint8_t *plain = malloc(size);
    FUZZ_CHECK(plain != NULL && digester_create(&f.digester, "test", secret, sizeof(secret)));
    size_t len = read_plainly(data + 1, size - 1, plain);
    FUZZ_CHECK(digest_start(&f.digester) && digest_add(&f.digester, plain, len) &&
               digest_finish(&f.digester, &expected));
    fingerprint_start(&f);
    for (size_t at = 1; at < size; at += cut)
        fingerprint_add(&f, data + at, size - at < cut ? size - at : cut);
    FUZZ_CHECK(fingerprint_finish(&f, &found) && digest_equal(&found, &expected));
    digester_destroy(&f.digester);
    free(plain);
    return 0;
}
