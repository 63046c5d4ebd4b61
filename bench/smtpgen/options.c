/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsing the command line of smtpgen. */
#include "bench/smtpgen/options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench/smtpgen/message.h"
#include "bench/smtpgen/usage.h"

#define SIZE_MAX_BYTES (1 << 30)

enum {
    OPTION_PORT = 256,
    OPTION_ADDRESS,
    OPTION_GATEWAY,
    OPTION_CPU,
    OPTION_NAP,
    OPTION_NO_HUGE,
    OPTION_CONNECTIONS,
    OPTION_BUFFERS,
    OPTION_WINDOW,
    OPTION_RECIPIENTS_FILE,
    OPTION_PIPELINING,
    OPTION_DURATION,
    OPTION_WARM_UP,
    OPTION_SOURCE,
    OPTION_RATE,
    OPTION_RAMP,
    OPTION_EVEN,
    OPTION_SIZES,
    OPTION_IDLE_SESSIONS,
    OPTION_SEED,
    OPTION_BDAT,
    OPTION_SLOW,
    OPTION_IMPATIENT,
    OPTION_LOCAL,
    OPTION_EXTERNAL,
    OPTION_UNKNOWN,
    OPTION_SHARE,
    OPTION_MIXED,
    OPTION_RECORDS,
    OPTION_SINK_RECORDS,
    OPTION_VERIFY,
    OPTION_EXPECT,
    OPTION_LISTEN,
    OPTION_SINK_SESSIONS,
    OPTION_SINK_HOSTNAME,
    OPTION_SINK_NO_8BITMIME,
    OPTION_SINK_NO_PIPELINING,
    OPTION_SINK_NO_ENHANCED,
    OPTION_SINK_NO_ESMTP,
    OPTION_SINK_HARD,
    OPTION_SINK_SOFT,
    OPTION_SINK_LEAVE,
    OPTION_SINK_CLOSE,
    OPTION_SINK_RESET,
    OPTION_SINK_DELAY,
    OPTION_SINK_DELAY_DATA,
    OPTION_SINK_HARD_REPLY,
    OPTION_SINK_SOFT_REPLY,
    OPTION_JSON,
    OPTION_HELP,
};

/* Those of the source come first, those of the sink last: see table_for(). */
static const struct option source_options[] = {
    {"sessions", required_argument, NULL, 's'},
    {"messages", required_argument, NULL, 'm'},
    {"size", required_argument, NULL, 'l'},
    {"recipients", required_argument, NULL, 'r'},
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"recipients-file", required_argument, NULL, OPTION_RECIPIENTS_FILE},
    {"keep", no_argument, NULL, 'd'},
    {"hostname", required_argument, NULL, 'M'},
    {"subject", required_argument, NULL, 'S'},
    {"pipelining", required_argument, NULL, OPTION_PIPELINING},
    {"duration", required_argument, NULL, OPTION_DURATION},
    {"warm-up", required_argument, NULL, OPTION_WARM_UP},
    {"source", required_argument, NULL, OPTION_SOURCE},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"ramp", required_argument, NULL, OPTION_RAMP},
    {"even", no_argument, NULL, OPTION_EVEN},
    {"sizes", required_argument, NULL, OPTION_SIZES},
    {"idle-sessions", required_argument, NULL, OPTION_IDLE_SESSIONS},
    {"number", no_argument, NULL, 'N'},
    {"pause", required_argument, NULL, 'w'},
    {"random-pause", required_argument, NULL, 'R'},
    {"bdat", no_argument, NULL, OPTION_BDAT},
    {"slow", required_argument, NULL, OPTION_SLOW},
    {"impatient", required_argument, NULL, OPTION_IMPATIENT},
    {"local", required_argument, NULL, OPTION_LOCAL},
    {"external", required_argument, NULL, OPTION_EXTERNAL},
    {"unknown", required_argument, NULL, OPTION_UNKNOWN},
    {"share", required_argument, NULL, OPTION_SHARE},
    {"mixed", no_argument, NULL, OPTION_MIXED},
    {"records", required_argument, NULL, OPTION_RECORDS},
};
static const struct option sink_options[] = {
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"sink-sessions", required_argument, NULL, OPTION_SINK_SESSIONS},
    {"sink-hostname", required_argument, NULL, OPTION_SINK_HOSTNAME},
    {"sink-records", required_argument, NULL, OPTION_SINK_RECORDS},
    {"sink-no-8bitmime", no_argument, NULL, OPTION_SINK_NO_8BITMIME},
    {"sink-no-pipelining", no_argument, NULL, OPTION_SINK_NO_PIPELINING},
    {"sink-no-enhanced", no_argument, NULL, OPTION_SINK_NO_ENHANCED},
    {"sink-no-esmtp", no_argument, NULL, OPTION_SINK_NO_ESMTP},
    {"sink-hard", required_argument, NULL, OPTION_SINK_HARD},
    {"sink-soft", required_argument, NULL, OPTION_SINK_SOFT},
    {"sink-leave", required_argument, NULL, OPTION_SINK_LEAVE},
    {"sink-close", required_argument, NULL, OPTION_SINK_CLOSE},
    {"sink-reset", required_argument, NULL, OPTION_SINK_RESET},
    {"sink-delay", required_argument, NULL, OPTION_SINK_DELAY},
    {"sink-delay-data", required_argument, NULL, OPTION_SINK_DELAY_DATA},
    {"sink-hard-reply", required_argument, NULL, OPTION_SINK_HARD_REPLY},
    {"sink-soft-reply", required_argument, NULL, OPTION_SINK_SOFT_REPLY},
};
static const struct option both_options[] = {
    {"verify", no_argument, NULL, OPTION_VERIFY},
    {"expect", required_argument, NULL, OPTION_EXPECT},
};
static const struct option common_options[] = {
    {"port", required_argument, NULL, OPTION_PORT},
    {"address", required_argument, NULL, OPTION_ADDRESS},
    {"gateway", required_argument, NULL, OPTION_GATEWAY},
    {"cpu", required_argument, NULL, OPTION_CPU},
    {"nap", no_argument, NULL, OPTION_NAP},
    {"no-huge", no_argument, NULL, OPTION_NO_HUGE},
    {"connections", required_argument, NULL, OPTION_CONNECTIONS},
    {"buffers", required_argument, NULL, OPTION_BUFFERS},
    {"window", required_argument, NULL, OPTION_WINDOW},
    {"progress", no_argument, NULL, 'c'},
    {"json", required_argument, NULL, OPTION_JSON},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

/* The letters of `smtpgen sink`: some have another meaning to the source. */
static const struct {
    char letter;
    int option;
} sink_letters[] = {
    {'h', OPTION_SINK_HOSTNAME},      {'8', OPTION_SINK_NO_8BITMIME},
    {'p', OPTION_SINK_NO_PIPELINING}, {'E', OPTION_SINK_NO_ENHANCED},
    {'e', OPTION_SINK_NO_ESMTP},      {'f', OPTION_SINK_HARD},
    {'r', OPTION_SINK_SOFT},          {'Q', OPTION_SINK_LEAVE},
    {'q', OPTION_SINK_CLOSE},         {'W', OPTION_SINK_DELAY},
    {'w', OPTION_SINK_DELAY_DATA},    {'B', OPTION_SINK_HARD_REPLY},
    {'b', OPTION_SINK_SOFT_REPLY},
};

static int of_sink(int letter)
{
    for (unsigned i = 0; i < COUNT_OF(sink_letters); i++) {
        if (letter == sink_letters[i].letter)
            return sink_letters[i].option;
    }
    return letter;
}

struct table {
    struct option all[COUNT_OF(source_options) + COUNT_OF(sink_options) + COUNT_OF(both_options) +
                      COUNT_OF(common_options)];
    char letters[64];
};

static void table_for(enum role role, struct table *t)
{
    unsigned n = 0;
    memset(t, 0, sizeof(*t));
    if (role & ROLE_SOURCE) {
        memcpy(t->all, source_options, sizeof(source_options));
        n += COUNT_OF(source_options);
    }
    if (role & ROLE_SINK) {
        memcpy(t->all + n, sink_options, sizeof(sink_options));
        n += COUNT_OF(sink_options);
    }
    if (role == ROLE_BOTH) {
        memcpy(t->all + n, both_options, sizeof(both_options));
        n += COUNT_OF(both_options);
    }
    memcpy(t->all + n, common_options, sizeof(common_options));
    strcpy(t->letters, role & ROLE_SOURCE ? "s:m:l:r:f:t:dM:S:Nw:R:ch" : "h:8pEef:r:Q:q:W:w:B:b:c");
}

/* A number with an optional k, m or g behind it. */
static bool number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    uint64_t value = strtoull(text, &end, 10);
    unsigned shift = *end == 'k' ? 10 : *end == 'm' ? 20 : *end == 'g' ? 30 : 0;
    if (end[shift > 0] != '\0' || value > most >> shift || value << shift < least)
        return false;
    *out = value << shift;
    return true;
}

static bool number32(const char *text, uint32_t least, uint32_t most, uint32_t *out)
{
    uint64_t value;
    if (!number(text, least, most, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool seconds(const char *text, nsec_t *out)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= 0 && value <= 1e6))
        return false;
    *out = (nsec_t)(value * (double)NSEC_PER_SEC);
    return true;
}

static bool add_recipient(struct options *o, enum target_class class, const char *text)
{
    const char *why;
    if (recipients_add(&o->to.classes[class], text, &why))
        return true;
    fprintf(stderr, "smtpgen: %s: %s\n", text, why);
    return false;
}

static bool load_recipients(struct options *o, const char *path)
{
    const char *why;
    unsigned line;
    if (recipients_load(&o->to.classes[TARGET_ANY], path, &why, &line))
        return true;
    fprintf(stderr, "smtpgen: %s:%u: %s\n", path, line, why);
    return false;
}

static bool add_source(struct options *o, const char *text)
{
    struct source_config *s = &o->source;
    s->addresses = o->addresses;
    return s->address_count < IP_MAX_ADDRESSES &&
           ip_addr_parse(text, strlen(text), &o->addresses[s->address_count++]);
}

static bool add_listener(struct options *o, const char *text)
{
    struct sink_config *s = &o->sink;
    return s->listen_count < SINK_LISTENERS &&
           endpoint_parse(text, strlen(text), 0, &s->listen[s->listen_count++]);
}

static bool switched(const char *text, bool *out)
{
    *out = strcmp(text, "on") == 0;
    return *out || strcmp(text, "off") == 0;
}

static bool rate(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out > 0 && *out <= 1e9;
}

static bool set_size(struct message_sizes *sizes, const char *text)
{
    sizes->count = 1;
    sizes->weight[0] = 1;
    return number(text, MESSAGE_SIZE_MIN, SIZE_MAX_BYTES, &sizes->size[0]);
}

/* SIZE:WEIGHT,... */
static bool set_sizes(struct message_sizes *sizes, const char *text)
{
    char copy[512];
    if (strlen(text) >= sizeof(copy))
        return false;
    strcpy(copy, text);
    sizes->count = 0;
    char *rest = copy, *each;
    while ((each = strsep(&rest, ",")) != NULL) {
        char *colon = strchr(each, ':');
        unsigned i = sizes->count++;
        if (colon == NULL || i == MESSAGE_SIZES_MAX)
            return false;
        *colon = '\0';
        if (!number(each, MESSAGE_SIZE_MIN, SIZE_MAX_BYTES, &sizes->size[i]) ||
            !number32(colon + 1, 1, 1000000, &sizes->weight[i]))
            return false;
    }
    return true;
}

static bool set_cpu(struct options *o, const char *text)
{
    uint64_t value;
    if (!number(text, 0, 1023, &value))
        return false;
    o->engine.cpu = (int)value;
    return true;
}

static bool add_data_delay(struct faults *f, const char *seconds_text)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "DATA:%s", seconds_text);
    return n < (int)sizeof(text) && faults_add_delay(f, text);
}

/* `first`: its code's first digit. */
static bool set_reply(const char **reply, char first, const char *text)
{
    unsigned code;
    int n = 0;
    *reply = text;
    return text[0] == first && sscanf(text, "%3u%n", &code, &n) == 1 && n == 3 && text[3] == ' ' &&
           strlen(text) <= 500;
}

static bool set_sink(struct sink_config *s, int option, const char *text)
{
    switch (option) {
    case OPTION_SINK_SESSIONS:
        return number32(text, 1, 10000000, &s->sessions);
    case OPTION_SINK_HOSTNAME:
        s->hostname = text;
        return true;
    case OPTION_SINK_NO_8BITMIME:
        s->no_8bitmime = true;
        return true;
    case OPTION_SINK_NO_PIPELINING:
        s->no_pipelining = true;
        return true;
    case OPTION_SINK_NO_ENHANCED:
        s->no_enhanced_codes = true;
        return true;
    case OPTION_SINK_NO_ESMTP:
        s->no_esmtp = true;
        return true;
    case OPTION_SINK_HARD:
        return faults_add(&s->faults, FAULT_HARD, text);
    case OPTION_SINK_SOFT:
        return faults_add(&s->faults, FAULT_SOFT, text);
    case OPTION_SINK_LEAVE:
        return faults_add(&s->faults, FAULT_LEAVE, text);
    case OPTION_SINK_CLOSE:
        return faults_add(&s->faults, FAULT_CLOSE, text);
    case OPTION_SINK_RESET:
        return faults_add(&s->faults, FAULT_RESET, text);
    case OPTION_SINK_DELAY:
        return faults_add_delay(&s->faults, text);
    case OPTION_SINK_DELAY_DATA:
        return add_data_delay(&s->faults, text);
    case OPTION_SINK_HARD_REPLY:
        return set_reply(&s->hard, '5', text);
    case OPTION_SINK_SOFT_REPLY:
        return set_reply(&s->soft, '4', text);
    default:
        return false;
    }
}

/* False: the value is wrong. */
static bool set(struct options *o, int option, const char *text)
{
    switch (option) {
    case 's':
        return number32(text, 1, 10000000, &o->source.sessions);
    case 'm':
        return number(text, 1, UINT64_MAX >> 1, &o->source.messages);
    case 'l':
        return set_size(&o->source.sizes, text);
    case 'r':
        return number32(text, 1, 100000, &o->source.recipients);
    case 'f':
        o->source.from = text;
        return true;
    case 't':
        return add_recipient(o, TARGET_ANY, text);
    case OPTION_LOCAL:
        return add_recipient(o, TARGET_LOCAL, text);
    case OPTION_EXTERNAL:
        return add_recipient(o, TARGET_EXTERNAL, text);
    case OPTION_UNKNOWN:
        return add_recipient(o, TARGET_UNKNOWN, text);
    case OPTION_SHARE:
        return targets_parse_shares(&o->to, text);
    case OPTION_MIXED:
        o->to.mixed = true;
        return true;
    case OPTION_RECORDS:
        o->records = text;
        return true;
    case OPTION_SINK_RECORDS:
        o->sink_records = text;
        return true;
    case OPTION_VERIFY:
        o->verify = true;
        return true;
    case OPTION_EXPECT:
        free(o->expect);
        o->expect = strdup(text);
        return o->expect != NULL;
    case 'N':
        o->source.number = true;
        return true;
    case 'w':
    case 'R':
        o->source.random = option == 'R';
        return seconds(text, &o->source.pause) && o->source.pause > 0;
    case OPTION_BDAT:
        o->source.bdat = true;
        return true;
    case OPTION_SLOW:
        return number32(text, 1, 1 << 30, &o->source.pace);
    case OPTION_IMPATIENT:
        return seconds(text, &o->source.patience) && o->source.patience > 0;
    case OPTION_RECIPIENTS_FILE:
        return load_recipients(o, text);
    case 'd':
        o->source.keep = true;
        return true;
    case 'M':
        o->source.hostname = text;
        return true;
    case 'S':
        o->source.subject = text;
        return true;
    case OPTION_PIPELINING:
        return switched(text, &o->source.pipelining);
    case OPTION_DURATION:
        return seconds(text, &o->source.duration);
    case OPTION_WARM_UP:
        return seconds(text, &o->source.warm_up);
    case OPTION_SOURCE:
        return add_source(o, text);
    case OPTION_RATE:
        return rate(text, &o->source.rate);
    case OPTION_RAMP:
        return seconds(text, &o->source.ramp);
    case OPTION_EVEN:
        o->source.even = true;
        return true;
    case OPTION_SIZES:
        return set_sizes(&o->source.sizes, text);
    case OPTION_IDLE_SESSIONS:
        return number32(text, 1, 10000000, &o->source.idle_sessions);
    case OPTION_SEED:
        return number(text, 0, UINT64_MAX >> 1, &o->source.seed);
    case OPTION_LISTEN:
        return add_listener(o, text);
    case OPTION_PORT:
        o->engine.device = text;
        return true;
    case OPTION_ADDRESS:
        return engine_add_address(&o->engine, text);
    case OPTION_GATEWAY:
        return engine_add_gateway(&o->engine, text);
    case OPTION_CPU:
        return set_cpu(o, text);
    case OPTION_NAP:
        o->engine.nap = true;
        return true;
    case OPTION_NO_HUGE:
        o->engine.hugepages = false;
        return true;
    case OPTION_CONNECTIONS:
        return number32(text, 2, 100000000, &o->engine.connections);
    case OPTION_BUFFERS:
        return number32(text, 1024, 100000000, &o->engine.buffers);
    case OPTION_WINDOW:
        return number32(text, 4096, 1 << 30, &o->engine.window);
    case 'c':
        o->progress = true;
        return true;
    case OPTION_JSON:
        o->json = text;
        return true;
    default:
        return set_sink(&o->sink, option, text);
    }
}

static const char *name_of(const struct table *t, int option)
{
    for (const struct option *each = t->all; each->name != NULL; each++) {
        if (each->val == option)
            return each->name;
    }
    return "?";
}

static bool complain(const char *text, int *code)
{
    fprintf(stderr, "smtpgen: %s\n", text);
    *code = EX_USAGE;
    return false;
}

static bool no_recipients(const struct targets *t)
{
    for (unsigned i = 0; i < TARGET_CLASSES; i++) {
        if (t->classes[i].count > 0)
            return false;
    }
    return true;
}

/* What the command line left open. */
static bool complete(struct options *o, int *code)
{
    struct source_config *s = &o->source;
    if (o->engine.device == NULL || o->engine.link.address_count == 0)
        return complain("--port and --address are needed, see --help", code);
    if (o->role & ROLE_SOURCE) {
        if (no_recipients(&o->to) && !add_recipient(o, TARGET_ANY, "smtpgen@example.com"))
            return complain("out of memory", code);
        if (!targets_settle(&o->to))
            return complain("--share names a class without recipients", code);
        o->to.random = s->seed << 1 | 1;
        if (s->pause > 0 && s->rate > 0)
            return complain("an open loop (--rate) has no pauses", code);
        if (s->messages == 0 && s->duration == 0)
            s->messages = 1;
        s->to = &o->to;
    }
    o->sink.seed = s->seed;
    if ((o->role & ROLE_SINK) && o->sink.listen_count == 0)
        o->sink.listen[o->sink.listen_count++] = (struct endpoint){.port = 25};
    if (o->engine.connections == 0)
        o->engine.connections = (o->role & ROLE_SOURCE ? 2 * s->sessions + s->idle_sessions : 0) +
                                (o->role & ROLE_SINK ? o->sink.sessions : 0) + 1024;
    return true;
}

bool options_parse(struct options *o, enum role role, int argc, char **argv, int *code)
{
    struct table t;
    int option;
    *o = (struct options){
        .role = role,
        .engine = {.program = "smtpgen",
                   .hugepages = true,
                   .cpu = -1,
                   .buffers = 65536,
                   .window = 1 << 20},
        .source = {.sessions = 1,
                   .sizes = {.count = 1, .size = {1024}, .weight = {1}},
                   .seed = 1,
                   .recipients = 1,
                   .pipelining = true,
                   .from = "smtpgen@example.org",
                   .hostname = "smtpgen.example",
                   .subject = "smtpgen"},
        .sink = {.sessions = 10000,
                 .hostname = "sink.example",
                 .hard = "500 5.3.0 Error: command failed",
                 .soft = "450 4.3.0 Error: command failed"},
        .progress = isatty(STDERR_FILENO) != 0,
    };
    table_for(role, &t);
    *code = EX_USAGE;
    if (getrandom(&o->source.run, sizeof(o->source.run), 0) != sizeof(o->source.run))
        return complain("no random bytes from the kernel", code);
    while ((option = getopt_long(argc, argv, t.letters, t.all, NULL)) != -1) {
        option = role == ROLE_SINK ? of_sink(option) : option == 'h' ? OPTION_HELP : option;
        if (option == OPTION_HELP) {
            usage_print(role, stdout);
            *code = EX_OK;
            return false;
        }
        if (option == '?')
            return complain("see --help", code);
        if (!set(o, option, optarg)) {
            fprintf(stderr, "smtpgen: --%s %s: ", name_of(&t, option),
                    optarg != NULL ? optarg : "");
            return complain("not a value that it can have, see --help", code);
        }
    }
    if (argc - optind != ((role & ROLE_SOURCE) != 0))
        return complain("one SERVER:PORT, see --help", code);
    if ((role & ROLE_SOURCE) &&
        !endpoint_parse(argv[optind], strlen(argv[optind]), 0, &o->source.server))
        return complain("SERVER:PORT must be an address and a port", code);
    return complete(o, code);
}

void options_free(struct options *o)
{
    targets_free(&o->to);
    free(o->expect);
}
