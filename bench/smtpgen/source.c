/* SPDX-License-Identifier: BSD-3-Clause */
/* When sessions are opened and messages begun. */
#include "bench/smtpgen/source.h"

#include <stdlib.h>
#include <string.h>

#include "bench/smtpgen/session.h"

#define OPENED_PER_STEP 32
#define OPENING_MAX     512 /* connections without a banner: more would be a flood of SYNs */
#define PATIENCE        (5 * NSEC_PER_SEC) /* for what is under way when the source is stopped */

static uint64_t session_count(const struct source *s)
{
    return (uint64_t)s->config->sessions + s->config->idle_sessions;
}

static bool prepare_messages(struct source *s)
{
    const struct source_config *c = s->config;
    for (unsigned i = 0; i < c->sizes.count; i++) {
        s->weights += c->sizes.weight[i];
        if (!message_prepare(&s->messages[i], &s->engine->pools, c->sizes.size[i], c->from,
                             c->subject))
            return false;
    }
    return true;
}

/* Room for the recipients of session number i of those that send. */
static void give_room(struct session *s, uint64_t i)
{
    const struct source *source = s->source;
    uint32_t each = source->config->recipients;
    s->to = source->to + i * each;
    s->took = source->took != NULL ? source->took + i * each : NULL;
}

struct source *source_create(const struct source_config *config, struct engine *e,
                             struct report *report)
{
    struct source *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->config = config;
    s->engine = e;
    s->report = report;
    s->mail_len = smtp_format_mail(s->mail, sizeof(s->mail),
                                   (struct span){config->from, strlen(config->from)}, NULL);
    s->ehlo_len = smtp_format_ehlo(s->ehlo, sizeof(s->ehlo),
                                   (struct span){config->hostname, strlen(config->hostname)});
    s->random = config->seed | 1;
    TAILQ_INIT(&s->closed);
    TAILQ_INIT(&s->idle);
    report->open_loop = config->rate > 0;
    s->crowd = config->idle_sessions;
    uint64_t sessions = session_count(s);
    s->sessions = calloc(sessions, sizeof(*s->sessions));
    s->to = calloc((size_t)config->sessions * config->recipients, sizeof(*s->to));
    if (config->records != NULL) {
        s->took = calloc((size_t)config->sessions * config->recipients, sizeof(*s->took));
        s->recorded = calloc(config->recipients, sizeof(*s->recorded));
        s->names = config->number ? calloc(config->recipients, SMTP_LINE_MAX) : NULL;
    }
    bool kept = config->records == NULL ||
                (s->took != NULL && s->recorded != NULL && (s->names != NULL || !config->number));
    if (s->sessions == NULL || s->to == NULL || !kept || !prepare_messages(s)) {
        source_destroy(s);
        return NULL;
    }
    for (uint64_t i = 0; i < sessions; i++) {
        session_init(&s->sessions[i], s, i < config->idle_sessions);
        if (!s->sessions[i].crowd)
            give_room(&s->sessions[i], i - config->idle_sessions);
    }
    return s;
}

void source_destroy(struct source *s)
{
    for (unsigned i = 0; i < s->config->sizes.count; i++)
        message_release(&s->messages[i]);
    for (uint64_t i = 0; s->sessions != NULL && i < session_count(s); i++) {
        timer_disarm(&s->engine->wheel, &s->sessions[i].timer);
        if (s->sessions[i].stream != NULL) {
            stream_abort(s->sessions[i].stream);
            engine_flush(s->engine);
        }
    }
    free(s->sessions);
    free(s->to);
    free(s->took);
    free(s->recorded);
    free(s->names);
    free(s);
}

/* Is there something to open a connection for? In an open loop without kept connections that is
 * a message that is due. */
static bool wanted(struct source *s, const struct session *session, nsec_t now, nsec_t *due)
{
    const struct source_config *c = s->config;
    *due = now;
    if (session->crowd)
        return true;
    if (s->started == 0 || !source_may_begin(s))
        return false;
    return c->rate == 0 || c->keep || schedule_take(&s->schedule, now, due);
}

static void open_sessions(struct source *s, nsec_t now, unsigned *work)
{
    for (unsigned i = 0; i < OPENED_PER_STEP && now >= s->not_before && s->opening < OPENING_MAX;
         i++) {
        struct session *session = TAILQ_FIRST(&s->closed);
        nsec_t due;
        if (session == NULL || !wanted(s, session, now, &due))
            return;
        TAILQ_REMOVE(&s->closed, session, entry);
        if (!session_open(session, due)) {
            TAILQ_INSERT_HEAD(&s->closed, session, entry);
            s->not_before = now + SESSION_RETRY;
            return;
        }
        (*work)++;
    }
}

/* What is due, to the sessions that have nothing to do. */
static void send_due(struct source *s, nsec_t now, unsigned *work)
{
    struct session *session;
    nsec_t due;
    while ((session = TAILQ_FIRST(&s->idle)) != NULL && source_may_begin(s) &&
           schedule_take(&s->schedule, now, &due)) {
        TAILQ_REMOVE(&s->idle, session, entry);
        session_begin_message(session, due);
        (*work)++;
    }
    uint64_t waiting = schedule_waiting(&s->schedule, now);
    s->report->waiting_now = waiting;
    if (waiting > s->report->waiting_max)
        s->report->waiting_max = waiting;
}

/* Those that wait for messages will get none. */
static void dismiss_idle(struct source *s)
{
    struct session *session;
    while ((session = TAILQ_FIRST(&s->idle)) != NULL) {
        TAILQ_REMOVE(&s->idle, session, entry);
        session_leave(session);
    }
}

/* Time is up: what has not ended has failed. */
static void lose_all(struct source *s)
{
    for (uint64_t i = 0; i < session_count(s); i++) {
        if (s->sessions[i].stream != NULL && !s->sessions[i].crowd)
            session_lose(&s->sessions[i]);
    }
}

/* The clock starts when the idle crowd stands. */
static void start(struct source *s, nsec_t now)
{
    const struct source_config *c = s->config;
    s->started = now;
    s->counting = c->warm_up == 0;
    if (c->rate > 0)
        schedule_start(&s->schedule, c->rate, c->ramp, c->even, c->seed, now);
}

static void look_at_clock(struct source *s, nsec_t now)
{
    const struct source_config *c = s->config;
    if (!s->counting && now - s->started >= c->warm_up) {
        s->counting = true;
        report_restart(s->report);
    }
    if (c->duration > 0 && s->stop_at == 0 && now - s->started >= c->warm_up + c->duration)
        source_stop(s, now);
}

bool source_step(struct source *s, nsec_t now, unsigned *work)
{
    if (s->complaint != NULL && s->stop_at == 0)
        source_stop(s, now);
    if (s->started == 0 && s->crowd == 0)
        start(s, now);
    open_sessions(s, now, work);
    if (s->started == 0)
        return s->stop_at == 0;
    look_at_clock(s, now);
    if (s->config->rate > 0)
        send_due(s, now, work);
    if (!source_may_begin(s))
        dismiss_idle(s);
    if (s->stop_at > 0 && now >= s->stop_at)
        lose_all(s);
    return s->open > 0 || source_may_begin(s);
}

bool source_is_counting(const struct source *s)
{
    return s->counting;
}

const char *source_complaint(const struct source *s)
{
    return s->complaint;
}

void source_stop(struct source *s, nsec_t now)
{
    if (s->stop_at == 0)
        s->stop_at = now + PATIENCE;
}
