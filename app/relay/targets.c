/* SPDX-License-Identifier: BSD-3-Clause */
/* The choice among a destination's servers. */
#include "app/relay/targets.h"

#include <string.h>

const char *target_state_text(enum target_state state)
{
    static const char *const texts[] = {"untried", "up", "down"};
    return texts[state];
}

/* ------------------------------------------------------------------------------------ change -- */

static void change(struct targets *t)
{
    __atomic_store_n(&t->changes, t->changes + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void changed(struct targets *t)
{
    __atomic_store_n(&t->changes, t->changes + 1, __ATOMIC_RELEASE);
}

void targets_copy(const struct targets *t, struct targets *out)
{
    uint32_t before;
    do {
        before = __atomic_load_n(&t->changes, __ATOMIC_ACQUIRE);
        *out = *t;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (before % 2 != 0 || __atomic_load_n(&t->changes, __ATOMIC_RELAXED) != before);
}

/* ------------------------------------------------------------------------------------ expand -- */

static void add(struct targets *t, const struct server *server, const struct ip_addr *addr)
{
    struct endpoint at = {*addr, server->at.port};
    if (t->count < SERVERS_MAX && targets_find(t, &at) == t->count)
        t->list[t->count++] =
            (struct target){.at = at, .priority = server->priority, .weight = server->weight};
}

static void add_name(struct targets *t, unsigned server)
{
    struct addresses all;
    t->versions[server] = 0;
    if (!name_read(t->servers.list[server].name, &t->versions[server], &all))
        return; /* it has none, or is being written: then it differs next time, too */
    for (uint32_t i = 0; i < all.count; i++)
        add(t, &t->servers.list[server], &all.list[i]);
}

/* Servers are in order of their priority, and so are their targets. */
static void expand(struct targets *t)
{
    t->count = 0;
    for (unsigned i = 0; i < t->servers.count; i++) {
        if (t->servers.list[i].name != NULL)
            add_name(t, i);
        else
            add(t, &t->servers.list[i], &t->servers.list[i].at.addr);
    }
}

void targets_start(struct targets *t, const struct servers *servers)
{
    memset(t, 0, sizeof(*t));
    t->servers = *servers;
    expand(t);
}

static bool is_stale(const struct targets *t)
{
    struct addresses ignored;
    for (unsigned i = 0; i < t->servers.count; i++) {
        uint32_t version = t->versions[i];
        if (t->servers.list[i].name != NULL &&
            name_read(t->servers.list[i].name, &version, &ignored))
            return true;
    }
    return false;
}

void targets_recall(struct targets *t, const struct targets *known)
{
    for (unsigned i = 0; i < t->count; i++) {
        unsigned had = targets_find(known, &t->list[i].at);
        if (had == known->count)
            continue;
        t->list[i].state = known->list[had].state;
        t->list[i].usable_at = known->list[had].usable_at;
        t->list[i].pause = known->list[had].pause;
    }
}

bool targets_renew(struct targets *t)
{
    if (!is_stale(t))
        return false;
    struct targets old = *t;
    change(t);
    expand(t);
    targets_recall(t, &old);
    changed(t);
    return true;
}

/* ------------------------------------------------------------------------------------ choose -- */

unsigned targets_find(const struct targets *t, const struct endpoint *at)
{
    unsigned i = 0;
    while (i < t->count && !endpoint_equal(&t->list[i].at, at))
        i++;
    return i;
}

static bool is_usable(const struct target *t, nsec_t now)
{
    return t->usable_at <= now;
}

bool targets_any_usable(const struct targets *t, nsec_t now)
{
    for (unsigned i = 0; i < t->count; i++)
        if (is_usable(&t->list[i], now))
            return true;
    return false;
}

/* Of the usable ones of the lowest priority; t->count: there is none. */
static unsigned choose_usable(const struct targets *t, nsec_t now, uint64_t random)
{
    unsigned first = 0, end;
    uint64_t weights = 0;
    while (first < t->count && !is_usable(&t->list[first], now))
        first++;
    for (end = first; end < t->count && t->list[end].priority == t->list[first].priority; end++)
        weights += is_usable(&t->list[end], now) ? t->list[end].weight : 0;
    uint64_t point = weights > 0 ? random % weights : 0;
    for (unsigned i = first; i < end; i++) {
        if (!is_usable(&t->list[i], now))
            continue;
        if (point < t->list[i].weight)
            return i;
        point -= t->list[i].weight;
    }
    return t->count;
}

unsigned targets_choose(struct targets *t, nsec_t now, uint64_t random)
{
    unsigned chosen = choose_usable(t, now, random);
    if (chosen == t->count) {
        chosen = 0;
        for (unsigned i = 1; i < t->count; i++)
            if (t->list[i].usable_at < t->list[chosen].usable_at)
                chosen = i;
    }
    if (t->list[chosen].pause > 0)
        t->list[chosen].usable_at = now + t->list[chosen].pause;
    return chosen;
}

bool targets_have_better(const struct targets *t, unsigned target, nsec_t now)
{
    for (unsigned i = 0; i < t->count; i++) {
        if (target < t->count && t->list[i].priority >= t->list[target].priority)
            return false;
        if (is_usable(&t->list[i], now))
            return true;
    }
    return false;
}

bool targets_note_failure(struct targets *t, unsigned target, nsec_t now)
{
    if (target == t->count)
        return false;
    struct target *failed = &t->list[target];
    bool news = failed->state != TARGET_DOWN;
    change(t);
    failed->state = TARGET_DOWN;
    failed->pause = news ? TARGET_PAUSE : 2 * failed->pause;
    if (failed->pause > TARGET_PAUSE_MAX)
        failed->pause = TARGET_PAUSE_MAX;
    failed->usable_at = now + failed->pause;
    changed(t);
    return news;
}

bool targets_note_success(struct targets *t, unsigned target)
{
    if (target == t->count)
        return false;
    bool news = t->list[target].state == TARGET_DOWN;
    change(t);
    t->list[target].state = TARGET_UP;
    t->list[target].usable_at = t->list[target].pause = 0;
    changed(t);
    return news;
}
