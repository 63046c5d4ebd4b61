/* SPDX-License-Identifier: BSD-3-Clause */
/* The table, the JSON and the progress line. */
#include "bench/smtpgen/report.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/smtpgen/number.h"

#define LABEL_WIDTH 48

struct percentile {
    const char *heading, *key;
    double percent;
};

static const struct percentile percentiles[] = {
    {"p50", "p50", 50}, {"p90", "p90", 90}, {"p99", "p99", 99}, {"p99.9", "p99_9", 99.9}};

struct row {
    const char *name, *text;
};

#define ROW(name, text)              {#name, text},
#define PHASE_ROW(NAME, name, text)  {#name, text},
#define STREAM_ERROR_ROW(NAME, text) {#NAME, text},

static const struct row count_rows[] = {REPORT_COUNTS(ROW)};
static const struct row wire_rows[] = {REPORT_WIRE_COUNTS(ROW)};
static const struct row phase_rows[] = {REPORT_PHASES(PHASE_ROW)};
static const struct row stream_error_rows[] = {STREAM_ERRORS(STREAM_ERROR_ROW)};

/* Both are their lists' members and nothing else. */
static const uint64_t *count_values(const struct report_counts *c)
{
    static_assert(sizeof(*c) == COUNT_OF(count_rows) * sizeof(uint64_t), "only counts");
    return (const uint64_t *)c;
}

static const uint64_t *wire_values(const struct report_wire *w)
{
    static_assert(sizeof(*w) == COUNT_OF(wire_rows) * sizeof(uint64_t), "only counts");
    return (const uint64_t *)w;
}

static double share(double part, double all)
{
    return all > 0 ? part / all : 0;
}

void report_restart(struct report *r)
{
    double seconds = r->mark.seconds;
    memset(&r->counts, 0, sizeof(r->counts));
    memset(r->replies, 0, sizeof(r->replies));
    memset(r->stream_errors, 0, sizeof(r->stream_errors));
    memset(&r->wire, 0, sizeof(r->wire));
    memset(r->latency, 0, sizeof(r->latency));
    r->cycles_total = r->cycles_busy = 0;
    r->waiting_max = r->waiting_now;
    r->mark = (struct report_mark){.seconds = seconds};
}

/* Where sessions wait for answers before they go on, a slow answer also delays the samples after
 * it. Nobody set their interval: the median stands for it. */
static uint64_t correction_interval(const struct report *r)
{
    return r->open_loop ? 0 : histogram_percentile(&r->latency[REPORT_MESSAGE], 50);
}

static void print_counts(const struct report *r, FILE *out)
{
    char number[NUMBER_SIZE], rate[NUMBER_SIZE];
    const uint64_t *values = count_values(&r->counts);
    fprintf(out, "%-*s %16s %12s\n", LABEL_WIDTH, "", "total", "per second");
    for (unsigned i = 0; i < COUNT_OF(count_rows); i++) {
        if (values[i] != 0)
            fprintf(out, "%-*s %16s %12s\n", LABEL_WIDTH, count_rows[i].text,
                    number_whole(number, values[i]),
                    number_figure(rate, share((double)values[i], r->seconds)));
    }
    if (r->waiting_max != 0)
        fprintf(out, "%-*s %16s\n", LABEL_WIDTH, "most arrivals that waited at a time",
                number_whole(number, r->waiting_max));
    for (unsigned code = 0; code < COUNT_OF(r->replies); code++) {
        if (r->replies[code] != 0)
            fprintf(out, "  reply %03u%-*s %16s\n", code, LABEL_WIDTH - 11, "",
                    number_whole(number, r->replies[code]));
    }
    for (unsigned i = 0; i < STREAM_ERROR_COUNT; i++) {
        if (r->stream_errors[i] != 0)
            fprintf(out, "  %-*s %16s\n", LABEL_WIDTH - 2, stream_error_rows[i].text,
                    number_whole(number, r->stream_errors[i]));
    }
}

static void print_wire(const struct report *r, FILE *out)
{
    char number[NUMBER_SIZE], rate[NUMBER_SIZE], each[NUMBER_SIZE];
    const uint64_t *values = wire_values(&r->wire);
    double messages = (double)r->counts.messages_accepted;
    if (r->wire.packets_in + r->wire.packets_out == 0)
        return;
    fprintf(out, "\n%-*s %16s %12s %12s\n", LABEL_WIDTH, "", "total", "per second",
            messages > 0 ? "per message" : "");
    for (unsigned i = 0; i < COUNT_OF(wire_rows); i++)
        fprintf(out, "%-*s %16s %12s %12s\n", LABEL_WIDTH, wire_rows[i].text,
                number_whole(number, values[i]),
                number_figure(rate, share((double)values[i], r->seconds)),
                messages > 0 ? number_figure(each, (double)values[i] / messages) : "");
}

static void print_latency_row(const struct histogram *h, const char *text, FILE *out)
{
    char number[NUMBER_SIZE];
    uint64_t count = histogram_count(h);
    if (count == 0)
        return;
    fprintf(out, "%-26s %13s", text, number_whole(number, count));
    fprintf(out, " %9s", number_figure(number, histogram_mean(h) / 1e3));
    for (unsigned i = 0; i < COUNT_OF(percentiles); i++)
        fprintf(
            out, " %9s",
            number_figure(number, (double)histogram_percentile(h, percentiles[i].percent) / 1e3));
    fprintf(out, " %9s\n", number_figure(number, (double)histogram_max(h) / 1e3));
}

/* The samples of whole messages, corrected; NULL where that changes nothing. To be freed. */
static struct histogram *corrected(const struct report *r)
{
    uint64_t interval = correction_interval(r);
    if (interval == 0)
        return NULL;
    struct histogram *h = calloc(1, sizeof(*h));
    if (h != NULL)
        histogram_merge_corrected(h, &r->latency[REPORT_MESSAGE], interval);
    return h;
}

static void print_latency(const struct report *r, FILE *out)
{
    uint64_t samples = 0;
    for (unsigned i = 0; i < REPORT_PHASE_COUNT; i++)
        samples += histogram_count(&r->latency[i]);
    if (samples == 0)
        return;
    fprintf(out, "\n%-26s %13s %9s",
            r->open_loop ? "latency (us), open loop" : "latency (us), closed loop", "samples",
            "mean");
    for (unsigned i = 0; i < COUNT_OF(percentiles); i++)
        fprintf(out, " %9s", percentiles[i].heading);
    fprintf(out, " %9s\n", "max");
    for (unsigned i = 0; i < REPORT_PHASE_COUNT; i++)
        print_latency_row(&r->latency[i], phase_rows[i].text, out);
    struct histogram *h = corrected(r);
    if (h != NULL)
        print_latency_row(h, "  corrected for waiting", out);
    free(h);
}

static double gigabits(uint64_t bytes, double seconds)
{
    return share((double)bytes * 8e-9, seconds);
}

void report_print(const struct report *r, FILE *out)
{
    char number[NUMBER_SIZE], content[NUMBER_SIZE];
    fprintf(out, "%s: run %08x, %s s\n\n", r->role, r->run, number_figure(number, r->seconds));
    print_counts(r, out);
    print_wire(r, out);
    print_latency(r, out);
    fprintf(out, "\n%s messages/s, %s Gbit/s of content",
            number_figure(number, share((double)r->counts.messages_accepted, r->seconds)),
            number_figure(content, gigabits(r->counts.content_bytes, r->seconds)));
    if (r->cycles_total != 0)
        fprintf(out, ", busy %.0f %%",
                share((double)r->cycles_busy, (double)r->cycles_total) * 100);
    fprintf(out, "\n");
}

static void put(json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) != 0)
        abort();
}

static void put_count(json_t *object, const char *name, uint64_t value)
{
    put(object, name, json_integer((json_int_t)value));
}

static json_t *latency_json(const struct histogram *h)
{
    json_t *o = json_object();
    put_count(o, "samples", histogram_count(h));
    if (histogram_count(h) == 0)
        return o;
    put(o, "min", json_real((double)histogram_min(h) / 1e3));
    put(o, "mean", json_real(histogram_mean(h) / 1e3));
    for (unsigned i = 0; i < COUNT_OF(percentiles); i++)
        put(o, percentiles[i].key,
            json_real((double)histogram_percentile(h, percentiles[i].percent) / 1e3));
    put(o, "max", json_real((double)histogram_max(h) / 1e3));
    return o;
}

static json_t *rates_json(const struct report *r)
{
    json_t *o = json_object();
    double messages = (double)r->counts.messages_accepted;
    put(o, "messages_per_second", json_real(share(messages, r->seconds)));
    put(o, "connections_per_second", json_real(share((double)r->counts.connections, r->seconds)));
    put(o, "content_gigabits_per_second", json_real(gigabits(r->counts.content_bytes, r->seconds)));
    put(o, "packets_in_per_message", json_real(share((double)r->wire.packets_in, messages)));
    put(o, "packets_out_per_message", json_real(share((double)r->wire.packets_out, messages)));
    if (r->cycles_total != 0)
        put(o, "busy", json_real(share((double)r->cycles_busy, (double)r->cycles_total)));
    return o;
}

static json_t *failures_json(const struct report *r)
{
    json_t *o = json_object(), *replies = json_object(), *errors = json_object();
    char code[8];
    for (unsigned i = 0; i < COUNT_OF(r->replies); i++) {
        snprintf(code, sizeof(code), "%03u", i % 1000);
        if (r->replies[i] != 0)
            put_count(replies, code, r->replies[i]);
    }
    for (unsigned i = 0; i < STREAM_ERROR_COUNT; i++) {
        if (r->stream_errors[i] != 0)
            put_count(errors, stream_error_rows[i].name, r->stream_errors[i]);
    }
    put(o, "replies", replies);
    put(o, "connections", errors);
    return o;
}

static json_t *latencies_json(const struct report *r)
{
    json_t *o = json_object();
    for (unsigned i = 0; i < REPORT_PHASE_COUNT; i++)
        put(o, phase_rows[i].name, latency_json(&r->latency[i]));
    struct histogram *h = corrected(r);
    if (h != NULL)
        put(o, "message_corrected", latency_json(h));
    free(h);
    return o;
}

json_t *report_json(const struct report *r)
{
    json_t *o = json_object(), *arguments = json_array(), *counts = json_object();
    json_t *wire = json_object();
    char run[16];
    for (const char *const *a = r->arguments; a != NULL && *a != NULL; a++)
        json_array_append_new(arguments, json_string(*a));
    for (unsigned i = 0; i < COUNT_OF(count_rows); i++)
        put_count(counts, count_rows[i].name, count_values(&r->counts)[i]);
    for (unsigned i = 0; i < COUNT_OF(wire_rows); i++)
        put_count(wire, wire_rows[i].name, wire_values(&r->wire)[i]);
    snprintf(run, sizeof(run), "%08x", r->run);
    put(o, "role", json_string(r->role));
    put(o, "arguments", arguments);
    put(o, "run", json_string(run));
    put(o, "open_loop", json_boolean(r->open_loop));
    put(o, "seconds", json_real(r->seconds));
    put(o, "rates", rates_json(r));
    put(o, "counts", counts);
    put_count(o, "waiting_max", r->waiting_max);
    put(o, "failures", failures_json(r));
    put(o, "wire", wire);
    put(o, "latency_us", latencies_json(r));
    return o;
}

bool report_json_write(json_t *json, const char *path)
{
    FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (out == NULL)
        return false;
    bool ok = json_dumpf(json, out, JSON_INDENT(1) | JSON_REAL_PRECISION(8)) == 0;
    ok = fputc('\n', out) != EOF && fflush(out) == 0 && ok;
    return (out == stdout || fclose(out) == 0) && ok;
}

void report_progress(struct report *r, double seconds, FILE *out)
{
    struct report_mark *m = &r->mark;
    const struct report_counts *now = &r->counts, *then = &m->counts;
    double interval = seconds - m->seconds;
    char messages[NUMBER_SIZE], connections[NUMBER_SIZE], bits[NUMBER_SIZE], open[NUMBER_SIZE];
    bool terminal = isatty(fileno(out));
    uint64_t cycles = r->cycles_total - m->cycles_total;

    fprintf(
        out, "%s%4.0f s %s: %s messages/s, %s connections/s, %s Gbit/s, %s open",
        terminal ? "\r\033[K" : "", seconds, r->role,
        number_figure(messages,
                      share((double)(now->messages_accepted - then->messages_accepted), interval)),
        number_figure(connections, share((double)(now->connections - then->connections), interval)),
        number_figure(bits, gigabits(now->content_bytes - then->content_bytes, interval)),
        number_whole(open, r->sessions_now));
    uint64_t bad[] = {now->messages_refused - then->messages_refused,
                      now->messages_failed - then->messages_failed,
                      now->messages_in_doubt - then->messages_in_doubt,
                      r->wire.retransmits - m->wire.retransmits, r->waiting_now};
    static const char *const words[] = {"refused", "failed", "in doubt", "retransmits", "waiting"};
    for (unsigned i = 0; i < COUNT_OF(bad); i++) {
        if (bad[i] != 0)
            fprintf(out, ", %s %s", number_whole(open, bad[i]), words[i]);
    }
    if (cycles != 0)
        fprintf(out, ", busy %.0f %%",
                share((double)(r->cycles_busy - m->cycles_busy), (double)cycles) * 100);
    fputs(terminal ? "" : "\n", out);
    fflush(out);
    *m = (struct report_mark){*now, r->wire, r->cycles_total, r->cycles_busy, seconds};
}
