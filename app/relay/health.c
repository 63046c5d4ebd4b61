/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of the external servers. */
#include "app/relay/health.h"

#include <stdlib.h>

#include "app/relay/state.h"

bool health_start(struct relay *r)
{
    r->health_count = snapshot_probe_count(r->snapshot);
    r->health = calloc(r->health_count > 0 ? r->health_count : 1, sizeof(*r->health));
    if (r->health == NULL)
        return false;
    for (unsigned i = 0; i < r->health_count; i++) {
        r->health[i].relay = r;
        r->health[i].target = snapshot_probe(r->snapshot, i);
    }
    return true;
}

void health_stop(struct relay *r)
{
    free(r->health);
    r->health = NULL;
}

const char *health_state_text(enum health_state state)
{
    static const char *const texts[] = {"unverified", "up", "down"};
    return texts[state];
}

/* Every change of state goes through here. */
static void become(struct health *h, enum health_state state)
{
    char server[ADDR_TEXT_SIZE];
    if (h->state == state)
        return;
    maillog_notice(h->relay->log, h->relay->wall, "external server %s: %s -> %s",
                   endpoint_format(&h->target->server, server), health_state_text(h->state),
                   health_state_text(state));
    h->state = state;
}

static void tell(struct health *h)
{
    if (h->changed != NULL)
        h->changed(h, h->prober);
}

bool health_is_up(const struct relay *r, uint16_t probe)
{
    return probe == ROUTE_NO_PROBE || r->health[probe].state == HEALTH_UP;
}

void health_note_accept(struct relay *r, uint16_t probe)
{
    if (probe == ROUTE_NO_PROBE)
        return;
    struct health *h = &r->health[probe];
    h->failures = 0;
    become(h, HEALTH_UP);
    tell(h);
}

static void fail(struct health *h)
{
    if (h->failures < h->target->fall)
        h->failures++;
    if (h->state != HEALTH_UP || h->failures < h->target->fall)
        return;
    become(h, HEALTH_DOWN);
    tell(h);
}

void health_note_failure(struct relay *r, const struct endpoint *server)
{
    for (unsigned i = 0; i < r->health_count; i++) {
        if (endpoint_equal(&r->health[i].target->server, server))
            fail(&r->health[i]);
    }
}
