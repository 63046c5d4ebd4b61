/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long things took, counted in buckets: log-linear, 64 to each power of two, so a bucket is
 * never wider than 1/64 of the values in it. Below 128 ns a value has a bucket of its own; beyond
 * HISTOGRAM_LIMIT ns (2.4 h) all share the last. All zero is a histogram with nothing in it.
 *
 *     ns     0 1 .. 63 | 64 65 .. 127 | 128-129 130-131 .. 254-255 | 256-259 ..
 *     index  0 1 .. 63 | 64 65 .. 127 | 128     129     .. 191     | 192     ..
 */
#ifndef SPLITMX_SMTPGEN_HISTOGRAM_H
#define SPLITMX_SMTPGEN_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define HISTOGRAM_FINE_BITS 6  /* 2^6 buckets to a power of two */
#define HISTOGRAM_TOP_BITS  43 /* values below 2^43 are told apart */
#define HISTOGRAM_LIMIT     ((UINT64_C(1) << HISTOGRAM_TOP_BITS) - 1)
#define HISTOGRAM_BUCKETS   ((HISTOGRAM_TOP_BITS - HISTOGRAM_FINE_BITS + 1) << HISTOGRAM_FINE_BITS)

__extension__ typedef unsigned __int128 histogram_sum;

struct histogram {
    uint64_t max;      /* exact, whatever its bucket */
    uint64_t inverted; /* ~ the least value, exact: zero is right as long as there is none */
    histogram_sum sum; /* exact */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* The bucket of a value. */
static inline unsigned histogram_index(uint64_t ns)
{
    if (ns > HISTOGRAM_LIMIT)
        return HISTOGRAM_BUCKETS - 1;
    if (ns >> HISTOGRAM_FINE_BITS == 0)
        return (unsigned)ns;
    unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - HISTOGRAM_FINE_BITS;
    return (shift << HISTOGRAM_FINE_BITS) + (unsigned)(ns >> shift);
}

static inline void histogram_record(struct histogram *h, uint64_t ns)
{
    h->buckets[histogram_index(ns)]++;
    h->sum += ns;
    if (ns > h->max)
        h->max = ns;
    if (~ns > h->inverted)
        h->inverted = ~ns;
}

/* `n` times the samples that a value hid: ns - interval, ns - 2 * interval, ..., not below
 * interval. Takes one step a bucket at most, however many they are. */
void histogram_record_hidden(struct histogram *h, uint64_t ns, uint64_t interval, uint64_t n);

/*
 * Records a value and, if the next sample was due after interval_ns and waited for this one, also
 * those that would have been taken meanwhile (coordinated omission). An interval of 0: none was
 * due.
 */
static inline void histogram_record_corrected(struct histogram *h, uint64_t ns,
                                              uint64_t interval_ns)
{
    histogram_record(h, ns);
    if (interval_ns != 0 && ns / 2 >= interval_ns)
        histogram_record_hidden(h, ns, interval_ns, 1);
}

/* Adds what `from` counted: as if all of it had been recorded in `into`. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/* Adds what `from` counted, corrected as above: for an interval that is known only afterwards. Each
 * value counts as the middle of its bucket. */
void histogram_merge_corrected(struct histogram *into, const struct histogram *from,
                               uint64_t interval_ns);

uint64_t histogram_count(const struct histogram *h);

/* Exact; 0 if there is none. */
uint64_t histogram_min(const struct histogram *h);
uint64_t histogram_max(const struct histogram *h);
double histogram_mean(const struct histogram *h);

/*
 * The least value that at least `percent` (0..100) of all are not above: within 1/64 of it, and
 * exact for 0 and 100. 0 if there is none.
 */
uint64_t histogram_percentile(const struct histogram *h, double percent);

#endif
