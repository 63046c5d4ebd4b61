/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of the external servers. */
#include "app/relay/health.h"

#include "app/relay/probe.h"
#include "app/relay/state.h"

const char *health_state_text(enum health_state state)
{
    static const char *const texts[] = {"unverified", "up", "down"};
    return texts[state];
}

/* Every change of state goes through here. */
static void become(struct health *h, enum health_state state)
{
    char servers[SERVERS_TEXT_SIZE];
    if (h->state == state)
        return;
    maillog_notice(h->relay->log, h->relay->wall, "external server %s: %s -> %s",
                   servers_format(&h->target.servers, servers), health_state_text(h->state),
                   health_state_text(state));
    h->state = state;
}

static void tell(struct health *h)
{
    if (h->changed != NULL)
        h->changed(h);
}

static struct health *find(const struct relay *r, uint16_t probe)
{
    return probe < r->probes->count ? r->probes->health[probe] : NULL;
}

bool health_is_up(const struct relay *r, uint16_t probe)
{
    if (probe == ROUTE_NO_PROBE)
        return true;
    const struct health *h = find(r, probe);
    return h != NULL && h->state == HEALTH_UP;
}

void health_accepted(struct health *h)
{
    h->failures = 0;
    become(h, HEALTH_UP);
    tell(h);
}

void health_note_accept(struct relay *r, uint16_t probe)
{
    struct health *h = find(r, probe);
    if (h != NULL && h->relay != NULL)
        health_accepted(h);
}

static void fail(struct health *h)
{
    if (h->failures < h->target.fall)
        h->failures++;
    if (h->state != HEALTH_UP || h->failures < h->target.fall)
        return;
    become(h, HEALTH_DOWN);
    tell(h);
}

void health_note_failure(struct relay *r, const struct servers *servers)
{
    for (unsigned i = 0; i < r->probes->count; i++) {
        struct health *h = r->probes->health[i];
        if (h != NULL && h->target.servers.id == servers->id)
            fail(h);
    }
}
