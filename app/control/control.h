/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control thread's loop: it does all that may block, so that workers never do. It writes the
 * mail log, answers signals and the control socket, watches the links and keeps the time of day.
 *
 *     SIGUSR1           counters as one line of JSON on standard output (also at exit)
 *     SIGHUP            the log file is opened anew (logrotate), domains and mailbox files are read
 *                       again
 *     SIGTERM, SIGINT   finish open transactions, at most shutdown_timeout, and return
 */
#ifndef SPLITMX_CONTROL_CONTROL_H
#define SPLITMX_CONTROL_CONTROL_H

#include <stdint.h>
#include <stdio.h>

#include "app/control/protocol.h"
#include "app/control/reload.h"
#include "app/control/socket.h"
#include "app/publisher.h"
#include "app/settings.h"
#include "app/worker.h"
#include "drivers/base/check.h"
#include "drivers/port/port.h"

struct control {
    const struct settings *settings;
    const char *config_path;
    struct worker **workers; /* launched */
    struct maillog **logs;   /* one per worker */
    unsigned worker_count;
    struct port **ports; /* in the settings' order */
    struct reload *reload;
    const struct publisher *publisher;
    uint64_t *wall_offset;
    uint64_t started;              /* seconds since the epoch */
    FILE *log;                     /* control_run() opens it */
    struct control_socket *socket; /* likewise; NULL: there is none */
    struct protocol protocol;
    struct batches *batches;
};

/* Block the signals that control_run() answers: before any other thread is made. */
void control_block_signals(void);

/* The time of day less the workers' clock, in ns. */
void control_set_wall(uint64_t *wall_offset);

/* A line to the log, and to whoever sits at the terminal. */
void control_say(const struct control *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same of a text of one or more lines; `control` is a struct control. */
void control_tell(void *control, const char *text);

/* Run until the workers have finished their shutdown. Returns an exit code of sysexits(3): 0, or
 * EX_CANTCREAT if the log file cannot be opened (said on standard error). */
MUST_CHECK int control_run(struct control *c);

#endif
