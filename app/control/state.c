/* SPDX-License-Identifier: BSD-3-Clause */
/* What reloads, batches and folds all do in the end. */
#include "app/control/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/route/grace_file.h"

uint64_t reload_time(void)
{
    return (uint64_t)time(NULL);
}

void reload_cannot_remember(const struct reload *r, int why)
{
    char text[512];
    snprintf(text, sizeof(text), "%s: %s: move_grace of the last moves will not outlive a restart",
             r->config.grace_path, strerror(why));
    r->config.say(r->config.context, text);
}

int reload_remember(const struct reload_config *c, const struct snapshot *older,
                    const struct snapshot *newer)
{
    const struct grace *was = snapshot_grace(older), *is = snapshot_grace(newer);
    bool ok = c->grace_path == NULL || was == is || is == NULL ||
              grace_file_append(c->grace_path, is, was);
    return ok ? 0 : errno;
}

void reload_publish(struct reload *r, struct snapshot *s)
{
    snapshot_free(r->now);
    r->now = snapshot_ref(s);
    publisher_publish(r->config.publisher, s);
}
