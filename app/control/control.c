/* SPDX-License-Identifier: BSD-3-Clause */
/* The control thread's loop. */
#include "app/control/control.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include "app/control/batch.h"
#include "app/control/commands.h"
#include "app/control/statistics.h"
#include "drivers/port/eal.h"

#define ROUND_MSEC 10  /* how often logs are drained */
#define SLOW_ROUND 100 /* rounds between looks at links and the clock */

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

static void on_reloaded(void *context, const struct report *report)
{
    struct control *c = context;
    const struct snapshot *s = reload_snapshot(c->reload);
    char text[256];
    if (report->done)
        snprintf(
            text, sizeof(text),
            "reload: generation %lu: %u domains (%u new, %u gone), %lu mailboxes (%lu new, %lu "
            "gone, %lu turned), %lu moved",
            report->generation, snapshot_domain_count(s), report->domains_added,
            report->domains_removed, snapshot_mailbox_count(s), report->mailboxes_added,
            report->mailboxes_removed, report->mailboxes_turned, report->moved);
    else
        snprintf(text, sizeof(text),
                 "reload: refused, generation %lu stays in force:", report->generation);
    control_tell(c, text);
    if (report->text[0] != '\0')
        control_tell(c, report->text);
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

/* ---------------------------------------------------------------------------- control socket -- */

static void open_socket(struct control *c)
{
    const char *why;
    struct socket_config config = {
        .path = c->settings->control,
        .mode = c->settings->control_mode,
        .line = protocol_line,
        .user = &c->protocol,
    };
    if (config.path == NULL)
        return;
    commands_init(&c->protocol, c);
    c->batches = batches_create(c);
    c->socket = socket_open(&config, &why);
    if (c->socket == NULL) /* mail is worth more than commands */
        control_say(c, "control socket %s: %s: there is none", config.path, why);
}

/* --------------------------------------------------------------------------------------- loop --
 */

static uint64_t seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec;
}

/* Sleep until something is asked, at most for a round. Returns a signal, or 0. */
static int wait_for_word(const struct control *c)
{
    struct pollfd polled[] = {
        {.fd = c->signals, .events = POLLIN},
        {.fd = c->socket != NULL ? socket_descriptor(c->socket) : -1, .events = POLLIN},
    };
    struct signalfd_siginfo got;
    poll(polled, 2, ROUND_MSEC);
    return read(c->signals, &got, sizeof(got)) == sizeof(got) ? (int)got.ssi_signo : 0;
}

static void on_signal(struct control *c, int got)
{
    switch (got) {
    case SIGUSR1:
        stats_print(statistics(c), stdout);
        break;
    case SIGHUP:
        on_hangup(c);
        break;
    case SIGTERM:
    case SIGINT:
        for (unsigned i = 0; i < c->worker_count; i++)
            worker_shutdown(c->workers[i]);
        break;
    }
}

int control_open(struct control *c)
{
    sigset_t set;
    signal_set(&set);
    c->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (c->signals < 0) {
        perror("splitmx: signalfd");
        return EX_OSERR;
    }
    c->log = open_log(c->settings);
    if (c->log == NULL)
        return EX_CANTCREAT;
    open_socket(c);
    return EX_OK;
}

void control_run(struct control *c)
{
    for (unsigned round = 0; workers_running(c); round++) {
        int got = wait_for_word(c);
        drain(c, c->log);
        on_signal(c, got);
        reload_poll(c->reload);
        resolver_poll(c->resolver, seconds());
        if (c->socket != NULL) {
            socket_serve(c->socket, seconds());
            batches_poll(c->batches);
        }
        if (round % SLOW_ROUND == 0) {
            control_set_wall(c->wall_offset);
            for (unsigned i = 0; i < c->settings->port_count; i++)
                port_poll(c->ports[i]);
        }
    }
    drain(c, c->log);
    batches_destroy(c->batches);
    socket_close(c->socket);
    stats_print(statistics(c), stdout);
    if (c->log != stderr)
        fclose(c->log);
    close(c->signals);
}
