/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Content that came by BDAT, on its way by DATA. The first bytes of the input say how it is cut,
 * the rest is content. What is given out is the content with a dot before each one at the beginning
 * of a line; the scanner finds no end in it before ours, and after unstuffing it is what it was.
 */
#include <string.h>

#include "app/smtp/content.h"
#include "app/smtp/stuffing.h"
#include "fuzz.h"

#define CUTS 8

struct output {
    uint8_t *bytes;
    size_t len;
};

/* RFC 5321 §4.5.2, plainly. */
static void expect(const uint8_t *data, size_t size, struct output *out)
{
    for (size_t i = 0; i < size; i++) {
        bool begins = i == 0 || (i > 1 && data[i - 1] == '\n' && data[i - 2] == '\r');
        if (begins && data[i] == '.')
            out->bytes[out->len++] = '.';
        out->bytes[out->len++] = data[i];
    }
}

static void stuff(const uint8_t *cuts, const uint8_t *data, size_t size, struct output *out)
{
    struct smtp_stuffing s = {0};
    unsigned turn = 0;
    for (size_t at = 0; at < size;) {
        size_t taken, len = (size_t)cuts[turn++ % CUTS] + 1;
        len = len < size - at ? len : size - at;
        size_t run = smtp_stuffing_run(&s, data + at, len, &taken);
        FUZZ_CHECK(run >= 1 && run <= len && taken <= run && run - taken <= 1);
        memcpy(out->bytes + out->len, data + at, run);
        out->len += run;
        at += taken;
    }
    bool ends = size == 0 || (size > 1 && memcmp(data + size - 2, "\r\n", 2) == 0);
    FUZZ_CHECK(smtp_stuffing_at_line(&s) == ends);
}

static void scan(const struct output *out)
{
    struct smtp_content c;
    smtp_content_start(&c);
    FUZZ_CHECK(smtp_content_scan(&c, out->bytes, out->len) == out->len && !c.ended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CUTS)
        return 0;
    struct output expected = {malloc(2 * size), 0}, is = {malloc(2 * size), 0};
    expect(data + CUTS, size - CUTS, &expected);
    stuff(data, data + CUTS, size - CUTS, &is);
    FUZZ_CHECK(is.len == expected.len && memcmp(is.bytes, expected.bytes, is.len) == 0);
    scan(&is);
    free(expected.bytes);
    free(is.bytes);
    return 0;
}
