/* SPDX-License-Identifier: BSD-3-Clause */
/* Command line in, record files through the join, table and JSON out. */
#include "bench/smtpgen/verify_command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/smtpgen/report.h"
#include "bench/smtpgen/verify.h"

#define EX_FAULTS 1

static const char usage_text[] =
    "usage: smtpgen verify --sent FILE... --received FILE... [OPTION...]\n"
    "\n"
    "Joins record files of sources and sinks, of one or several runs: every accepted recipient's\n"
    "message was delivered, once, to the right sink, unaltered.\n"
    "\n"
    "      --sent FILE...      what sources recorded\n"
    "      --received FILE...  what sinks recorded\n"
    "      --expect CLASS=ADDRESS:PORT[,...]\n"
    "                          where recipients of a class belong (none: nowhere)\n"
    "      --json FILE         the result as JSON, too; -: on standard output instead of the "
    "table\n"
    "  -h, --help              this text\n"
    "\n"
    "Exit codes: 0 all holds, 1 something does not; else of sysexits(3): 64 usage, 65 a file "
    "holds\n"
    "no such records, 66 it cannot be opened, 71 memory, 73 the JSON cannot be written.\n";

struct options {
    char **sent, **received; /* argc of each are enough */
    unsigned sent_count, received_count;
    const char *json;
};

static int usage_error(const char *what)
{
    fprintf(stderr, "smtpgen verify: %sTry: smtpgen verify --help\n", what);
    return EX_USAGE;
}

/* EX_OK to go on, with *done where there is nothing more to do. */
static int parse(struct options *o, struct verify *v, int argc, char **argv, bool *done)
{
    enum { FILE_NAME = 1, SENT = 256, RECEIVED, EXPECT, JSON };
    static const struct option options[] = {
        {"sent", required_argument, NULL, SENT},
        {"received", required_argument, NULL, RECEIVED},
        {"expect", required_argument, NULL, EXPECT},
        {"json", required_argument, NULL, JSON},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option, list = 0;
    optind = 0; /* begin anew, behind the subcommand's name */
    while ((option = getopt_long(argc, argv, "-h", options, NULL)) != -1) {
        if (option == SENT || option == RECEIVED)
            list = option;
        switch (option) {
        case FILE_NAME:
        case SENT:
        case RECEIVED:
            if (list == 0)
                return usage_error("a file before --sent or --received\n");
            if (list == SENT)
                o->sent[o->sent_count++] = optarg;
            else
                o->received[o->received_count++] = optarg;
            break;
        case EXPECT:
            if (!verify_expect_all(v, optarg))
                return usage_error("--expect takes CLASS=ADDRESS:PORT, each class once\n");
            break;
        case JSON:
            o->json = optarg;
            break;
        case 'h':
            fputs(usage_text, stdout);
            *done = true;
            return EX_OK;
        default:
            return usage_error("");
        }
    }
    if (o->sent_count == 0 || o->received_count == 0)
        return usage_error("what was --sent, what was --received?\n");
    return EX_OK;
}

static int read_files(struct verify *v, char **names, unsigned count,
                      bool (*read)(struct verify *, FILE *, const char *, FILE *))
{
    for (unsigned i = 0; i < count; i++) {
        FILE *in = fopen(names[i], "re");
        if (in == NULL) {
            fprintf(stderr, "smtpgen verify: %s: %s\n", names[i], strerror(errno));
            return EX_NOINPUT;
        }
        if (!read(v, in, names[i], stderr))
            return EX_DATAERR;
    }
    return EX_OK;
}

static int say(const struct verify_result *result, const char *path)
{
    if (path == NULL || strcmp(path, "-") != 0)
        verify_print(result, stdout);
    if (path != NULL) {
        json_t *json = verify_json(result);
        bool ok = report_json_write(json, path);
        json_decref(json);
        if (!ok) {
            fprintf(stderr, "smtpgen verify: %s: %s\n", path, strerror(errno));
            return EX_CANTCREAT;
        }
    }
    return verify_holds(result) ? EX_OK : EX_FAULTS;
}

int verify_command(int argc, char **argv)
{
    size_t files = (size_t)argc + 1;
    struct options o = {.sent = calloc(files, sizeof(char *)),
                        .received = calloc(files, sizeof(char *))};
    struct verify *v = verify_new();
    struct verify_result result;
    bool done = false;
    int code = EX_OSERR;
    if (v != NULL && o.sent != NULL && o.received != NULL)
        code = parse(&o, v, argc, argv, &done);
    if (code == EX_OK && !done) {
        code = read_files(v, o.sent, o.sent_count, verify_sent);
        if (code == EX_OK)
            code = read_files(v, o.received, o.received_count, verify_received);
        if (code == EX_OK) {
            verify_finish(v, &result);
            code = say(&result, o.json);
        }
    }
    verify_free(v);
    free(o.sent);
    free(o.received);
    return code;
}
