/* SPDX-License-Identifier: BSD-3-Clause */
/* Start-up and shutdown: the only place that knows every part. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <time.h>

#include <rte_launch.h>

#include "app/control/control.h"
#include "app/control/reload.h"
#include "app/control/resolver.h"
#include "app/memory.h"
#include "app/publisher.h"
#include "app/route/explain.h"
#include "app/route/grace_file.h"
#include "app/route/snapshot.h"
#include "app/settings.h"
#include "app/worker.h"
#include "config/config.h"
#include "drivers/port/eal.h"
#include "drivers/port/port.h"

static const char usage_text[] =
    "usage: splitmx -c FILE                     route mail\n"
    "       splitmx -c FILE --check             say everything that is wrong with FILE\n"
    "       splitmx -c FILE --route ADDRESS...  say who gets mail for each address\n"
    "       splitmx -c FILE --explain ADDRESS... the same, and why\n"
    "\n"
    "  -c, --config FILE  the configuration, see splitmx.ini\n"
    "      --check        check FILE and all that it names, print the memory it asks for;\n"
    "                     no port is touched\n"
    "      --route        print ADDRESS<TAB>VERDICT<TAB>NEXT-HOP per address; no port is touched\n"
    "      --explain      print its canonical form, its domain, the entry that decided with file\n"
    "                     and line, verdict and next hop; no port is touched\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n"
    "\n"
    "Signals: SIGTERM finishes open transactions and exits; SIGUSR1 prints counters as JSON on\n"
    "standard output; SIGHUP opens the log file anew and reads domains and mailbox files again.\n"
    "Exit codes are those of sysexits(3): 64 usage, 69 a port cannot be brought up, 71 system,\n"
    "73 log file, 78 configuration.\n";

/* What is built from the command line on, in this order, and undone in the other. */
struct appliance {
    const char *config_path;
    bool check, route, explain;
    char **addresses; /* of --route, NULL-terminated */

    struct config_errors *errors;
    struct config *config;
    struct settings settings;
    struct eal_workers eal_workers;
    struct ip_addr locals[SETTINGS_MAX_PORTS * SETTINGS_MAX_ADDRESSES]; /* our own addresses */
    unsigned local_count;
    struct names *names;
    struct snapshot *snapshot; /* the first */
    char *grace_path;
    struct port_config port_configs[SETTINGS_MAX_PORTS];
    struct memory_plan memory;

    bool eal;
    struct pools pools[EAL_MAX_WORKERS];
    struct port *ports[SETTINGS_MAX_PORTS];
    struct maillog *logs[EAL_MAX_WORKERS];
    struct worker *workers[EAL_MAX_WORKERS];
    uint64_t wall_offset;
    struct publisher *publisher;
    struct reload *reload;
    struct resolver *resolver;
};

static int parse_options(struct appliance *a, int argc, char **argv)
{
    enum { OPTION_CHECK = 256, OPTION_ROUTE, OPTION_EXPLAIN };
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, OPTION_CHECK},
        {"route", no_argument, NULL, OPTION_ROUTE},
        {"help", no_argument, NULL, 'h'},
        {"explain", no_argument, NULL, OPTION_EXPLAIN},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            a->config_path = optarg;
            break;
        case OPTION_CHECK:
            a->check = true;
            break;
        case OPTION_EXPLAIN:
            a->explain = true;
            a->route = true;
            break;
        case OPTION_ROUTE:
            a->route = true;
            break;
        case 'h':
            fputs(usage_text, stdout);
            exit(EX_OK);
        case 'V':
            puts("splitmx " SPLITMX_VERSION);
            exit(EX_OK);
        default:
            fputs("Try: splitmx --help\n", stderr);
            return EX_USAGE;
        }
    }
    a->addresses = argv + optind;
    bool right =
        a->config_path != NULL && !(a->check && a->route) && a->route == (a->addresses[0] != NULL);
    if (!right)
        fputs(usage_text, stderr);
    return right ? EX_OK : EX_USAGE;
}

/* ------------------------------------------------------------------------------ configuration --
 */

static void check_ports(struct appliance *a)
{
    const struct settings *s = &a->settings;
    for (unsigned i = 0; i < s->port_count; i++) {
        struct port_error why;
        a->port_configs[i] = (struct port_config){
            .name = s->ports[i].name,
            .device = s->ports[i].device,
            .queues = (uint16_t)a->eal_workers.count,
            .mtu = s->ports[i].mtu,
            .groups = settings_has_ipv6(&s->ports[i]),
        };
        if (!port_check(&a->port_configs[i], &why))
            config_error(a->errors, s->ports[i].section, "device", "%s", why.text);
    }
}

/* Who has moved before the last stop. Only mail asks for it. */
static struct grace *load_grace(struct appliance *a)
{
    const struct config_section *appliance = config_section(a->config, "appliance", 0);
    char *directory = config_path(a->config, config_text(appliance, "state_directory"));
    if (asprintf(&a->grace_path, "%s/moved", directory) < 0)
        a->grace_path = NULL;
    free(directory);
    if (a->check || a->route)
        return NULL;
    struct grace *grace = grace_file_load(a->grace_path, (uint64_t)time(NULL));
    if (grace == NULL && errno != 0 && errno != ENOENT)
        fprintf(stderr, "splitmx: %s: %s: no mailbox has move_grace from before this start\n",
                a->grace_path, strerror(errno));
    return grace;
}

static void build_snapshot(struct appliance *a)
{
    const struct settings *s = &a->settings;
    for (unsigned i = 0; i < s->port_count; i++) {
        for (unsigned k = 0; k < s->ports[i].address_count; k++)
            a->locals[a->local_count++] = s->ports[i].addresses[k];
    }
    a->names = names_create(a->locals, a->local_count);
    struct snapshot_request request = {
        .config = a->config,
        .locals = a->locals,
        .local_count = a->local_count,
        .names = a->names,
        .workers = a->eal_workers.count,
        .grace = load_grace(a),
        .wall = (uint64_t)time(NULL) * NSEC_PER_SEC,
    };
    struct snapshot_summary summary;
    a->snapshot = snapshot_make(&request, &summary, a->errors);
    if (a->snapshot != NULL)
        snapshot_seal(a->snapshot, 1);
    grace_unref(request.grace);
}

/* Read everything that the configuration names. EX_CONFIG, with all that is wrong on standard
 * error. */
static int configure(struct appliance *a)
{
    a->errors = config_errors_new();
    a->config = config_load(a->config_path, a->errors);
    if (a->config != NULL) {
        const struct config_section *appliance = config_section(a->config, "appliance", 0);
        settings_build(&a->settings, a->config, a->errors);
        if (!eal_workers_parse(config_text(appliance, "workers"), &a->eal_workers))
            config_error(a->errors, appliance, "workers", "neither a count nor a list of CPUs");
        check_ports(a);
        build_snapshot(a);
    }
    if (config_errors_count(a->errors) == 0)
        return EX_OK;
    config_errors_print(a->errors, stderr);
    return EX_CONFIG;
}

static int print_check(const struct appliance *a)
{
    printf("%s: good: %u domains, %lu mailboxes\n", a->config_path,
           snapshot_domain_count(a->snapshot), snapshot_mailbox_count(a->snapshot));
    memory_print(&a->memory, &a->settings, stdout);
    return EX_OK;
}

/* ------------------------------------------------------------------------------------ start-up --
 */

/* A sentence about a line of the INI. */
static int complain(const struct config_section *section, const char *key, const char *text,
                    int code)
{
    struct config_errors *errors = config_errors_new();
    config_error(errors, section, key, "%s", text);
    config_errors_print(errors, stderr);
    config_errors_free(errors);
    return code;
}

static int start_eal(struct appliance *a, const char *program)
{
    const struct settings *s = &a->settings;
    const char *devices[SETTINGS_MAX_PORTS];
    struct port_error why;
    for (unsigned i = 0; i < s->port_count; i++)
        devices[i] = s->ports[i].device;
    struct eal_config config = {
        .program = program,
        .workers = a->eal_workers,
        .hugepages = s->hugepages,
        .memory = a->memory.bytes,
        .devices = devices,
        .device_count = s->port_count,
    };
    if (!eal_start(&config, &why))
        return complain(config_section(a->config, "memory", 0), "hugepages", why.text, EX_OSERR);
    a->eal = true;
    return EX_OK;
}

static int start_pools(struct appliance *a)
{
    for (unsigned w = 0; w < a->eal_workers.count; w++) {
        char name[16], text[128];
        snprintf(name, sizeof(name), "w%u", w);
        a->memory.pools.name = name;
        int error = pools_create(&a->pools[w], &a->memory.pools);
        if (error == 0)
            continue;
        snprintf(text, sizeof(text), "%lu MiB of packet memory cannot be had: %s",
                 a->memory.sum.bytes >> 20, strerror(-error));
        return complain(config_section(a->config, "memory", 0), "budget", text, EX_OSERR);
    }
    return EX_OK;
}

static int start_ports(struct appliance *a)
{
    const struct settings *s = &a->settings;
    struct pools *pools[EAL_MAX_WORKERS];
    for (unsigned w = 0; w < a->eal_workers.count; w++)
        pools[w] = &a->pools[w];
    for (unsigned i = 0; i < s->port_count; i++) {
        struct port_error why;
        char text[256];
        a->ports[i] = port_open(&a->port_configs[i], pools, &why);
        if (a->ports[i] == NULL)
            return complain(s->ports[i].section, "device", why.text, EX_UNAVAILABLE);
        fprintf(stderr, "splitmx: port %s: %s\n", s->ports[i].name,
                port_describe(a->ports[i], text, sizeof(text)));
    }
    return EX_OK;
}

static int start_workers(struct appliance *a)
{
    const struct settings *s = &a->settings;
    const char *why = "out of memory";
    control_set_wall(&a->wall_offset);
    a->publisher = publisher_create(a->eal_workers.count, snapshot_ref(a->snapshot));
    for (unsigned w = 0; w < a->eal_workers.count; w++) {
        struct worker_config config = {
            .index = w,
            .settings = s,
            .snapshot = a->snapshot,
            .publisher = a->publisher,
            .pools = &a->pools[w],
            .wall_offset = &a->wall_offset,
        };
        char name[16];
        snprintf(name, sizeof(name), "w%u", w);
        for (unsigned i = 0; i < s->port_count; i++)
            config.links[i] = port_link(a->ports[i], w);
        a->logs[w] = config.log = maillog_create(name, s->max_recipients);
        if (getrandom(config.secret, sizeof(config.secret), 0) != sizeof(config.secret))
            why = "no random bytes from the kernel";
        else if (config.log != NULL)
            a->workers[w] = worker_create(&config, worker_clock(), &why);
        if (a->workers[w] == NULL) {
            fprintf(stderr, "splitmx: worker %u cannot be started: %s\n", w, why);
            return EX_OSERR;
        }
    }
    return EX_OK;
}

static void say_ready(const struct appliance *a)
{
    const struct settings *s = &a->settings;
    char text[ADDR_TEXT_SIZE];
    for (unsigned i = 0; i < s->listener_count; i++) {
        const struct port_settings *port = &s->ports[s->listeners[i].port];
        for (unsigned k = 0; k < port->address_count; k++) {
            struct endpoint local = {port->addresses[k], s->listeners[i].tcp_port};
            fprintf(stderr, "splitmx: listener %s: %s\n", s->listeners[i].name,
                    endpoint_format(&local, text));
        }
    }
    fprintf(stderr, "splitmx " SPLITMX_VERSION ": ready: %u domains, %lu mailboxes, %u worker(s)\n",
            snapshot_domain_count(a->snapshot), snapshot_mailbox_count(a->snapshot),
            a->eal_workers.count);
}

static int serve(struct appliance *a)
{
    struct control control;
    struct reload_config reload = {
        .path = a->config_path,
        .running = a->config,
        .locals = a->locals,
        .local_count = a->local_count,
        .names = a->names,
        .worker_count = a->eal_workers.count,
        .workers = a->workers,
        .publisher = a->publisher,
        .grace_path = a->grace_path,
        .say = control_tell,
        .context = &control,
    };
    a->reload = reload_create(&reload);
    a->resolver = resolver_create(a->names, a->settings.resolve_interval, control_tell, &control);
    control = (struct control){
        .settings = &a->settings,
        .workers = a->workers,
        .logs = a->logs,
        .worker_count = a->eal_workers.count,
        .ports = a->ports,
        .reload = a->reload,
        .resolver = a->resolver,
        .config_path = a->config_path,
        .publisher = a->publisher,
        .wall_offset = &a->wall_offset,
        .started = (uint64_t)time(NULL),
    };
    int code = control_open(&control);
    if (code != EX_OK)
        return code;
    for (unsigned w = 0; w < a->eal_workers.count; w++) {
        if (rte_eal_remote_launch(worker_main, a->workers[w], eal_worker_lcore(w)) != 0) {
            fprintf(stderr, "splitmx: worker %u cannot be launched\n", w);
            return EX_OSERR;
        }
    }
    say_ready(a);
    snapshot_free(a->snapshot); /* the publisher has it, until the next one takes its place */
    a->snapshot = NULL;
    control_run(&control);
    return EX_OK;
}

static int run(struct appliance *a, const char *program)
{
    control_block_signals();
    int code = start_eal(a, program);
    if (code == EX_OK)
        code = start_pools(a);
    if (code == EX_OK)
        code = start_ports(a);
    if (code == EX_OK)
        code = start_workers(a);
    return code == EX_OK ? serve(a) : code;
}

static void explain(const struct appliance *a, const char *address)
{
    struct explanation e;
    route_explain(a->snapshot, snapshot_control_scratch(a->snapshot), address, NULL, &e);
    if (a->explain)
        explanation_print_long(&e, address, stdout);
    else
        explanation_print(&e, address, stdout);
}

static void undo(struct appliance *a)
{
    bool quiet = reload_destroy(a->reload);
    quiet = resolver_destroy(a->resolver) && quiet;
    for (unsigned w = 0; w < a->eal_workers.count; w++) {
        worker_destroy(a->workers[w]);
        maillog_destroy(a->logs[w]);
    }
    publisher_destroy(a->publisher);
    for (unsigned i = 0; i < a->settings.port_count; i++)
        port_close(a->ports[i]);
    if (a->eal) {
        for (unsigned w = 0; w < a->eal_workers.count; w++)
            pools_destroy(&a->pools[w]);
        eal_stop();
    }
    snapshot_free(a->snapshot);
    config_errors_free(a->errors);
    if (!quiet)
        return; /* a reload still reads these; the process ends, and with it the reload */
    names_destroy(a->names);
    free(a->grace_path);
    config_free(a->config);
}

int main(int argc, char **argv)
{
    static struct appliance a;
    int code = parse_options(&a, argc, argv);
    if (code == EX_OK)
        code = configure(&a);
    if (code == EX_OK && a.route) {
        for (char **address = a.addresses; *address != NULL; address++)
            explain(&a, *address);
    } else if (code == EX_OK) {
        a.memory = memory_plan(&a.settings, a.port_configs);
        code = a.check ? print_check(&a) : run(&a, argv[0]);
    }
    undo(&a);
    return code;
}
