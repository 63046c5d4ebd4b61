/* SPDX-License-Identifier: BSD-3-Clause */
/* splitmxctl: asks a running splitmx, and tells it what to do. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/splitmxctl/client.h"
#include "app/splitmxctl/print.h"

#define DEFAULT_SOCKET "/run/splitmx/control"

static const char usage_text[] =
    "usage: splitmxctl [OPTION...] COMMAND\n"
    "\n"
    "  status                              what runs, and how it is\n"
    "  counters                            everything that is counted\n"
    "  route ADDRESS...                    who gets mail for each address, and why\n"
    "  domain list\n"
    "  domain show DOMAIN\n"
    "  domain split on|off DOMAIN          write split_domain_routing, and reload\n"
    "  mailbox add DOMAIN WHO...           these are on our side: an entry in its mailbox file\n"
    "  mailbox remove DOMAIN WHO...        they have no entry any more\n"
    "  mailbox move local DOMAIN WHO...    to our side: an entry, and none with ! in front\n"
    "  mailbox move external DOMAIN WHO... to the other side: an entry with ! in front\n"
    "  reload                              read the configuration and the mailbox files again\n"
    "\n"
    "WHO is a local part, an address, a file (its name holds a slash) with one of them a line, or "
    "-\n"
    "for standard input. A batch is in force, and in the mailbox file, as a whole or not at all.\n"
    "\n"
    "  -s, --socket PATH     default: " DEFAULT_SOCKET "\n"
    "  -c, --client ADDRESS  route as for mail of this client\n"
    "  -n, --dry-run         say what would change, and change nothing\n"
    "  -w, --wait            return when no open transaction has a verdict from before the change\n"
    "  -f, --force           reload: even if a mailbox file has lost more than max_shrink\n"
    "  -j, --json            print the answer as JSON\n"
    "  -q, --quiet           no progress\n"
    "  -h, --help            this text\n"
    "  -V, --version         the version\n"
    "\n"
    "Exit codes are those of sysexits(3): 64 usage, 65 refused, 67 no such domain, 69 no splitmx\n"
    "there, 71 a file or memory failed, 76 the answer was not understood.\n";

struct options {
    const char *socket, *client;
    bool dry_run, wait, force, json, quiet;
};

struct command {
    json_t *request;
    void (*print)(const json_t *answer, FILE *out);
};

static int parse_options(struct options *o, int argc, char **argv)
{
    static const struct option options[] = {
        {"socket", required_argument, NULL, 's'}, {"client", required_argument, NULL, 'c'},
        {"dry-run", no_argument, NULL, 'n'},      {"wait", no_argument, NULL, 'w'},
        {"force", no_argument, NULL, 'f'},        {"json", no_argument, NULL, 'j'},
        {"quiet", no_argument, NULL, 'q'},        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0},
    };
    int option;
    *o = (struct options){.socket = DEFAULT_SOCKET};
    while ((option = getopt_long(argc, argv, "s:c:nwfjqhV", options, NULL)) != -1) {
        switch (option) {
        case 's':
            o->socket = optarg;
            break;
        case 'c':
            o->client = optarg;
            break;
        case 'n':
            o->dry_run = true;
            break;
        case 'w':
            o->wait = true;
            break;
        case 'f':
            o->force = true;
            break;
        case 'j':
            o->json = true;
            break;
        case 'q':
            o->quiet = true;
            break;
        case 'h':
            fputs(usage_text, stdout);
            exit(EX_OK);
        case 'V':
            puts("splitmxctl " SPLITMX_VERSION);
            exit(EX_OK);
        default:
            fputs("Try: splitmxctl --help\n", stderr);
            return EX_USAGE;
        }
    }
    return EX_OK;
}

static int complain(const char *what, const char *why, int code)
{
    fprintf(stderr, "splitmxctl: %s: %s\n", what, why);
    return code;
}

/* ------------------------------------------------------------------------------- addresses -- */

static int add_address(json_t *list, const char *text)
{
    if (json_array_append_new(list, json_string(text)) == 0)
        return EX_OK;
    return complain(text, "is not UTF-8", EX_DATAERR);
}

/* One a line; blanks around it, empty lines and what follows # do not count. */
static int add_file(json_t *list, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL)
        return complain(path, strerror(errno), EX_NOINPUT);
    char *line = NULL;
    size_t room = 0;
    int code = EX_OK;
    while (code == EX_OK && getline(&line, &room, file) > 0) {
        char *from = line + strspn(line, " \t");
        from[strcspn(from, "#\r\n")] = '\0';
        for (size_t n = strlen(from); n > 0 && (from[n - 1] == ' ' || from[n - 1] == '\t'); n--)
            from[n - 1] = '\0';
        if (from[0] != '\0')
            code = add_address(list, from);
    }
    if (code == EX_OK && ferror(file))
        code = complain(path, strerror(errno), EX_IOERR);
    free(line);
    if (file != stdin)
        fclose(file);
    return code;
}

static int add_all(json_t *list, char **words, bool files)
{
    int code = EX_OK;
    for (; *words != NULL && code == EX_OK; words++) {
        bool file = files && (strchr(*words, '/') != NULL || strcmp(*words, "-") == 0);
        code = file ? add_file(list, *words) : add_address(list, *words);
    }
    return code;
}

/* -------------------------------------------------------------------------------- commands -- */

static void set_text(const struct command *c, const char *name, const char *value)
{
    json_object_set_new(c->request, name, json_string(value));
}

static void set_flag(const struct command *c, const char *name, bool value)
{
    if (value)
        json_object_set_new(c->request, name, json_true());
}

static int count(char **words)
{
    int n = 0;
    while (words[n] != NULL)
        n++;
    return n;
}

static int wrong_usage(void)
{
    fputs(usage_text, stderr);
    return EX_USAGE;
}

/* Are there no options but those among `taken`? */
static bool takes(const struct options *o, const char *taken)
{
    return (o->client == NULL || strchr(taken, 'c') != NULL) &&
           (!o->dry_run || strchr(taken, 'n') != NULL) &&
           (!o->wait || strchr(taken, 'w') != NULL) && (!o->force || strchr(taken, 'f') != NULL);
}

static int domain_command(struct command *c, const struct options *o, char **words)
{
    int n = count(words);
    if (!takes(o, n == 3 ? "n" : ""))
        return wrong_usage();
    if (n == 1 && strcmp(words[0], "list") == 0) {
        set_text(c, "do", "domain-list");
        c->print = print_domains;
    } else if (n == 2 && strcmp(words[0], "show") == 0) {
        set_text(c, "do", "domain-show");
        set_text(c, "domain", words[1]);
        c->print = print_domain;
    } else if (n == 3 && strcmp(words[0], "split") == 0 &&
               (strcmp(words[1], "on") == 0 || strcmp(words[1], "off") == 0)) {
        set_text(c, "do", "domain-split");
        set_text(c, "domain", words[2]);
        json_object_set_new(c->request, "on", json_boolean(words[1][1] == 'n'));
        set_flag(c, "dry_run", o->dry_run);
    } else {
        return wrong_usage();
    }
    return EX_OK;
}

static int mailbox_command(struct command *c, const struct options *o, char **words)
{
    const char *verb = words[0];
    char name[32];
    if (verb == NULL || count(words) < 3 || !takes(o, "nw"))
        return wrong_usage();
    bool move = strcmp(verb, "move") == 0;
    if (move) {
        if (count(words) < 4 ||
            (strcmp(words[1], "local") != 0 && strcmp(words[1], "external") != 0))
            return wrong_usage();
        set_text(c, "to", words[1]);
        words++;
    } else if (strcmp(verb, "add") != 0 && strcmp(verb, "remove") != 0) {
        return wrong_usage();
    }
    snprintf(name, sizeof(name), "mailbox-%s", verb);
    set_text(c, "do", name);
    set_text(c, "domain", words[1]);
    set_flag(c, "dry_run", o->dry_run);
    set_flag(c, "wait", o->wait);
    json_t *list = json_array();
    json_object_set_new(c->request, "addresses", list);
    return add_all(list, words + 2, true);
}

static int make_command(struct command *c, const struct options *o, char **words)
{
    const char *name = words[0] != NULL ? words[0] : "";
    *c = (struct command){.request = json_object(), .print = print_members};
    if (strcmp(name, "domain") == 0)
        return domain_command(c, o, words + 1);
    if (strcmp(name, "mailbox") == 0)
        return mailbox_command(c, o, words + 1);
    if (!takes(o, strcmp(name, "route") == 0 ? "c" : strcmp(name, "reload") == 0 ? "f" : ""))
        return wrong_usage();
    if (strcmp(name, "route") == 0 && words[1] != NULL) {
        json_t *list = json_array();
        json_object_set_new(c->request, "addresses", list);
        if (o->client != NULL)
            set_text(c, "client", o->client);
        c->print = print_routes;
        set_text(c, "do", name);
        return add_all(list, words + 1, false);
    }
    if (words[0] == NULL || words[1] != NULL)
        return wrong_usage();
    if (strcmp(name, "status") == 0)
        c->print = print_status;
    else if (strcmp(name, "reload") == 0)
        set_flag(c, "force", o->force);
    else if (strcmp(name, "counters") != 0)
        return wrong_usage();
    set_text(c, "do", name);
    return EX_OK;
}

/* ---------------------------------------------------------------------------------- answer -- */

static int code_of(const char *error)
{
    static const struct {
        const char *error;
        int code;
    } codes[] = {
        {"bad-request", EX_USAGE}, {"unknown-command", EX_USAGE}, {"not-found", EX_NOUSER},
        {"refused", EX_DATAERR},   {"failed", EX_OSERR},
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (error != NULL && strcmp(codes[i].error, error) == 0)
            return codes[i].code;
    return EX_PROTOCOL;
}

static int show(const struct command *c, const struct options *o, const json_t *answer)
{
    const json_t *ok = json_object_get(answer, "ok"), *error = json_object_get(answer, "error");
    const char *text = json_string_value(json_object_get(error, "text"));
    if (o->json) {
        json_dumpf(ok != NULL ? ok : answer, stdout, JSON_COMPACT);
        putchar('\n');
    }
    if (ok == NULL)
        return complain("refused", text != NULL ? text : "no reason was given",
                        code_of(json_string_value(json_object_get(error, "code"))));
    if (!o->json)
        c->print(ok, stdout);
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static int ask(const struct command *c, const struct options *o)
{
    int fd = client_connect(o->socket);
    if (fd < 0)
        return complain(o->socket, strerror(errno), EX_UNAVAILABLE);
    json_t *answer = client_ask(fd, c->request, o->quiet);
    int code =
        answer != NULL ? show(c, o, answer) : complain(o->socket, "no answer came", EX_PROTOCOL);
    json_decref(answer);
    close(fd);
    return code;
}

int main(int argc, char **argv)
{
    struct options o;
    struct command c = {0};
    int code = parse_options(&o, argc, argv);
    if (code == EX_OK)
        code = make_command(&c, &o, argv + optind);
    if (code == EX_OK)
        code = ask(&c, &o);
    json_decref(c.request);
    return code;
}
