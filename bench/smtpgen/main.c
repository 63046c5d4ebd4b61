/* SPDX-License-Identifier: BSD-3-Clause */
/* smtpgen: a source and a sink of SMTP traffic, on a port of their own. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "bench/smtpgen/options.h"
#include "bench/smtpgen/verify.h"
#include "bench/smtpgen/verify_command.h"

#define AWAIT_LINK (10 * NSEC_PER_SEC)

static const char usage_text[] =
    "usage: smtpgen source|sink|both|verify [OPTION...]\n"
    "\n"
    "  source  sends mail, as smtp-source(1) does\n"
    "  sink    takes mail, as smtp-sink(1) does\n"
    "  both    source and sink in one process, on one core and one port, around what is tested\n"
    "  verify  compares what sources and sinks recorded\n"
    "\n"
    "`smtpgen SUBCOMMAND --help` says more. Exit codes are those of sysexits(3).\n";

struct run {
    struct options options;
    struct engine engine;
    struct source *source;
    struct sink *sink;
    struct record_file *sent_records, *taken_records;
    struct report sent, taken;
    nsec_t started, counted, said;
    bool counting;
    uint64_t cycles_total, cycles_busy;   /* where counting began */
    uint64_t tcp_base[TCP_COUNTER_COUNT]; /* likewise */
    uint64_t port_base[PORT_COUNTER_COUNT];
};

static volatile sig_atomic_t stopping;

static void on_signal(int signal_number)
{
    (void)signal_number;
    stopping = 1;
}

static struct report *main_report(struct run *r)
{
    return r->source != NULL ? &r->sent : &r->taken;
}

/* ------------------------------------------------------------------------------- the figures -- */

static void begin_counting(struct run *r, nsec_t now)
{
    r->counted = now;
    r->cycles_total = r->engine.cycles_total;
    r->cycles_busy = r->engine.cycles_busy;
    memcpy(r->tcp_base, tcp_counters(r->engine.tcp), sizeof(r->tcp_base));
    port_counters(r->engine.port, r->port_base);
}

static void fill_report(struct run *r, struct report *report)
{
    const struct engine *e = &r->engine;
    uint64_t port[PORT_COUNTER_COUNT];
    port_counters(e->port, port);
    report->seconds = (double)(e->now - r->counted) / (double)NSEC_PER_SEC;
    report->cycles_total = e->cycles_total - r->cycles_total;
    report->cycles_busy = e->cycles_busy - r->cycles_busy;
    report->wire = (struct report_wire){
        .packets_in = port[PORT_RX_PACKETS] - r->port_base[PORT_RX_PACKETS],
        .packets_out = port[PORT_TX_PACKETS] - r->port_base[PORT_TX_PACKETS],
        .bytes_in = port[PORT_RX_BYTES] - r->port_base[PORT_RX_BYTES],
        .bytes_out = port[PORT_TX_BYTES] - r->port_base[PORT_TX_BYTES],
        .retransmits = tcp_counters(e->tcp)[TCP_TX_RETRANSMITS] - r->tcp_base[TCP_TX_RETRANSMITS],
        .missed = port[PORT_RX_MISSED] - r->port_base[PORT_RX_MISSED],
    };
    report->sessions_now = tcp_usage(e->tcp).connections;
}

/* -------------------------------------------------------------------------------- the rounds -- */

static bool step(void *user, nsec_t now, unsigned *work)
{
    struct run *r = user;
    if (r->started == 0) {
        r->started = r->said = now;
        begin_counting(r, now);
    }
    if (!r->counting && r->source != NULL && source_is_counting(r->source)) {
        r->counting = true;
        begin_counting(r, now);
        if (r->sink != NULL)
            report_restart(&r->taken);
    }
    if (r->options.progress && now - r->said >= NSEC_PER_SEC) {
        r->said = now;
        fill_report(r, main_report(r));
        report_progress(main_report(r), (double)(now - r->started) / (double)NSEC_PER_SEC, stderr);
    }
    if (r->source == NULL)
        return !stopping;
    if (stopping)
        source_stop(r->source, now);
    return source_step(r->source, now, work);
}

/* NULL, after a sentence, if it cannot be opened. */
static struct record_file *open_records(const char *path, enum record_kind kind)
{
    struct record_file *f = record_open(path, kind);
    if (f == NULL)
        perror(path != NULL ? path : "smtpgen: records");
    return f;
}

/* Those that files or the verification want. */
static bool create_records(struct run *r)
{
    struct options *o = &r->options;
    if (o->records != NULL || o->verify) {
        r->sent_records = open_records(o->records, RECORD_SENT);
        o->source.records = r->sent_records;
    }
    if (o->sink_records != NULL || o->verify) {
        r->taken_records = open_records(o->sink_records, RECORD_RECEIVED);
        o->sink.records = r->taken_records;
    }
    return (r->sent_records != NULL || (o->records == NULL && !o->verify)) &&
           (r->taken_records != NULL || (o->sink_records == NULL && !o->verify));
}

static int close_records(struct run *r, int code)
{
    if (record_close(r->sent_records) & record_close(r->taken_records))
        return code;
    perror("smtpgen: records");
    return EX_IOERR;
}

/* Everything accepted was delivered, once, unaltered, to the right sink. */
static int verify(struct run *r)
{
    struct verify *v = verify_new();
    struct verify_result result;
    int code = EX_OSERR;
    char *expect = r->options.expect;
    FILE *sent = record_reread(r->sent_records), *taken = record_reread(r->taken_records);
    if (v != NULL && expect != NULL && !verify_expect_all(v, expect)) {
        fputs("smtpgen: --expect takes CLASS=ADDRESS:PORT, each class once\n", stderr);
        code = EX_USAGE;
    } else if (v != NULL && sent != NULL && taken != NULL && verify_sent(v, sent, "sent", stderr) &&
               verify_received(v, taken, "taken", stderr)) {
        verify_finish(v, &result);
        verify_print(&result, stdout);
        code = verify_holds(&result) ? EX_OK : 1;
    }
    if (v != NULL)
        verify_free(v);
    return code;
}

static bool create(struct run *r)
{
    const struct options *o = &r->options;
    if (o->role & ROLE_SOURCE) {
        r->source = source_create(&o->source, &r->engine, &r->sent);
        if (r->source == NULL)
            return false;
    }
    if (o->role & ROLE_SINK) {
        r->sink = sink_create(&o->sink, &r->engine, &r->taken);
        if (r->sink == NULL)
            return false;
    }
    return true;
}

/* What the sink of `both` counted stands in the source's, as "sink". */
static int say_results(struct run *r)
{
    struct report *report = main_report(r);
    bool both = r->source != NULL && r->sink != NULL;
    fill_report(r, report);
    report_print(report, stdout);
    if (both) {
        r->taken.seconds = report->seconds;
        fputs("\n", stdout);
        report_print(&r->taken, stdout);
    }
    if (r->options.json == NULL)
        return EX_OK;
    json_t *json = report_json(report);
    if (both)
        json_object_set_new(json, "sink", report_json(&r->taken));
    bool ok = report_json_write(json, r->options.json);
    json_decref(json);
    if (ok)
        return EX_OK;
    perror(r->options.json);
    return EX_CANTCREAT;
}

static int work(struct run *r)
{
    if (!engine_await_link(&r->engine, AWAIT_LINK)) {
        fprintf(stderr, "smtpgen: %s: the link is down\n", r->options.engine.device);
        return EX_UNAVAILABLE;
    }
    if (!create_records(r))
        return EX_CANTCREAT;
    if (!create(r)) {
        fputs("smtpgen: out of memory, or two listeners have the same address and port\n", stderr);
        return EX_OSERR;
    }
    engine_run(&r->engine, step, r);
    int code = say_results(r);
    if (r->source != NULL && source_complaint(r->source) != NULL) {
        fprintf(stderr, "smtpgen: %s\n", source_complaint(r->source));
        return EX_PROTOCOL;
    }
    return code == EX_OK && r->options.verify ? verify(r) : code;
}

static int run(enum role role, int argc, char **argv)
{
    static struct run r;
    struct port_error why;
    int code;
    if (!options_parse(&r.options, role, argc, argv, &code))
        return code;
    r.sent.role = "source";
    r.taken.role = "sink";
    r.sent.arguments = r.taken.arguments = (const char *const *)argv;
    r.sent.run = r.taken.run = r.options.source.run;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (engine_start(&r.engine, &r.options.engine, &why)) {
        code = close_records(&r, work(&r));
        if (r.source != NULL)
            source_destroy(r.source);
        if (r.sink != NULL)
            sink_destroy(r.sink);
        engine_stop(&r.engine);
    } else {
        fprintf(stderr, "smtpgen: %s\n", why.text);
        code = EX_UNAVAILABLE;
    }
    options_free(&r.options);
    return code;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum role role;
    } commands[] = {{"source", ROLE_SOURCE}, {"sink", ROLE_SINK}, {"both", ROLE_BOTH}};
    const char *name = argc > 1 ? argv[1] : "";
    for (unsigned i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(name, commands[i].name) == 0)
            return run(commands[i].role, argc - 1, argv + 1);
    }
    if (strcmp(name, "verify") == 0)
        return verify_command(argc - 1, argv + 1);
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        puts("smtpgen " SPLITMX_VERSION);
        return EX_OK;
    }
    bool asked = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
    fputs(usage_text, asked ? stdout : stderr);
    return asked ? EX_OK : EX_USAGE;
}
