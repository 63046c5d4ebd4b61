/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Probes of external servers: is it there, and is it the right one? A probe asks for a recipient
 * that must exist (MAIL, RCPT, then RSET) before any mail is routed there; what it finds goes into
 * health.h.
 *
 * Until the server is up a probe is repeated after 1 s, 2 s, 4 s ... up to `verify_interval`, then
 * every `verify_interval`, each time with jitter. A refusal does not take a server down that was
 * verified: real mail decides; it is an alarm.
 *
 * Which probes a worker has changes with the snapshot. The control thread makes a list of them for
 * each worker, with the steps from the list before: the worker allocates nothing, and takes a few
 * steps in a round.
 */
#ifndef SPLITMX_RELAY_PROBE_H
#define SPLITMX_RELAY_PROBE_H

#include <stdbool.h>

#include "app/relay/health.h"
#include "drivers/base/check.h"

struct probe;
struct relay;

enum probe_step_kind {
    PROBE_START,
    PROBE_STOP,   /* its target is not there any more */
    PROBE_UPDATE, /* the same target, verified in another way */
};

struct probe_step {
    enum probe_step_kind kind;
    struct probe *probe;
    const struct probe_target *target; /* the snapshot's */
};

/* One worker's probes under one snapshot. */
struct probe_list {
    unsigned count;
    struct health **health; /* by number; NULL: not in use */
    unsigned step_count;
    struct probe_step *steps; /* from the list before */
};

/*
 * Control thread: the list for a snapshot, which takes over the probes of `old` (NULL: there is
 * none) that are still wanted. The worker must have come to the end of the old one's steps, and
 * must go on to no other list than this.
 */
struct probe_list *probe_list_new(const struct snapshot *s, const struct probe_list *old);

/* Free a list that the worker has left, and those of its probes that the next one (NULL: none) does
 * not have. */
void probe_list_free(struct probe_list *list, const struct probe_list *next);

/* Worker: go on to this list; its steps are still to be taken. */
void probes_adopt(struct relay *r, const struct probe_list *list);

/* Worker: take at most `limit` steps. True when there are none left. */
bool probes_settle(struct relay *r, unsigned limit);

/* Worker: stop probing; for shutdown. */
void probes_stop(struct relay *r);

#endif
