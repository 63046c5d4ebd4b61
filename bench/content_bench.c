/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How fast the content scanner is, measured against memchr() over the same bytes, which is about as
 * fast as anything can look at them. The ratio is what can be compared between machines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/smtp/content_kernel.h"

#define SIZE    (256 * 1024) /* of a message: stays in the second-level cache */
#define SEGMENT 1448         /* bytes of a call: TCP's payload of an Ethernet frame */
#define PASSES  400          /* the best counts: the others were disturbed */

/* xorshift: the same bytes in every run. */
static uint32_t next_random(void)
{
    static uint32_t x = 2463534242u;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

/* Lines of min to max characters, a share of them (of 256) beginning with a dot: min is then 2
 * at least, or the content would end. */
static void fill(uint8_t *data, unsigned min, unsigned max, unsigned dots)
{
    static const char text[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char header[] = "Message-ID: <bench@example.com>\r\n\r\n";
    size_t at = sizeof(header) - 1;
    memcpy(data, header, at);
    while (at < SIZE) {
        size_t len = min + next_random() % (max - min + 1);
        for (size_t i = 0; i < len && at < SIZE; i++)
            data[at++] = (uint8_t)text[next_random() % 64];
        if (len > 0 && at <= SIZE && next_random() % 256 < dots)
            data[at - len] = '.';
        if (at < SIZE)
            data[at++] = '\r';
        if (at < SIZE)
            data[at++] = '\n';
    }
    data[SIZE - 2] = '\r';
    data[SIZE - 1] = '\n';
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static size_t pass_memchr(unsigned kernel, const uint8_t *data)
{
    size_t found = 0;
    (void)kernel;
    for (size_t at = 0; at < SIZE; at += SEGMENT) {
        size_t n = SIZE - at < SEGMENT ? SIZE - at : SEGMENT;
        found += memchr(data + at, 0, n) != NULL;
    }
    return found;
}

static size_t pass_scan(unsigned kernel, const uint8_t *data)
{
    struct smtp_content c;
    smtp_content_start(&c);
    for (size_t at = 0; at < SIZE; at += SEGMENT) {
        size_t n = SIZE - at < SEGMENT ? SIZE - at : SEGMENT;
        if (smtp_content_scan_with(kernel, &c, data + at, n) != n)
            abort(); /* the content has no end */
    }
    return c.longest;
}

/* Seconds of the fastest pass. */
static double measure(size_t (*pass)(unsigned, const uint8_t *), unsigned kernel,
                      const uint8_t *data)
{
    static volatile size_t sink;
    double best = 1e9;
    for (unsigned i = 0; i < PASSES; i++) {
        double start = now();
        sink = sink + pass(kernel, data);
        double took = now() - start;
        best = took < best ? took : best;
    }
    return best;
}

int main(void)
{
    static const struct {
        const char *name;
        unsigned min, max, dots;
    } contents[] = {
        {"base64 (lines of 76)", 76, 76, 0},
        {"text (lines of 0 to 90)", 0, 90, 0},
        {"every line begins with a dot", 2, 90, 256},
        {"short lines (0 to 8)", 0, 8, 0},
        {"empty lines", 0, 0, 0},
        {"lines of 998", 998, 998, 0},
    };
    static uint8_t data[SIZE];

    printf("Throughput of the content scanner, memchr() = 1.00\n\n%-30s", "");
    for (unsigned k = 0; smtp_content_kernel_name(k) != NULL; k++)
        if (smtp_content_kernel_usable(k))
            printf(" %8s", smtp_content_kernel_name(k));
    printf("\n");
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        fill(data, contents[i].min, contents[i].max, contents[i].dots);
        double reference = measure(pass_memchr, 0, data);
        printf("%-30s", contents[i].name);
        for (unsigned k = 0; smtp_content_kernel_name(k) != NULL; k++)
            if (smtp_content_kernel_usable(k))
                printf(" %8.2f", reference / measure(pass_scan, k, data));
        printf("\n");
    }
    return EXIT_SUCCESS;
}
