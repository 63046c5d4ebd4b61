/* SPDX-License-Identifier: BSD-3-Clause */
/* The sum of memory that a configuration asks for. */
#include "app/memory.h"

#include <rte_memory.h>

#include "app/observe/maillog.h"
#include "app/relay/relay.h"
#include "drivers/ip/ip.h"
#include "drivers/tcp/tcp.h"

/* Buffers for processing headers and ACKs while everything else is pinned. */
#define RESERVE 1024

struct memory_plan memory_plan(const struct settings *s, const struct port_config *ports)
{
    struct memory_plan plan = {.pools = {
                                   .socket = SOCKET_ID_ANY,
                                   .reserve = RESERVE,
                                   .packets_out = IP_MAX_WAITING,
                               }};
    for (unsigned i = 0; i < s->port_count; i++) {
        struct port_sum port = port_sum(&ports[i]);
        plan.pools.rings += port.rings;
        plan.pools.packets_out += port.packets_out;
        if (port.data_room > plan.pools.data_room)
            plan.pools.data_room = port.data_room;
    }
    struct pools_sum empty = pools_sum(&plan.pools);
    plan.buffer = empty.data_bytes / empty.data_count;
    plan.pools.budget = (uint32_t)(s->budget / plan.buffer);
    plan.sum = pools_sum(&plan.pools);
    plan.objects = relay_memory(s) + (uint64_t)s->max_recipients * sizeof(struct mail_record);
    plan.tcp = tcp_memory(s->max_connections, s->max_connections, plan.sum.data_count);
    plan.bytes = s->workers * (plan.sum.bytes + plan.objects);
    return plan;
}

static double mib(uint64_t bytes)
{
    return (double)bytes / (1024 * 1024);
}

void memory_print(const struct memory_plan *plan, const struct settings *s, FILE *out)
{
    const struct pools_config *p = &plan->pools;
    fprintf(out, "packet memory of a worker, in buffers of %lu bytes:\n", plan->buffer);
    fprintf(out, "  RX and TX rings of all ports  %8u  %9.1f MiB\n", p->rings,
            mib(p->rings * plan->buffer));
    fprintf(out, "  caches                        %8u  %9.1f MiB\n",
            plan->sum.data_count - p->rings - p->budget - p->reserve,
            mib((plan->sum.data_count - p->rings - p->budget - p->reserve) * plan->buffer));
    fprintf(out, "  budget for connections        %8u  %9.1f MiB\n", p->budget,
            mib(p->budget * plan->buffer));
    fprintf(out, "  reserve                       %8u  %9.1f MiB\n", p->reserve,
            mib(p->reserve * plan->buffer));
    fprintf(out, "  headers and references        %8u  %9.1f MiB\n",
            plan->sum.header_count + plan->sum.indirect_count,
            mib(plan->sum.header_bytes + plan->sum.indirect_bytes));
    fprintf(out, "sessions, recipients, log records         %9.1f MiB\n", mib(plan->objects));
    fprintf(out, "connections and their queues              %9.1f MiB\n", mib(plan->tcp));
    struct tcp_footprint each = tcp_footprint(s->max_connections, s->max_connections);
    fprintf(
        out,
        "  %u bytes for an idle session, %u of them for its connection; %u for one in TIME-WAIT\n",
        each.connection + relay_session_memory(), each.connection, each.time_wait);
    fprintf(out, "%u worker(s), sum                         %9.1f MiB\n", s->workers,
            mib(plan->bytes + s->workers * plan->tcp));
}
