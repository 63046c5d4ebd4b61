/* SPDX-License-Identifier: BSD-3-Clause */
/* Batches of mailboxes, in force at once. */
#include <stdlib.h>
#include <string.h>

#include "app/control/state.h"
#include "app/route/amend.h"
#include "config/memory.h"

bool change_apply(struct reload *r, const struct change *changes, uint32_t count, bool dry,
                  struct report *out)
{
    struct snapshot_summary summary;
    char *why = NULL;
    struct snapshot *next =
        snapshot_amend(r->now, changes, count, r->job != NULL, reload_time(), &summary, &why);
    *out = (struct report){
        .done = next != NULL && !dry,
        .mailboxes_added = summary.mailboxes_added,
        .mailboxes_removed = summary.mailboxes_removed,
        .mailboxes_turned = summary.mailboxes_turned,
        .moved = summary.moved,
        .text = why != NULL ? why : memory_copy_text("", 0),
    };
    if (next == NULL || dry || next == r->now) {
        snapshot_free(next);
    } else {
        int error = reload_remember(&r->config, r->now, next);
        if (error != 0)
            reload_cannot_remember(r, error);
        reload_publish(r, next);
        r->changed_at = reload_time();
    }
    out->generation = snapshot_generation(r->now);
    return next != NULL;
}
