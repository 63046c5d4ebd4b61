/* SPDX-License-Identifier: BSD-3-Clause */
/* Probes of external servers. */
#include "app/relay/probe.h"

#include <stdlib.h>

#include "app/relay/destination.h"
#include "app/relay/health.h"
#include "app/relay/state.h"
#include "app/smtp/format.h"
#include "config/memory.h"

#define FIRST_RETRY NSEC_PER_SEC /* doubles up to the probe's interval */

struct probe {
    struct health health;
    nsec_t retry;       /* the next wait while there is no success */
    struct timer timer; /* the next probe; while one is under way: its bound */
    struct claim claim;
    bool under_way;
};

static const struct connection_user_ops probe_ops;

/* The next probe, in a while that is not the same for all. */
static void schedule(struct probe *p)
{
    struct relay *r = p->health.relay;
    nsec_t wait = p->health.target.interval;
    if (p->health.state != HEALTH_UP || p->health.failures > 0) {
        wait = p->retry < wait ? p->retry : wait;
        p->retry = 2 * wait;
    }
    timer_arm(r->wheel, &p->timer, r->now + relay_jitter(r, wait));
}

/* The server was found up or has gone down, by a probe or by real mail. */
static void on_health(struct health *h)
{
    struct probe *p = CONTAINER_OF(h, struct probe, health);
    p->retry = FIRST_RETRY;
    if (!p->under_way)
        schedule(p);
}

static void finish(struct probe *p)
{
    p->under_way = false;
    p->claim.connection = NULL;
    schedule(p);
}

static void succeed(struct probe *p)
{
    relay_count(p->health.relay, RELAY_PROBES_ACCEPTED);
    health_accepted(&p->health);
}

static void probe_lost(void *user, enum connection_loss why)
{
    struct probe *p = user;
    relay_count(p->health.relay, RELAY_PROBES_FAILED);
    (void)why; /* health knows already what failed before it was usable */
    finish(p);
}

static void refused(struct probe *p, const struct smtp_reply *reply)
{
    char servers[SERVERS_TEXT_SIZE];
    struct relay *r = p->health.relay;
    struct span message = smtp_reply_message(reply);
    relay_count(r, RELAY_PROBES_REFUSED);
    relay_alarm(r, "external server %s (%s) refuses the verification address <%s>: %u %.*s",
                servers_format(&p->health.target.servers, servers),
                health_state_text(p->health.state), p->health.target.recipient, reply->code,
                (int)message.len, message.at);
}

static void end(struct probe *p, struct connection *c, bool clean)
{
    connection_release(c, clean);
    finish(p);
}

static void probe_ready(void *user, struct connection *c)
{
    struct probe *p = user;
    char line[SMTP_LINE_MAX];
    struct span sender = {p->health.target.sender, strlen(p->health.target.sender)};
    if (p->health.target.recipient[0] == '\0') {
        succeed(p);
        end(p, c, true);
        return;
    }
    if (!connection_command(c, EXCHANGE_MAIL, NULL, line,
                            smtp_format_mail(line, sizeof(line), sender, NULL))) {
        end(p, c, false);
    }
}

static void probe_reply(void *user, struct connection *c, enum exchange what,
                        struct recipient *rcpt, const struct smtp_reply *reply)
{
    struct probe *p = user;
    char line[SMTP_LINE_MAX];
    struct span recipient = {p->health.target.recipient, strlen(p->health.target.recipient)};
    bool accepted = reply->code / 100 == 2;
    (void)rcpt;
    if (!accepted) {
        refused(p, reply);
    } else if (what == EXCHANGE_MAIL) {
        if (connection_command(c, EXCHANGE_RCPT, NULL, line,
                               smtp_format_rcpt(line, sizeof(line), recipient, false, NULL)))
            return;
    } else {
        succeed(p);
    }
    end(p, c, false);
}

static void probe_spoke(void *user, struct connection *c, const struct smtp_reply *reply)
{
    struct probe *p = user;
    (void)reply;
    relay_count(p->health.relay, RELAY_PROBES_FAILED);
    connection_abort(c);
    finish(p);
}

static void probe_acked(void *user, struct connection *c)
{
    (void)user, (void)c;
}

static void probe_begin(struct probe *p)
{
    struct relay *r = p->health.relay;
    struct destination *d =
        destination_find(r->destinations, &p->health.target.servers, p->health.target.identity);
    if (d == NULL) {
        schedule(p);
        return;
    }
    relay_count(r, RELAY_PROBES);
    p->under_way = true;
    timer_arm(r->wheel, &p->timer, r->now + r->settings->rcpt);
    p->claim.ops = &probe_ops;
    p->claim.user = p;
    claim_connection(d, &p->claim, false);
}

static void probe_give_up(struct probe *p)
{
    if (!p->under_way)
        return;
    struct connection *c = p->claim.connection;
    if (c != NULL && c->state == CONNECTION_IN_USE)
        connection_abort(c);
    else
        claim_cancel(&p->claim);
    relay_count(p->health.relay, RELAY_PROBES_FAILED);
    finish(p);
}

static void on_timer(struct timer *t, nsec_t now)
{
    struct probe *p = CONTAINER_OF(t, struct probe, timer);
    (void)now;
    if (p->under_way)
        probe_give_up(p);
    else
        probe_begin(p);
}

static const struct connection_user_ops probe_ops = {
    .ready = probe_ready,
    .reply = probe_reply,
    .spoke = probe_spoke,
    .acked = probe_acked,
    .lost = probe_lost,
};

/* -------------------------------------------------------------------------------------- lists --
 */

static struct probe *probe_new(const struct probe_target *target)
{
    struct probe *p = memory_new(1, sizeof(*p));
    p->health.target = *target;
    timer_init(&p->timer, on_timer);
    return p;
}

static void add_step(struct probe_list *list, enum probe_step_kind kind, struct health *h,
                     const struct probe_target *target)
{
    list->steps = memory_grow(list->steps, list->step_count, sizeof(*list->steps));
    list->steps[list->step_count++] =
        (struct probe_step){kind, CONTAINER_OF(h, struct probe, health), target};
}

static bool verified_alike(const struct probe_target *a, const struct probe_target *b)
{
    return a->interval == b->interval && a->fall == b->fall && strcmp(a->sender, b->sender) == 0;
}

struct probe_list *probe_list_new(const struct snapshot *s, const struct probe_list *old)
{
    struct probe_list *list = memory_new(1, sizeof(*list));
    list->count = snapshot_probe_count(s);
    list->health = memory_new(list->count, sizeof(struct health *));
    for (unsigned i = 0; i < list->count; i++) {
        const struct probe_target *target = snapshot_probe(s, i);
        struct health *had = old != NULL && i < old->count ? old->health[i] : NULL;
        if (target == NULL) {
            if (had != NULL)
                add_step(list, PROBE_STOP, had, NULL);
            continue;
        }
        list->health[i] = had != NULL ? had : &probe_new(target)->health;
        if (had == NULL)
            add_step(list, PROBE_START, list->health[i], target);
        else if (!verified_alike(&had->target, target))
            add_step(list, PROBE_UPDATE, had, target);
    }
    return list;
}

void probe_list_free(struct probe_list *list, const struct probe_list *next)
{
    if (list == NULL)
        return;
    for (unsigned i = 0; i < list->count; i++) {
        struct health *kept = next != NULL && i < next->count ? next->health[i] : NULL;
        if (list->health[i] != NULL && list->health[i] != kept)
            free(CONTAINER_OF(list->health[i], struct probe, health));
    }
    free(list->health);
    free(list->steps);
    free(list);
}

static void start(struct relay *r, struct probe *p)
{
    p->health.relay = r;
    p->health.changed = on_health;
    p->retry = FIRST_RETRY;
    timer_arm(r->wheel, &p->timer, r->now);
}

static void stop(struct probe *p)
{
    if (p->health.relay == NULL)
        return; /* it never started: the shutdown came first */
    p->health.changed = NULL;
    probe_give_up(p);
    timer_disarm(p->health.relay->wheel, &p->timer);
}

static void take_step(struct relay *r, const struct probe_step *step)
{
    switch (step->kind) {
    case PROBE_START:
        if (!r->shutting_down)
            start(r, step->probe);
        break;
    case PROBE_STOP:
        stop(step->probe);
        break;
    case PROBE_UPDATE:
        step->probe->health.target = *step->target;
        break;
    }
}

void probes_adopt(struct relay *r, const struct probe_list *list)
{
    r->probes = list;
    r->probe_steps = 0;
}

bool probes_settle(struct relay *r, unsigned limit)
{
    for (; limit > 0 && r->probe_steps < r->probes->step_count; limit--)
        take_step(r, &r->probes->steps[r->probe_steps++]);
    return r->probe_steps == r->probes->step_count;
}

void probes_stop(struct relay *r)
{
    for (unsigned i = 0; i < r->probes->count; i++) {
        if (r->probes->health[i] != NULL)
            stop(CONTAINER_OF(r->probes->health[i], struct probe, health));
    }
}
