/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What turns files and commands into the snapshot in force, while mail flows.
 *
 * A reload reads everything that changed on disk again, in a thread of its own; then it is in force
 * as a whole, or nothing of it is. A change is a batch of mailboxes, in force when the call
 * returns; it stands in the snapshot's overlay until the background thread has folded it into the
 * compiled set.
 *
 * All functions are the control thread's.
 */
#ifndef SPLITMX_CONTROL_RELOAD_H
#define SPLITMX_CONTROL_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "app/route/address.h"
#include "app/route/amend.h"
#include "app/route/book.h"
#include "app/route/snapshot.h"
#include "drivers/base/check.h"

struct reload;

struct reload_config {
    const char *path;             /* of the INI */
    const struct config *running; /* as it was at the start: what cannot change until the next */
    const struct ip_addr *locals; /* the appliance's own addresses */
    unsigned local_count;
    struct names *names;
    unsigned worker_count;
    struct worker *const *workers;
    struct publisher *publisher;
    const char *grace_path; /* where moves are remembered, see grace_file.h; NULL: nowhere */
    /* Something for the operator that no report is about, in lines. */
    void (*say)(void *context, const char *text);
    void *context;
};

/* Pointers stay the caller's, and must stay. */
struct reload *reload_create(const struct reload_config *config);

/* False: there is work under way in the background that reads what the config pointed to: that must
 * stay until the process ends, which ends the work. NULL is allowed. */
MUST_CHECK bool reload_destroy(struct reload *r);

/* Every few ms: finish what the background thread has done, begin what was asked for. */
void reload_poll(struct reload *r);

/* What a reload or a batch did, or why it did nothing. */
struct report {
    bool done;           /* it is in force; false: nothing has changed */
    uint64_t generation; /* of the snapshot that is in force now */
    unsigned domains_added, domains_removed;
    uint64_t mailboxes_added, mailboxes_removed; /* exact entries */
    uint64_t mailboxes_turned;                   /* exact entries that have won or lost their `!` */
    uint64_t moved; /* mailboxes that changed sides: their destination is given move_grace */
    char *text; /* lines for the operator: errors where nothing was done, else notes; not NULL */
};
void report_free(struct report *r);

/* ------------------------------------------------------------------------------------ reload -- */

struct reload_options {
    bool force_shrink; /* max_shrink does not hold this time */
};

/* A reload has ended. The report is the engine's, until this returns. */
typedef void reload_done_fn(void *context, const struct report *report);

/*
 * Read again: the INI's domains and postmaster, and every mailbox file that has changed. `done` is
 * called from reload_poll(), in a while. A reload that is asked for while another is under way
 * begins when that has ended, and is one for all who asked meanwhile.
 */
void reload_start(struct reload *r, const struct reload_options *options, reload_done_fn *done,
                  void *context);

/*
 * While it is held no reload begins: a mailbox file that is being rewritten for a batch would be
 * read as it was before, and what is in force already would be lost.
 */
void reload_hold(struct reload *r, bool held);

/* Is a reload waiting for nothing but that? Then the next batch should wait for it to begin. */
bool reload_is_due(const struct reload *r);

/* ------------------------------------------------------------------------------------ change -- */

/*
 * Apply all or nothing, at once; `dry`: only report what it would do. What stands there already is
 * no error and no change; two changes of one address must be the same. False, with why in the
 * report's text, if an address is in no [domain NAME], or the program is shutting down. The mailbox
 * files are the caller's.
 */
MUST_CHECK bool change_apply(struct reload *r, const struct change *changes, uint32_t count,
                             bool dry, struct report *out);

/* ------------------------------------------------------------------------------------- state -- */

/* The snapshot in force: valid until the caller returns to the control thread's loop. For matching
 * there is scratch memory of its own: route_recipient(s, snapshot_control_scratch(s), ...). */
const struct snapshot *reload_snapshot(const struct reload *r);

/* The oldest generation by which any open transaction of any worker has a verdict, or which a
 * worker without one still uses: what was moved in generation g is over when this is at least g. */
uint64_t reload_oldest_in_use(const struct reload *r);

/* For status. */
struct reload_state {
    uint64_t generation;
    bool reloading, folding;
    uint32_t overlay; /* changes that are not folded in yet */
    uint64_t grace;   /* mailboxes within move_grace */
    uint64_t directory_bytes;
};
struct reload_state reload_state(const struct reload *r);

#endif
