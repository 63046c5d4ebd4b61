/* SPDX-License-Identifier: BSD-3-Clause */
/* What is computed from histograms, off the path of the messages. */
#include "bench/smtpgen/histogram.h"

#include <math.h>

/* The least value of a bucket: the inverse of histogram_index(). */
static uint64_t bucket_start(unsigned index)
{
    unsigned octave = index >> HISTOGRAM_FINE_BITS;
    unsigned shift = octave > 1 ? octave - 1 : 0;
    return (uint64_t)(index - (shift << HISTOGRAM_FINE_BITS)) << shift;
}

/* What stands for the values of a bucket. */
static uint64_t bucket_middle(const struct histogram *h, unsigned index)
{
    uint64_t start = bucket_start(index);
    uint64_t middle = start + (bucket_start(index + 1) - start) / 2;
    bool open_ended = index == HISTOGRAM_BUCKETS - 1 && h->max > HISTOGRAM_LIMIT;
    if (middle > h->max || open_ended)
        return h->max;
    return middle < ~h->inverted ? ~h->inverted : middle;
}

static void note_range(struct histogram *h, uint64_t min, uint64_t max)
{
    if (max > h->max)
        h->max = max;
    if (~min > h->inverted)
        h->inverted = ~min;
}

void histogram_record_hidden(struct histogram *h, uint64_t ns, uint64_t interval, uint64_t n)
{
    if (interval == 0 || ns / 2 < interval)
        return;
    uint64_t last = interval + ns % interval, value = ns - interval;
    note_range(h, last, value);
    for (;;) {
        unsigned index = histogram_index(value);
        uint64_t floor = bucket_start(index) > last ? bucket_start(index) : last;
        uint64_t steps = (value - floor) / interval;
        /* value, value - interval, ..., value - steps * interval */
        h->buckets[index] += n * (steps + 1);
        h->sum += n * ((histogram_sum)value * (steps + 1) -
                       (histogram_sum)interval * steps * (steps + 1) / 2);
        value -= steps * interval;
        if (value == last)
            return;
        value -= interval;
    }
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
    into->sum += from->sum;
    note_range(into, ~from->inverted, from->max);
}

void histogram_merge_corrected(struct histogram *into, const struct histogram *from,
                               uint64_t interval_ns)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (from->buckets[i] != 0)
            histogram_record_hidden(into, bucket_middle(from, i), interval_ns, from->buckets[i]);
    }
    histogram_merge(into, from);
}

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        count += h->buckets[i];
    return count;
}

uint64_t histogram_min(const struct histogram *h)
{
    return h->inverted == 0 ? 0 : ~h->inverted;
}

uint64_t histogram_max(const struct histogram *h)
{
    return h->max;
}

double histogram_mean(const struct histogram *h)
{
    uint64_t count = histogram_count(h);
    return count == 0 ? 0 : (double)h->sum / (double)count;
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
    uint64_t count = histogram_count(h), below = 0;
    double rank = ceil(percent * (double)count / 100);
    if (rank <= 1)
        return histogram_min(h);
    if (rank >= (double)count)
        return h->max;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        below += h->buckets[i];
        if ((double)below >= rank)
            return bucket_middle(h, i);
    }
    return h->max;
}
