/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The content scanner. The first byte says how the rest is cut: every kernel must say what the
 * reference says of the whole.
 */
#include "app/smtp/content_kernel.h"
#include "fuzz.h"
#include "tests/app/smtp/content_reference.h"

/* A cheap sequence of chunk sizes, 1 to 128; a seed of 0 is one chunk. */
static size_t next_chunk(uint32_t *seed)
{
    if (*seed == 0)
        return SIZE_MAX;
    *seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
    *seed |= 1;
    return 1 + (*seed >> 25);
}

/* Each chunk is copied into an allocation of its size, so that ASan sees a read past it. */
static size_t scan_copy(unsigned kernel, struct smtp_content *c, const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len);
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, data, len);
    size_t taken = smtp_content_scan_with(kernel, c, copy, len);
    free(copy);
    return taken;
}

static void run(unsigned kernel, uint32_t seed, const uint8_t *data, size_t size,
                const struct smtp_content *expected)
{
    struct smtp_content c;
    smtp_content_start(&c);
    for (size_t at = 0; at < size && !c.ended;) {
        size_t chunk = next_chunk(&seed), left = size - at;
        size_t n = chunk < left ? chunk : left;
        uint64_t safe = c.safe;
        size_t taken = scan_copy(kernel, &c, data + at, n);
        FUZZ_CHECK(taken == n || (c.ended && taken > 0 && taken < n));
        at += taken;
        FUZZ_CHECK(c.scanned == at && c.safe >= safe && c.safe <= at);
        FUZZ_CHECK(c.bare || at - c.safe <= (c.ended ? 5 : 4));
    }
    FUZZ_CHECK(content_equal(&c, expected));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct smtp_content expected = content_reference(data + 1, size - 1);
    FUZZ_CHECK(smtp_content_empty(&expected) == (expected.ended && expected.scanned == 3));
    for (unsigned kernel = 0; smtp_content_kernel_name(kernel) != NULL; kernel++) {
        if (!smtp_content_kernel_usable(kernel))
            continue;
        run(kernel, 0, data + 1, size - 1, &expected);
        run(kernel, data[0], data + 1, size - 1, &expected);
    }
    return 0;
}
