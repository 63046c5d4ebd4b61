/* SPDX-License-Identifier: BSD-3-Clause */
/* Probes of external servers. */
#include "app/relay/probe.h"

#include <stdlib.h>

#include "app/relay/destination.h"
#include "app/relay/health.h"
#include "app/relay/state.h"
#include "app/smtp/format.h"

#define FIRST_RETRY NSEC_PER_SEC /* doubles up to the probe's interval */

struct probe {
    struct relay *relay;
    struct health *health;
    const struct probe_target *target;
    nsec_t retry;       /* the next wait while there is no success */
    struct timer timer; /* the next probe; while one is under way: its bound */
    struct claim claim;
    bool under_way;
};

static const struct connection_user_ops probe_ops;

/* The next probe, in a while that is not the same for all. */
static void schedule(struct probe *p)
{
    struct relay *r = p->relay;
    nsec_t wait = p->target->interval;
    if (p->health->state != HEALTH_UP || p->health->failures > 0) {
        wait = p->retry < wait ? p->retry : wait;
        p->retry = 2 * wait;
    }
    timer_arm(r->wheel, &p->timer, r->now + relay_jitter(r, wait));
}

/* The server was found up or has gone down, by a probe or by real mail. */
static void on_health(struct health *h, void *prober)
{
    struct probe *p = prober;
    (void)h;
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
    relay_count(p->relay, RELAY_PROBES_ACCEPTED);
    health_note_accept(p->relay, (uint16_t)(p->health - p->relay->health));
}

static void probe_lost(void *user, enum connection_loss why)
{
    struct probe *p = user;
    relay_count(p->relay, RELAY_PROBES_FAILED);
    (void)why; /* health knows already what failed before it was usable */
    finish(p);
}

static void refused(struct probe *p, const struct smtp_reply *reply)
{
    char server[ADDR_TEXT_SIZE];
    struct relay *r = p->relay;
    struct span message = smtp_reply_message(reply);
    relay_count(r, RELAY_PROBES_REFUSED);
    relay_alarm(r, "external server %s (%s) refuses the verification address <%s>: %u %.*s",
                endpoint_format(&p->target->server, server), health_state_text(p->health->state),
                p->target->recipient, reply->code, (int)message.len, message.at);
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
    struct span sender = {p->target->sender, strlen(p->target->sender)};
    if (p->target->recipient[0] == '\0') {
        succeed(p);
        end(p, c, true);
        return;
    }
    if (!connection_command(
            c, EXCHANGE_MAIL, NULL, line,
            smtp_format_mail(line, sizeof(line), sender, 0, SMTP_BODY_UNSPECIFIED))) {
        end(p, c, false);
    }
}

static void probe_reply(void *user, struct connection *c, enum exchange what,
                        struct recipient *rcpt, const struct smtp_reply *reply)
{
    struct probe *p = user;
    char line[SMTP_LINE_MAX];
    struct span recipient = {p->target->recipient, strlen(p->target->recipient)};
    bool accepted = reply->code / 100 == 2;
    (void)rcpt;
    if (!accepted) {
        refused(p, reply);
    } else if (what == EXCHANGE_MAIL) {
        if (connection_command(c, EXCHANGE_RCPT, NULL, line,
                               smtp_format_rcpt(line, sizeof(line), recipient)))
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
    relay_count(p->relay, RELAY_PROBES_FAILED);
    connection_abort(c);
    finish(p);
}

static void probe_acked(void *user, struct connection *c)
{
    (void)user, (void)c;
}

static void probe_begin(struct probe *p)
{
    struct relay *r = p->relay;
    struct destination *d = destination_find(r->destinations, &p->target->server);
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
    relay_count(p->relay, RELAY_PROBES_FAILED);
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

bool probes_start(struct relay *r)
{
    r->probes = calloc(r->health_count > 0 ? r->health_count : 1, sizeof(*r->probes));
    if (r->probes == NULL)
        return false;
    for (unsigned i = 0; i < r->health_count; i++) {
        struct probe *p = &r->probes[i];
        p->relay = r;
        p->health = &r->health[i];
        p->health->changed = on_health;
        p->health->prober = p;
        p->target = p->health->target;
        p->retry = FIRST_RETRY;
        timer_init(&p->timer, on_timer);
        timer_arm(r->wheel, &p->timer, r->now);
    }
    return true;
}

void probes_stop(struct relay *r)
{
    for (unsigned i = 0; i < r->health_count; i++) {
        r->health[i].changed = NULL;
        probe_give_up(&r->probes[i]);
        timer_disarm(r->wheel, &r->probes[i].timer);
    }
}

void probes_free(struct relay *r)
{
    free(r->probes);
    r->probes = NULL;
}
