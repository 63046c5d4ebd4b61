/* SPDX-License-Identifier: BSD-3-Clause */
/* The control thread's loop. */
#include "app/control/control.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include "app/observe/stats.h"
#include "drivers/ip/ip.h"
#include "drivers/port/eal.h"

#define ROUND_NSEC (10 * 1000 * 1000) /* how often logs are drained */
#define SLOW_ROUND 100                /* rounds between looks at links and the clock */

static void signal_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGUSR1);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

void control_block_signals(void)
{
    sigset_t set;
    signal_set(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void control_set_wall(uint64_t *wall_offset)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    uint64_t wall = (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
    __atomic_store_n(wall_offset, wall - worker_clock(), __ATOMIC_RELAXED);
}

/* --------------------------------------------------------------------------------- statistics --
 */

static void port_stats(struct stats *s, const struct port_settings *settings, const struct port *p)
{
    uint64_t values[PORT_COUNTER_COUNT];
    port_counters(p, values);
    stats_counters(s, settings->name, &port_counter_list, values);
}

static void usage_stats(struct stats *s, const struct worker *w)
{
    const struct pools *pools = worker_pools(w);
    struct tcp_usage tcp = tcp_usage(worker_tcp(w));
    struct relay_usage relay = relay_usage(worker_relay(w));
    stats_open(s, "usage");
    stats_number(s, "sessions", relay.sessions);
    stats_number(s, "transactions", relay.transactions);
    stats_number(s, "recipients", relay.recipients);
    stats_number(s, "destination_connections", relay.connections);
    stats_number(s, "destination_connections_idle", relay.connections_idle);
    stats_number(s, "tcp_connections", tcp.connections);
    stats_number(s, "tcp_half_open", tcp.half_open);
    stats_number(s, "tcp_time_wait", tcp.time_wait);
    stats_number(s, "tcp_orphans", tcp.orphans);
    stats_number(s, "log_records", maillog_in_use(worker_log(w)));
    stats_number(s, "buffers", pools->data_count);
    stats_number(s, "buffers_in_use", rte_mempool_in_use_count(pools->data));
    stats_number(s, "buffers_pinned", pools->in_use);
    stats_number(s, "buffers_promised", pools->promised);
    stats_number(s, "headers_in_use", rte_mempool_in_use_count(pools->header));
    stats_number(s, "references_in_use", rte_mempool_in_use_count(pools->indirect));
    stats_close(s);
}

static void worker_stats(struct stats *s, unsigned index, const struct worker *w)
{
    char name[16];
    snprintf(name, sizeof(name), "%u", index);
    stats_open(s, name);
    stats_counters(s, "relay", &relay_counter_list, relay_counters(worker_relay(w)));
    stats_counters(s, "tcp", &tcp_counter_list, tcp_counters(worker_tcp(w)));
    stats_counters(s, "ip", &ip_counter_list, ip_counters(worker_ip(w)));
    stats_counters(s, "worker", &worker_counter_list, worker_counters(w));
    usage_stats(s, w);
    stats_number(s, "notices_dropped", maillog_notices_dropped(worker_log(w)));
    stats_close(s);
}

static void print_stats(const struct control *c)
{
    struct stats *s = stats_new();
    uint64_t now = (uint64_t)time(NULL);
    stats_text(s, "program", "splitmx " SPLITMX_VERSION);
    stats_text(s, "hostname", c->settings->hostname);
    stats_number(s, "time", now);
    stats_number(s, "uptime", now - c->started);
    stats_open(s, "ports");
    for (unsigned i = 0; i < c->settings->port_count; i++)
        port_stats(s, &c->settings->ports[i], c->ports[i]);
    stats_close(s);
    stats_open(s, "workers");
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_stats(s, i, c->workers[i]);
    stats_close(s);
    stats_print(s, stdout);
}

/* --------------------------------------------------------------------------------------- loop --
 */

static FILE *open_log(const struct settings *s)
{
    if (s->log_file == NULL)
        return stderr;
    FILE *file = fopen(s->log_file, "ae");
    if (file == NULL)
        fprintf(stderr, "splitmx: log file %s: %s\n", s->log_file, strerror(errno));
    return file;
}

static void drain(const struct control *c, FILE *log)
{
    for (unsigned i = 0; i < c->worker_count; i++)
        maillog_drain(c->logs[i], log);
}

static bool workers_running(const struct control *c)
{
    for (unsigned i = 0; i < c->worker_count; i++) {
        if (rte_eal_get_lcore_state(eal_worker_lcore(i)) == RUNNING)
            return true;
    }
    return false;
}

/* To the log, and to whoever sits at the terminal. */
static void say(const struct control *c, const char *text)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    maillog_say(c->log, (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec, text);
    if (c->log != stderr)
        fprintf(stderr, "splitmx: %s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n");
}

static void on_reloaded(void *context, const struct report *report)
{
    const struct control *c = context;
    const struct snapshot *s = reload_snapshot(c->reload);
    char text[256];
    if (report->done)
        snprintf(
            text, sizeof(text),
            "reload: generation %lu: %u domains (%u new, %u gone), %lu mailboxes (%lu new, %lu "
            "gone, %lu turned)",
            report->generation, snapshot_domain_count(s), report->domains_added,
            report->domains_removed, snapshot_mailbox_count(s), report->mailboxes_added,
            report->mailboxes_removed, report->mailboxes_turned);
    else
        snprintf(text, sizeof(text),
                 "reload: refused, generation %lu stays in force:", report->generation);
    say(c, text);
    if (report->text[0] != '\0')
        say(c, report->text);
}

static void on_hangup(struct control *c)
{
    static const struct reload_options careful = {0};
    FILE *fresh = open_log(c->settings);
    if (fresh != NULL && c->log != stderr) {
        fclose(c->log);
        c->log = fresh;
    }
    reload_start(c->reload, &careful, on_reloaded, c);
}

int control_run(struct control *c)
{
    sigset_t set;
    signal_set(&set);
    c->log = open_log(c->settings);
    int code = c->log != NULL ? EX_OK : EX_CANTCREAT;
    if (c->log == NULL) {
        c->log = stderr;
        for (unsigned i = 0; i < c->worker_count; i++)
            worker_shutdown(c->workers[i]);
    }
    for (unsigned round = 0; workers_running(c); round++) {
        struct timespec wait = {.tv_nsec = ROUND_NSEC};
        int got = sigtimedwait(&set, NULL, &wait);
        drain(c, c->log);
        if (got == SIGUSR1) {
            print_stats(c);
        } else if (got == SIGHUP) {
            on_hangup(c);
        } else if (got == SIGTERM || got == SIGINT) {
            for (unsigned i = 0; i < c->worker_count; i++)
                worker_shutdown(c->workers[i]);
        }
        reload_poll(c->reload);
        if (round % SLOW_ROUND == 0) {
            control_set_wall(c->wall_offset);
            for (unsigned i = 0; i < c->settings->port_count; i++)
                port_poll(c->ports[i]);
        }
    }
    drain(c, c->log);
    print_stats(c);
    if (c->log != stderr)
        fclose(c->log);
    return code;
}
