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

#include "app/control/context.h"
#include "drivers/base/check.h"

/* Block the signals that are answered here: before any other thread is made. */
void control_block_signals(void);

/* The time of day less the workers' clock, in ns. */
void control_set_wall(uint64_t *wall_offset);

/* Open the log, the signals and the control socket; who connects is answered once control_run()
 * does. Returns an exit code of sysexits(3): 0, or EX_CANTCREAT if the log file cannot be opened
 * (said on standard error), or EX_OSERR. Without a control socket (said in the log) it goes on. */
MUST_CHECK int control_open(struct control *c);

/* Run until the workers, which have been launched, have finished their shutdown. */
void control_run(struct control *c);

#endif
