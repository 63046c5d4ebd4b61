/* SPDX-License-Identifier: BSD-3-Clause */
/* Legs that begin again. */
#include "app/relay/replay.h"

#include "app/relay/fanout.h"
#include "app/relay/state.h"

struct leg *replay_find_behind(const struct transaction *t)
{
    for (unsigned i = 0; i < t->leg_count; i++) {
        if (t->legs[i].behind)
            return (struct leg *)(uintptr_t)&t->legs[i];
    }
    return NULL;
}

nsec_t replay_deadline(const struct transaction *t)
{
    nsec_t when = t->replay_until;
    return t->end_at != 0 && t->content_until < when ? t->content_until : when;
}

static bool is_too_late(const struct transaction *t)
{
    return t->end_at != 0 && t->content_until <= t->relay->now;
}

/* Who holds other legs' connections must not wait for one in turn. */
static bool must_wait(const struct transaction *t, const struct leg *leg)
{
    return t->parties > 1 && !destination_has_room(leg->destination, &leg->claim.turn.parties);
}

/* Why not? RELAY_COUNTER_COUNT: it may be begun again. */
static enum relay_counter obstacle(const struct transaction *t, const struct leg *leg)
{
    if (t->client == NULL)
        return RELAY_REPLAY_NO_CLIENT;
    if (t->chunks.binary) /* what is kept has DATA's form */
        return RELAY_REPLAY_BINARY;
    if (leg->replayed)
        return RELAY_REPLAY_LOST_AGAIN;
    if (t->kept.state == KEPT_TOO_BIG)
        return RELAY_REPLAY_TOO_BIG;
    if (t->kept.state == KEPT_NO_MEMORY)
        return RELAY_REPLAY_NO_MEMORY;
    if (t->kept.state == KEPT_MENDED)
        return RELAY_REPLAY_MENDED;
    if (is_too_late(t))
        return RELAY_REPLAY_TOO_LATE;
    if (must_wait(t, leg))
        return RELAY_REPLAY_BUSY;
    return RELAY_COUNTER_COUNT;
}

/* The client's patience is for its content, not for a leg's second life: what waits for room has
 * done so since the last progress. */
static nsec_t waiting_since(const struct transaction *t)
{
    bool waits = t->state == TRANSACTION_CONTENT && timer_armed(&t->timer);
    return waits ? t->moved_at : t->relay->now;
}

void replay_begin(struct transaction *t)
{
    struct relay *r = t->relay;
    for (unsigned i = 0; i < t->leg_count && t->state != TRANSACTION_ENDED; i++) {
        struct leg *leg = &t->legs[i];
        if (leg->state != LEG_LOST)
            continue;
        enum relay_counter why_not = obstacle(t, leg);
        if (why_not != RELAY_COUNTER_COUNT) {
            relay_count(r, why_not);
            leg->state = LEG_REFUSED;
            continue;
        }
        relay_count(r, RELAY_REPLAYS);
        if (replay_behind(t) == NULL)
            t->replay_until = waiting_since(t) + r->settings->body_stall;
        t->replaying = true;
        leg_replay(leg);
    }
}

/* False: the leg has ended. */
static bool catch_up(struct transaction *t, struct leg *leg)
{
    struct slice slice;
    size_t room;
    if (t->begun && !leg->traced && !fanout_trace(t, leg))
        return false;
    while ((room = leg_room(leg)) > 0) {
        if (!kept_take(&t->kept, &leg->at, room < UINT32_MAX ? (uint32_t)room : UINT32_MAX,
                       &slice)) {
            leg->behind = false;
            relay_count(t->relay, RELAY_REPLAYED);
            if (t->state == TRANSACTION_COMMIT)
                leg_hold(leg);
            return true;
        }
        if (!leg_forward(leg, &slice))
            return false;
    }
    return true;
}

void replay_feed_behind(struct transaction *t)
{
    for (unsigned i = 0; i < t->leg_count; i++) {
        struct leg *leg = &t->legs[i];
        if (leg->behind && leg->state == LEG_OPEN && !catch_up(t, leg))
            return;
    }
}

bool replay_call_off(struct transaction *t)
{
    bool any = false;
    for (unsigned i = 0; i < t->leg_count; i++) {
        struct leg *leg = &t->legs[i];
        if (!leg->behind)
            continue;
        relay_count(t->relay, RELAY_REPLAY_NO_CLIENT);
        leg_abort(leg);
        leg->state = LEG_REFUSED;
        client_reply_set(&leg->reply, "451 4.4.2 The client has gone");
        any = true;
    }
    return any;
}
