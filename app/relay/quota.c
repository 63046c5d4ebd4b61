/* SPDX-License-Identifier: BSD-3-Clause */
/* Networks, their connections and their meters. */
#include "app/relay/quota.h"

#include <stdlib.h>
#include <sys/queue.h>

#include <rte_hash.h>
#include <rte_jhash.h>
#include <rte_meter.h>

#define REMEMBERED 16384 /* networks beyond those that have a session */
#define MINUTE     (60 * NSEC_PER_SEC)

#define PREFIX4_BYTES 15 /* of the mapped address: /24 */
#define PREFIX6_BYTES 7  /* /56 */

struct quota_network {
    TAILQ_ENTRY(quota_network) entry; /* in quiet, while it has no connections */
    struct ip_addr prefix;
    bool used; /* in by_prefix */
    uint32_t connections;
    struct rte_meter_srtcm meters[LIMIT_RATE_COUNT];
};

struct quotas {
    const struct settings *settings;
    bool any; /* is there a limit at all? */
    struct rte_hash *by_prefix;
    TAILQ_HEAD(, quota_network) quiet; /* the longest quiet first */
    struct rte_meter_srtcm_profile profiles[LIMIT_RATE_COUNT];
    struct quota_network all[];
};

static uint32_t capacity(const struct settings *s)
{
    return s->max_sessions + REMEMBERED;
}

static bool has_limits(const struct settings *s)
{
    bool any = s->network_connections > 0;
    for (unsigned i = 0; i < LIMIT_RATE_COUNT; i++)
        any = any || s->network_rates[i] > 0;
    return any;
}

uint64_t quota_memory(const struct settings *s)
{
    return has_limits(s) ? capacity(s) * (uint64_t)sizeof(struct quota_network) : 0;
}

struct quotas *quota_create(const struct settings *s, unsigned worker)
{
    uint32_t count = has_limits(s) ? capacity(s) : 0;
    struct quotas *l = calloc(1, sizeof(*l) + count * sizeof(l->all[0]));
    if (l == NULL)
        return NULL;
    l->settings = s;
    l->any = count > 0;
    TAILQ_INIT(&l->quiet);
    if (!l->any)
        return l;
    /* A meter's own configuration would count in cycles of the TSC: ours count nanoseconds that are
     * given to them, a token in each period. */
    for (unsigned i = 0; i < LIMIT_RATE_COUNT; i++) {
        if (s->network_rates[i] == 0)
            continue;
        l->profiles[i].cbs = s->network_rates[i];
        l->profiles[i].cir_period = MINUTE / s->network_rates[i];
        l->profiles[i].cir_bytes_per_period = 1;
    }
    for (uint32_t i = 0; i < count; i++)
        TAILQ_INSERT_TAIL(&l->quiet, &l->all[i], entry);
    char name[RTE_HASH_NAMESIZE];
    snprintf(name, sizeof(name), "quotas%u", worker);
    struct rte_hash_parameters parameters = {
        .name = name,
        .entries = 2 * count, /* half empty: a key finds a place */
        .key_len = sizeof(struct ip_addr),
        .hash_func = rte_jhash,
        .socket_id = SOCKET_ID_ANY,
    };
    l->by_prefix = rte_hash_create(&parameters);
    if (l->by_prefix != NULL)
        return l;
    quota_destroy(l);
    return NULL;
}

void quota_destroy(struct quotas *l)
{
    if (l == NULL)
        return;
    rte_hash_free(l->by_prefix);
    free(l);
}

static struct ip_addr prefix_of(const struct ip_addr *a)
{
    struct ip_addr prefix = {{0}};
    memcpy(prefix.b, a->b, ip_addr_is_v4(a) ? PREFIX4_BYTES : PREFIX6_BYTES);
    return prefix;
}

/* Full buckets. */
static void refill(struct quotas *l, struct quota_network *n, nsec_t now)
{
    for (unsigned i = 0; i < LIMIT_RATE_COUNT; i++)
        n->meters[i] = (struct rte_meter_srtcm){.time = now, .tc = l->profiles[i].cbs};
}

/* The network of an address; NULL if it has no place in the table. */
static struct quota_network *find(struct quotas *l, const struct ip_addr *client, nsec_t now)
{
    struct ip_addr prefix = prefix_of(client);
    void *found;
    if (rte_hash_lookup_data(l->by_prefix, &prefix, &found) >= 0)
        return found;
    struct quota_network *n = TAILQ_FIRST(&l->quiet);
    if (n == NULL)
        return NULL;
    if (n->used)
        rte_hash_del_key(l->by_prefix, &n->prefix);
    n->prefix = prefix;
    n->used = rte_hash_add_key_data(l->by_prefix, &prefix, n) == 0;
    refill(l, n, now);
    return n->used ? n : NULL;
}

static bool take(const struct rte_meter_srtcm_profile *profile, struct rte_meter_srtcm *meter,
                 nsec_t now)
{
    struct rte_meter_srtcm_profile p = *profile;
    return p.cbs == 0 || rte_meter_srtcm_color_blind_check(meter, &p, now, 1) == RTE_COLOR_GREEN;
}

bool quota_enter(struct quotas *l, const struct ip_addr *client, nsec_t now,
                 struct quota_network **network)
{
    const struct settings *s = l->settings;
    *network = NULL;
    if (!l->any || network_list_has(&s->limits_exempt, client))
        return true;
    struct quota_network *n = find(l, client, now);
    if (n == NULL)
        return true;
    if (s->network_connections > 0 && n->connections >= s->network_connections)
        return false;
    if (!quota_take(l, n, LIMIT_CONNECTION_RATE, now))
        return false;
    if (n->connections++ == 0)
        TAILQ_REMOVE(&l->quiet, n, entry);
    *network = n;
    return true;
}

void quota_leave(struct quotas *l, struct quota_network *network)
{
    if (network != NULL && --network->connections == 0)
        TAILQ_INSERT_TAIL(&l->quiet, network, entry);
}

bool quota_take(struct quotas *l, struct quota_network *network, enum limit_rate rate, nsec_t now)
{
    return network == NULL || take(&l->profiles[rate], &network->meters[rate], now);
}

bool quota_exceeded(const struct quotas *l, const struct quota_network *network,
                    enum limit_rate rate, nsec_t now)
{
    if (network == NULL)
        return false;
    struct rte_meter_srtcm meter = network->meters[rate];
    return !take(&l->profiles[rate], &meter, now);
}
