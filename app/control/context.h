/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control thread knows of the appliance, and all that it does for others works on. */
#ifndef SPLITMX_CONTROL_CONTEXT_H
#define SPLITMX_CONTROL_CONTEXT_H

#include <stdint.h>
#include <stdio.h>

#include "app/control/protocol.h"
#include "app/control/reload.h"
#include "app/control/resolver.h"
#include "app/control/socket.h"
#include "app/publisher.h"
#include "app/settings.h"
#include "app/worker.h"
#include "drivers/port/port.h"

struct control {
    const struct settings *settings;
    const char *config_path;
    struct worker **workers; /* launched */
    struct maillog **logs;   /* one per worker */
    unsigned worker_count;
    struct port **ports; /* in the settings' order */
    struct reload *reload;
    struct resolver *resolver;
    const struct publisher *publisher;
    uint64_t *wall_offset;
    uint64_t started; /* seconds since the epoch */
    int signals;      /* control_open() opens this and what follows */
    FILE *log;
    struct control_socket *socket; /* NULL: there is none */
    struct protocol protocol;
    struct batches *batches;
};

/* A line, or several, to the log and to whoever sits at the terminal. `control`: a struct control.
 */
void control_tell(void *control, const char *text);
void control_say(struct control *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
