/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our TCP as a bulk source and sink, on a DPDK port: what bench/tcp_matrix.py and the system tests
 * let talk to the kernel's TCP (bench/tcp_kernel.py speaks the same protocol).
 *
 *   client: "send N\n"      server: N bytes of the pattern, then it closes
 *   client: "receive N\n", N bytes of the pattern      server: "intact N\n", then it closes
 *
 * Every byte is compared with the pattern by whoever receives it. One thread; nothing to do means a
 * nap, so that several of these share a core.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/smtpgen/engine.h"
#include "drivers/tcp/stack.h"

#define PATTERN   65521 /* bytes until it repeats; a prime, so that a shift by any segment shows */
#define LINE_SIZE 64
#define SLICES    16

static const char usage_text[] =
    "usage: tcp_peer --device DEVICE --address ADDRESS/LEN... [OPTION...]\n"
    "       tcp_peer ... --connect ADDRESS:PORT send|receive BYTES\n"
    "\n"
    "Serves, or (--connect) asks for and ends after, bulk transfers over our TCP; each ends with "
    "a\n"
    "line of JSON on standard output. SIGUSR1 prints the state of the stack, SIGTERM ends.\n"
    "  --device DEVICE       DPDK's name of the port, e.g. net_af_packet0,iface=smx1\n"
    "  --address ADDRESS/LEN of the port; may be said several times\n"
    "  --gateway ADDRESS     for what lies beyond the addresses' networks; one of each family\n"
    "  --listen PORT         (default 7000)\n"
    "  --window BYTES        receive window and send queue of a connection (default 4 MiB)\n"
    "  --connections N       at most (default 64)\n"
    "  --buffers N           data buffers that connections may pin (default 32768)\n";

enum phase {
    ASKED,     /* we are the client: the connection opens, then our line goes out */
    COMMAND,   /* we are the server: the line has not arrived yet */
    SENDING,   /* bytes of the pattern go out until all are acknowledged */
    RECEIVING, /* they come in; the server says "intact" and closes */
    ANSWER,    /* the client has sent all: the server's "intact" is to come */
};

struct transfer {
    struct transfer *next; /* free ones */
    struct stream *stream;
    enum phase phase;
    bool client, sends; /* sends: bytes of the pattern leave here */
    bool intact;
    uint64_t size, done;
    nsec_t start;
    uint64_t counters[TCP_COUNTER_COUNT]; /* of the whole stack, at the start */
};

static struct {
    struct engine_config engine;
    uint16_t port;
    bool connects;
    struct endpoint server;
    bool sends; /* the client, that is we */
    uint64_t bytes;
} option = {
    .engine = {.nap = true, .cpu = -1, .connections = 64, .buffers = 32768, .window = 4 << 20},
    .port = 7000,
};

static struct engine engine;
static struct transfer *transfers, *free_transfers;
static uint8_t pattern[2 * PATTERN];
static int exit_code = -1; /* of a client that is done */
static volatile sig_atomic_t stopping, asked_state;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        asked_state = 1;
    else
        stopping = 1;
}

/* The same as in tcp_kernel.py: the upper half of a linear congruential generator. */
static void make_pattern(void)
{
    uint32_t x = 1;
    for (unsigned i = 0; i < PATTERN; i++) {
        x = x * 1664525 + 1013904223;
        pattern[i] = pattern[PATTERN + i] = (uint8_t)(x >> 24);
    }
}

/* -------------------------------------------------------------------------------- transfers -- */

static void print_counters(const uint64_t *since)
{
    const uint64_t *counters = tcp_counters(engine.tcp);
    const char *comma = "";
    printf("\"counters\": {");
    for (unsigned i = 0; i < TCP_COUNTER_COUNT; i++) {
        if (counters[i] == since[i])
            continue;
        printf("%s\"%s\": %" PRIu64, comma, tcp_counter_list.info[i].name, counters[i] - since[i]);
        comma = ", ";
    }
    printf("}");
}

static void report(const struct transfer *x, bool whole)
{
    enum stream_error error = x->stream->error;
    printf("{\"verb\": \"%s\", \"bytes\": %" PRIu64 ", \"seconds\": %.6f, \"intact\": %s, "
           "\"error\": \"%s\", ",
           x->sends ? "send" : "receive", x->done, (double)(engine.now - x->start) / 1e9,
           whole ? "true" : "false", error != STREAM_OK ? stream_error_text(error) : "");
    print_counters(x->counters);
    puts("}");
    fflush(stdout);
}

/* The end, good or bad: says how it went (but for a connection that was never used), and lets go
 * of the stream. */
static void finish(struct transfer *x)
{
    struct stream *s = x->stream;
    bool whole = x->intact && x->done == x->size;
    if (x->phase != COMMAND)
        report(x, whole);
    if (x->client)
        exit_code = whole ? EX_OK : EX_IOERR;
    if (stream_is_down(s) || !whole)
        stream_abort(s);
    else
        stream_close(s);
    x->stream = NULL;
    x->next = free_transfers;
    free_transfers = x;
}

static struct transfer *transfer_new(struct stream *s, enum phase phase)
{
    struct transfer *x = free_transfers;
    if (x == NULL)
        return NULL;
    free_transfers = x->next;
    *x = (struct transfer){.stream = s, .phase = phase, .intact = true, .start = engine.now};
    memcpy(x->counters, tcp_counters(engine.tcp), sizeof(x->counters));
    return x;
}

/* Copy the first bytes that have arrived; how many there are, at most `size`. */
static unsigned copy_out(struct stream *s, char *out, unsigned size)
{
    struct slice slices[SLICES];
    unsigned n = stream_peek(s, 0, slices, SLICES), len = 0;
    for (unsigned i = 0; i < n && len < size; i++) {
        unsigned part = slices[i].len < size - len ? slices[i].len : size - len;
        memcpy(out + len, slices[i].data, part);
        len += part;
    }
    return len;
}

static void fill(struct transfer *x)
{
    struct stream *s = x->stream;
    while (x->done < x->size) {
        size_t part = stream_room(s);
        if (part > x->size - x->done)
            part = (size_t)(x->size - x->done);
        if (part > PATTERN)
            part = PATTERN;
        if (part == 0 || !stream_write(s, pattern + x->done % PATTERN, part))
            return;
        x->done += part;
    }
    if (x->client)
        x->phase = ANSWER;
    else if (stream_unacked(s) == 0)
        finish(x);
}

static void drain(struct transfer *x)
{
    struct stream *s = x->stream;
    struct slice slices[SLICES];
    unsigned n;
    while ((n = stream_peek(s, 0, slices, SLICES)) > 0) {
        size_t got = 0;
        for (unsigned i = 0; i < n; i++) {
            for (uint32_t at = 0; at < slices[i].len;) {
                uint32_t part = slices[i].len - at < PATTERN ? slices[i].len - at : PATTERN;
                x->intact &= x->done + part <= x->size &&
                             memcmp(slices[i].data + at, pattern + x->done % PATTERN, part) == 0;
                x->done += part;
                at += part;
            }
            got += slices[i].len;
        }
        stream_consume(s, got);
    }
    if (x->done >= x->size) {
        char line[LINE_SIZE];
        int len = snprintf(line, sizeof(line), "intact %" PRIu64 "\n", x->done);
        if (!x->client && x->intact)
            x->intact = stream_write(s, line, (size_t)len);
        finish(x);
    }
}

static void read_command(struct transfer *x)
{
    char line[LINE_SIZE + 1] = "";
    unsigned len = copy_out(x->stream, line, LINE_SIZE);
    char *end = memchr(line, '\n', len);
    if (end == NULL) {
        x->intact = len < LINE_SIZE;
        if (!x->intact)
            finish(x);
        return;
    }
    *end = '\0';
    x->sends = sscanf(line, "send %" SCNu64, &x->size) == 1;
    if (!x->sends && sscanf(line, "receive %" SCNu64, &x->size) != 1) {
        x->intact = false;
        finish(x);
        return;
    }
    x->start = engine.now;
    x->phase = x->sends ? SENDING : RECEIVING;
    stream_consume(x->stream, (size_t)(end + 1 - line));
}

static void read_answer(struct transfer *x)
{
    char line[LINE_SIZE + 1] = "";
    uint64_t said;
    unsigned len = copy_out(x->stream, line, LINE_SIZE);
    if (memchr(line, '\n', len) == NULL)
        return;
    x->intact = sscanf(line, "intact %" SCNu64, &said) == 1 && said == x->size;
    finish(x);
}

static void ask(struct transfer *x)
{
    char line[LINE_SIZE];
    int len =
        snprintf(line, sizeof(line), "%s %" PRIu64 "\n", x->sends ? "receive" : "send", x->size);
    x->phase = x->sends ? SENDING : RECEIVING;
    if (!stream_write(x->stream, line, (size_t)len))
        finish(x);
}

static void step(struct transfer *x)
{
    switch (x->phase) {
    case ASKED:
        ask(x);
        break;
    case COMMAND:
        read_command(x);
        break;
    case SENDING:
        fill(x);
        break;
    case RECEIVING:
        drain(x);
        break;
    case ANSWER:
        read_answer(x);
        break;
    }
}

static void handle(struct stream *s, unsigned events, void *user)
{
    struct transfer *x = user;
    enum phase before;
    if ((events & ~(unsigned)STREAM_DOWN) != 0) {
        do {
            before = x->phase;
            step(x);
        } while (x->stream != NULL && x->phase != before);
    }
    if (x->stream == NULL) /* finished: s is not ours any more */
        return;
    if (stream_is_down(s) || (s->eof && x->phase != SENDING))
        finish(x);
}

static void accept_one(struct stream *s, void *user)
{
    (void)user;
    struct transfer *x = transfer_new(s, COMMAND);
    if (x == NULL)
        stream_abort(s);
    else
        stream_set_handler(s, handle, x);
}

static bool connect_one(void)
{
    enum stream_error why;
    struct transfer *x = transfer_new(NULL, ASKED);
    x->client = true;
    x->sends = option.sends;
    x->size = option.bytes;
    x->stream = tcp_connect(engine.tcp, NULL, &option.server, handle, x, &why);
    if (x->stream == NULL)
        fprintf(stderr, "tcp_peer: %s\n", stream_error_text(why));
    return x->stream != NULL;
}

/* -------------------------------------------------------------------------------- the stack -- */

/* The state of the stack. An idle connection takes its control block, its places in the flow table,
 * and whatever records its queues hold. */
static void print_state(void)
{
    static const uint64_t zero[TCP_COUNTER_COUNT];
    struct tcp_usage usage = tcp_usage(engine.tcp);
    uint64_t tables = (uint64_t)option.engine.connections * sizeof(struct tcp_connection) +
                      (engine.tcp->bucket_mask + UINT64_C(1)) * sizeof(struct tcp_connection *);
    printf("{\"state\": {\"connections\": %u, \"half_open\": %u, \"time_wait\": %u, "
           "\"orphans\": %u, \"table_bytes_per_connection\": %.1f, \"records\": %u, "
           "\"record_bytes\": %u, \"buffers\": %u, \"buffers_in_use\": %u, "
           "\"buffers_promised\": %u, \"buffer_bytes\": %u}, ",
           usage.connections, usage.half_open, usage.time_wait, usage.orphans,
           (double)tables / option.engine.connections, engine.tcp->nodes.in_use, NODE_SIZE,
           engine.pools.data_count, engine.pools.in_use, engine.pools.promised,
           engine.pools.truesize);
    print_counters(zero);
    puts("}");
    fflush(stdout);
}

static bool create_transfers(void)
{
    transfers = calloc(option.engine.connections, sizeof(*transfers));
    if (transfers == NULL)
        return false;
    for (uint32_t k = 0; k < option.engine.connections; k++) {
        transfers[k].next = free_transfers;
        free_transfers = &transfers[k];
    }
    return true;
}

/* Until SIGTERM, or until the client's transfer and its connection are over. */
static bool go_on(void *user, nsec_t now, unsigned *work)
{
    (void)user;
    (void)now;
    (void)work;
    if (asked_state) {
        asked_state = 0;
        print_state();
    }
    return !stopping && (exit_code < 0 || tcp_usage(engine.tcp).connections > 0);
}

static int fail(const char *why)
{
    fprintf(stderr, "tcp_peer: %s\n", why);
    return EX_UNAVAILABLE;
}

static int serve(void)
{
    const struct endpoint local = {.port = option.port};
    if (!create_transfers())
        return fail("out of memory");
    if (option.connects ? !connect_one() : tcp_listen(engine.tcp, &local, accept_one, NULL) == NULL)
        return fail("no connection, or the port is taken");
    puts("{\"ready\": true}");
    fflush(stdout);
    engine_run(&engine, go_on, NULL);
    print_state();
    return option.connects ? exit_code : EX_OK;
}

/* ------------------------------------------------------------------------------ the program -- */

static int run(const char *program)
{
    struct port_error why;
    option.engine.program = program;
    option.engine.half_open = option.engine.connections / 4 + 1;
    if (!engine_start(&engine, &option.engine, &why))
        return fail(why.text);
    int code = serve();
    engine_stop(&engine);
    free(transfers);
    return code;
}

static bool parse_client(int argc, char **argv)
{
    if (!option.connects)
        return argc == 0;
    if (argc != 2)
        return false;
    option.sends = strcmp(argv[0], "send") == 0;
    option.bytes = strtoull(argv[1], NULL, 10);
    return option.sends || strcmp(argv[0], "receive") == 0;
}

static bool parse_option(int letter, const char *text)
{
    uint32_t number = (uint32_t)strtoul(text != NULL ? text : "", NULL, 10);
    switch (letter) {
    case 'd':
        option.engine.device = text;
        return true;
    case 'a':
        return engine_add_address(&option.engine, text);
    case 'g':
        return engine_add_gateway(&option.engine, text);
    case 'c':
        option.connects = true;
        return endpoint_parse(text, strlen(text), 0, &option.server);
    case 'l':
        option.port = (uint16_t)number;
        return number > 0 && number <= UINT16_MAX;
    case 'w':
        option.engine.window = number;
        return number > 0;
    case 'n':
        option.engine.connections = number;
        return number > 0;
    case 'b':
        option.engine.buffers = number;
        return number > 0;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"device", required_argument, NULL, 'd'},
        {"address", required_argument, NULL, 'a'},
        {"gateway", required_argument, NULL, 'g'},
        {"connect", required_argument, NULL, 'c'},
        {"listen", required_argument, NULL, 'l'},
        {"window", required_argument, NULL, 'w'},
        {"connections", required_argument, NULL, 'n'},
        {"buffers", required_argument, NULL, 'b'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int letter;
    while ((letter = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (letter == 'h') {
            fputs(usage_text, stdout);
            return EX_OK;
        }
        if (!parse_option(letter, optarg)) {
            fputs(usage_text, stderr);
            return EX_USAGE;
        }
    }
    if (!parse_client(argc - optind, argv + optind) || option.engine.device == NULL ||
        option.engine.link.address_count == 0) {
        fputs(usage_text, stderr);
        return EX_USAGE;
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    make_pattern();
    return run(argv[0]);
}
