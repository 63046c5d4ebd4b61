/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything that is counted, of every part of the appliance. */
#include "app/control/statistics.h"

#include <stdio.h>
#include <time.h>

#include <rte_mempool.h>

#include "app/control/context.h"
#include "drivers/ip/ip.h"

static void port_stats(struct stats *s, const struct port_settings *settings, const struct port *p)
{
    uint64_t values[PORT_COUNTER_COUNT];
    port_counters(p, values);
    stats_counters(s, settings->name, &port_counter_list, values);
}

static void usage_stats(struct stats *s, const struct worker *w)
{
    const struct pools *pools = worker_pools(w);
    struct tcp_usage tcp = tcp_usage(worker_tcp(w));
    struct relay_usage relay = relay_usage(worker_relay(w));
    stats_open(s, "usage");
    stats_number(s, "sessions", relay.sessions);
    stats_number(s, "transactions", relay.transactions);
    stats_number(s, "recipients", relay.recipients);
    stats_number(s, "destination_connections", relay.connections);
    stats_number(s, "destination_connections_idle", relay.connections_idle);
    stats_number(s, "tcp_connections", tcp.connections);
    stats_number(s, "tcp_half_open", tcp.half_open);
    stats_number(s, "tcp_time_wait", tcp.time_wait);
    stats_number(s, "tcp_orphans", tcp.orphans);
    stats_number(s, "log_records", maillog_in_use(worker_log(w)));
    stats_number(s, "buffers", pools->data_count);
    stats_number(s, "buffers_in_use", rte_mempool_in_use_count(pools->data));
    stats_number(s, "buffers_pinned", pools->in_use);
    stats_number(s, "buffers_promised", pools->promised);
    stats_number(s, "headers_in_use", rte_mempool_in_use_count(pools->header));
    stats_number(s, "references_in_use", rte_mempool_in_use_count(pools->indirect));
    stats_close(s);
}

static void worker_stats(struct stats *s, unsigned index, const struct worker *w)
{
    char name[16];
    snprintf(name, sizeof(name), "%u", index);
    stats_open(s, name);
    stats_counters(s, "relay", &relay_counter_list, relay_counters(worker_relay(w)));
    stats_counters(s, "tcp", &tcp_counter_list, tcp_counters(worker_tcp(w)));
    stats_counters(s, "ip", &ip_counter_list, ip_counters(worker_ip(w)));
    stats_counters(s, "worker", &worker_counter_list, worker_counters(w));
    usage_stats(s, w);
    stats_number(s, "notices_dropped", maillog_notices_dropped(worker_log(w)));
    stats_close(s);
}

static void reload_stats(struct stats *s, const struct reload *r)
{
    struct reload_state state = reload_state(r);
    stats_open(s, "snapshot");
    stats_number(s, "generation", state.generation);
    stats_number(s, "oldest_generation", reload_oldest_in_use(r));
    stats_number(s, "mailboxes", snapshot_mailbox_count(reload_snapshot(r)));
    stats_number(s, "changes_not_compiled", state.overlay);
    stats_number(s, "within_move_grace", state.grace);
    stats_number(s, "directory_bytes", state.directory_bytes);
    stats_close(s);
}

struct stats *statistics(const struct control *c)
{
    struct stats *s = stats_new();
    uint64_t now = (uint64_t)time(NULL);
    stats_text(s, "program", "splitmx " SPLITMX_VERSION);
    stats_text(s, "hostname", c->settings->hostname);
    stats_number(s, "time", now);
    stats_number(s, "uptime", now - c->started);
    reload_stats(s, c->reload);
    stats_open(s, "ports");
    for (unsigned i = 0; i < c->settings->port_count; i++)
        port_stats(s, &c->settings->ports[i], c->ports[i]);
    stats_close(s);
    stats_open(s, "workers");
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_stats(s, i, c->workers[i]);
    stats_close(s);
    return s;
}
