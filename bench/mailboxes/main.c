/* SPDX-License-Identifier: BSD-3-Clause */
/* What a set of mailboxes costs: to compile, to keep, to ask. One size a run, as JSON. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <rte_eal.h>

#include "bench/mailboxes/lookups.h"
#include "bench/mailboxes/names.h"
#include "bench/mailboxes/subject.h"

#define STRANGERS 200000 /* who are not there */

static const char usage[] =
    "usage: mailboxes_bench [OPTION...]\n"
    "Prints, as JSON, what look-ups among mailboxes cost, what their compiling on one core, and "
    "how\n"
    "much memory they take: in a set, in an rte_hash, in a single Hyperscan database.\n"
    "\n"
    "  -n, --mailboxes N  so many (default: 100000; up to 50000000)\n"
    "  -d, --domains N    in so many domains, sizes by a power law (default: 1000)\n"
    "      --naive        a single Hyperscan database, too: minutes from 50,000 on\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n";

struct options {
    unsigned mailboxes, domains;
    bool naive;
};

static bool parse_count(const char *text, unsigned most, unsigned *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    *out = (unsigned)value;
    return *text != '\0' && *end == '\0' && value >= 1 && value <= most;
}

static int parse_options(struct options *o, int argc, char **argv)
{
    enum { OPTION_NAIVE = 256 };
    static const struct option options[] = {
        {"mailboxes", required_argument, NULL, 'n'}, {"domains", required_argument, NULL, 'd'},
        {"naive", no_argument, NULL, OPTION_NAIVE},  {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},         {NULL, 0, NULL, 0},
    };
    *o = (struct options){100000, 1000, false};
    int option;
    bool right = true;
    while ((option = getopt_long(argc, argv, "n:d:hV", options, NULL)) != -1) {
        switch (option) {
        case 'n':
            right = right && parse_count(optarg, 50000000, &o->mailboxes);
            break;
        case 'd':
            right = right && parse_count(optarg, 1000000, &o->domains);
            break;
        case OPTION_NAIVE:
            o->naive = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EX_OK);
        case 'V':
            puts("mailboxes_bench " SPLITMX_VERSION);
            exit(EX_OK);
        default:
            right = false;
        }
    }
    if (right && argv[optind] == NULL)
        return EX_OK;
    fputs(usage, stderr);
    return EX_USAGE;
}

/* Of this thread: what one core had to do, whoever else is on the machine. */
static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void print_lookups(const struct subject *s, const struct names *there,
                          const struct names *strangers)
{
    const char *separator = "";
    printf("\"ns\": {");
    for (int pattern = 0; pattern < LOOKUPS_PATTERN_COUNT; pattern++) {
        for (int hit = 0; hit < 2; hit++) {
            for (int burst = 0; burst < 2; burst++) {
                double ns = lookups_measure(s, hit ? there : strangers,
                                            (enum lookups_pattern)pattern, burst, hit);
                printf("%s\"%s %s%s\": %.1f", separator, hit ? "hit" : "miss",
                       lookups_pattern_name((enum lookups_pattern)pattern), burst ? " burst" : "",
                       ns);
                separator = ", ";
            }
        }
    }
    printf("}");
}

static const struct {
    const char *name;
    bool (*build)(struct subject *s, const struct set_entry *entries, unsigned count,
                  const char **why);
    bool naive;
} subjects[] = {
    {"set", subject_set, false},
    {"rte_hash", subject_hash, false},
    {"one database", subject_naive, true},
};

static int measure(const struct options *o)
{
    struct names there, strangers;
    names_make(&there, o->mailboxes, o->domains, 0);
    names_make(&strangers, STRANGERS, o->domains, 1);
    printf("{\"mailboxes\": %u, \"domains\": %u, \"key_bytes\": %.1f, \"subjects\": [",
           o->mailboxes, o->domains, (double)names_text_size(&there) / o->mailboxes);
    const char *separator = "";
    int code = EX_OK;
    for (unsigned i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        struct subject s;
        const char *why;
        if (subjects[i].naive && !o->naive)
            continue;
        double began = cpu_seconds();
        if (!subjects[i].build(&s, there.entries, there.count, &why)) {
            fprintf(stderr, "mailboxes_bench: %s: %s\n", subjects[i].name, why);
            code = EX_OSERR;
            continue;
        }
        double took = cpu_seconds() - began;
        printf("%s\n{\"name\": \"%s\", \"build_us_per_entry\": %.3f, \"bytes_per_entry\": %.1f, ",
               separator, s.name, took / o->mailboxes * 1e6, (double)s.bytes / o->mailboxes);
        separator = ",";
        print_lookups(&s, &there, &strangers);
        printf("}");
        s.free(s.state);
    }
    puts("]}");
    names_free(&there);
    names_free(&strangers);
    return code;
}

/* For rte_hash; in plain memory, so that it needs no privilege. */
static bool start_eal(const struct options *o)
{
    char memory[16];
    snprintf(memory, sizeof(memory), "%u", 256 + o->mailboxes / 4000);
    char *arguments[] = {"mailboxes_bench",
                         "--no-huge",
                         "--no-pci",
                         "--no-telemetry",
                         "--no-shconf",
                         "-l",
                         "0",
                         "-m",
                         memory,
                         "--log-level",
                         "error"};
    return rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), arguments) >= 0;
}

int main(int argc, char **argv)
{
    struct options o;
    int code = parse_options(&o, argc, argv);
    if (code != EX_OK)
        return code;
    if (!start_eal(&o)) {
        fputs("mailboxes_bench: DPDK does not start\n", stderr);
        return EX_OSERR;
    }
    return measure(&o);
}
