/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages in equals messages out, with bare newlines repaired. The first bytes of the input say
 * how it is cut, the rest comes behind DATA: scanned, repaired as far as it may be passed on, and
 * ended. What a destination makes of the result is what the client meant, with its bare newlines
 * replaced; content without them is not touched; and no reader, as loose about newlines as any,
 * finds an end in it but ours.
 */
#include <string.h>

#include "app/smtp/content.h"
#include "app/smtp/repair.h"
#include "fuzz.h"

#define CUTS 8

struct text {
    uint8_t *bytes;
    size_t len;
};

static void put(struct text *t, uint8_t c)
{
    t->bytes[t->len++] = c;
}

/* RFC 5321 §4.5.2, plainly: the content that a receiver sees. */
static void unstuff(const uint8_t *data, size_t size, struct text *out)
{
    for (size_t i = 0; i < size; i++) {
        bool begins = i == 0 || (i > 1 && data[i - 1] == '\n' && data[i - 2] == '\r');
        if (!begins || data[i] != '.')
            put(out, data[i]);
    }
}

/* Newlines of any kind become CRLF. */
static void mend(const struct text *in, struct text *out)
{
    for (size_t i = 0; i < in->len; i++) {
        uint8_t c = in->bytes[i];
        if (c != '\r' && c != '\n') {
            put(out, c);
            continue;
        }
        put(out, '\r');
        put(out, '\n');
        i += c == '\r' && i + 1 < in->len && in->bytes[i + 1] == '\n';
    }
}

/* The ends of data that a reader finds to whom each CR and each LF ends a line. */
static unsigned ends(const struct text *t)
{
    unsigned count = 0;
    for (size_t i = 0; i + 1 < t->len; i++) {
        bool begins = i == 0 || t->bytes[i - 1] == '\n' || t->bytes[i - 1] == '\r';
        bool over = t->bytes[i + 1] == '\n' || t->bytes[i + 1] == '\r';
        count += begins && t->bytes[i] == '.' && over;
    }
    return count;
}

static int at(const uint8_t *data, size_t size, size_t i)
{
    return i < size ? data[i] : -1;
}

/* Segment by segment, each passed on in pieces. */
static size_t run(const uint8_t *cuts, const uint8_t *data, size_t size, struct smtp_content *c,
                  struct text *out)
{
    struct smtp_repair r = {0};
    unsigned turn = 0;
    size_t passed = 0;
    smtp_content_start(c);
    c->mended = true;
    while (c->scanned < size && !c->ended) {
        size_t len = (size_t)cuts[turn++ % CUTS] + 1, left = size - c->scanned;
        (void)!smtp_content_scan(c, data + c->scanned, len < left ? len : left);
        while (passed < c->safe) {
            len = (size_t)cuts[turn++ % CUTS] % 16 + 1;
            len = len < c->safe - passed ? len : c->safe - passed;
            const int ahead[] = {at(data, c->scanned, passed + len),
                                 at(data, c->scanned, passed + len + 1)};
            struct smtp_repair_run some = smtp_repair(&r, data + passed, len, ahead);
            FUZZ_CHECK(some.given <= some.taken && some.taken <= some.given + 1);
            FUZZ_CHECK(some.taken <= len && (some.taken > 0 || some.text != NULL));
            memcpy(out->bytes + out->len, data + passed, some.given);
            out->len += some.given;
            if (some.text != NULL)
                put(out, (uint8_t)some.text[0]);
            passed += some.taken;
        }
    }
    return passed;
}

static void judge(const uint8_t *data, size_t passed, const struct smtp_content *c,
                  const struct text *out)
{
    struct text meant = {malloc(passed + 1), 0}, mended = {malloc(2 * passed + 1), 0},
                seen = {malloc(out->len + 1), 0};
    unstuff(data, passed, &meant);
    mend(&meant, &mended);
    unstuff(out->bytes, out->len, &seen);
    FUZZ_CHECK(seen.len == mended.len && memcmp(seen.bytes, mended.bytes, seen.len) == 0);
    FUZZ_CHECK(c->bare || (out->len == passed && memcmp(out->bytes, data, passed) == 0));
    free(meant.bytes);
    free(mended.bytes);
    free(seen.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_content c;
    if (size < CUTS)
        return 0;
    struct text out = {malloc(2 * size + 8), 0};
    size_t passed = run(data, data + CUTS, size - CUTS, &c, &out);
    if (c.ended) {
        judge(data + CUTS, passed, &c, &out);
        FUZZ_CHECK(ends(&out) == 0);
        for (const char *end = smtp_content_empty(&c) ? ".\r\n" : "\r\n.\r\n"; *end != '\0'; end++)
            put(&out, (uint8_t)*end);
        FUZZ_CHECK(ends(&out) == 1);
    } else {
        /* What is left behind by a client that has gone, whatever a destination makes of it. */
        FUZZ_CHECK(ends(&out) == 0);
    }
    free(out.bytes);
    return 0;
}
