/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a destination's servers are, and which of them is asked.
 *
 * A connection goes to a target of the lowest priority at which one can be reached, as far as is
 * known, each as often as its weight says. One that could not be reached, or did not greet, is
 * passed over for TARGET_PAUSE, twice as long with each failure more, up to TARGET_PAUSE_MAX; then
 * one connection tries it again. Where none is left, the one is tried whose time comes first.
 */
#ifndef SPLITMX_RELAY_TARGETS_H
#define SPLITMX_RELAY_TARGETS_H

#include <stdbool.h>
#include <stdint.h>

#include "app/route/servers.h"
#include "drivers/base/addr.h"
#include "drivers/base/timer.h"

#define TARGET_PAUSE     (10 * NSEC_PER_SEC)
#define TARGET_PAUSE_MAX (320 * NSEC_PER_SEC)

enum target_state {
    TARGET_UNTRIED, /* neither has it greeted nor failed */
    TARGET_UP,
    TARGET_DOWN, /* it has failed, and has not greeted since */
};
const char *target_state_text(enum target_state state);

struct target {
    struct endpoint at;
    uint16_t priority, weight;
    enum target_state state;
    nsec_t usable_at; /* not before: it has failed */
    nsec_t pause;     /* after the last failure; 0: it is well */
};

struct targets {
    struct servers servers;         /* never changed once started */
    uint32_t changes;               /* odd while the list is written to, for targets_copy() */
    uint32_t versions[SERVERS_MAX]; /* of their names' addresses, as read */
    uint32_t count;                 /* 0: no name has an address */
    struct target list[SERVERS_MAX];
};

void targets_start(struct targets *t, const struct servers *servers);

/* Take over what has been looked up since. What is known of targets that stay is kept. False: there
 * is nothing new. */
bool targets_renew(struct targets *t);

/* Is one of them worth a connection now? */
bool targets_any_usable(const struct targets *t, nsec_t now);

/* The one for a new connection, of at least one: by `random` among those that are alike. It counts
 * as tried. */
unsigned targets_choose(struct targets *t, nsec_t now, uint64_t random);

/* The target at that address and port; t->count: it is none any more. */
unsigned targets_find(const struct targets *t, const struct endpoint *at);

/* Should a connection to this one (t->count: to none) rather go to another one? */
bool targets_have_better(const struct targets *t, unsigned target, nsec_t now);

/* It has failed, or greeted. True if that is news. */
bool targets_note_failure(struct targets *t, unsigned target, nsec_t now);
bool targets_note_success(struct targets *t, unsigned target);

/* Any thread, while the worker goes on with `t`: the list as it is. Times may be of any moment. */
void targets_copy(const struct targets *t, struct targets *out);

/* Take over what is known of the targets that are in both. */
void targets_recall(struct targets *t, const struct targets *known);

#endif
