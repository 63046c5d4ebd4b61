/* SPDX-License-Identifier: BSD-3-Clause */
/* Bringing up a port and a stack, and their rounds. */
#include "bench/smtpgen/engine.h"

#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>

#include <rte_cycles.h>

#include "drivers/port/device.h"

#define NAP             (50 * NSEC_PER_USEC)
#define LOOK_AT_LINK    (100 * NSEC_PER_MSEC)
#define RESERVE         1024
#define NEIGHBOURS      1024
#define REASSEMBLY      16
#define TIME_WAIT       65536
#define EPHEMERAL_FIRST 1024
#define EPHEMERAL_LAST  65535

static nsec_t from_cycles(uint64_t cycles)
{
    uint64_t scale = (NSEC_PER_SEC << 32) / rte_get_tsc_hz(); /* ns of a cycle, times 2^32 */
    return (nsec_t)((unsigned __int128)cycles * scale >> 32);
}

bool engine_add_address(struct engine_config *config, const char *text)
{
    struct ip_link_config *l = &config->link;
    unsigned i = l->address_count;
    const char *slash = strchr(text, '/');
    if (slash == NULL || i == IP_MAX_ADDRESSES ||
        !ip_addr_parse(text, (size_t)(slash - text), &l->addresses[i]) ||
        !ip_prefix_parse(text, strlen(text), false, &l->networks[i]))
        return false;
    l->address_count++;
    return true;
}

bool engine_add_gateway(struct engine_config *config, const char *text)
{
    struct ip_addr a;
    if (!ip_addr_parse(text, strlen(text), &a))
        return false;
    if (ip_addr_is_v4(&a))
        config->link.gateway4 = a;
    else
        config->link.gateway6 = a;
    return true;
}

static bool has_ipv6(const struct ip_link_config *l)
{
    for (unsigned i = 0; i < l->address_count; i++) {
        if (!ip_addr_is_v4(&l->addresses[i]))
            return true;
    }
    return false;
}

static bool start_ip(struct engine *e)
{
    struct ip_link_config link = e->config->link;
    link.link = port_link(e->port, 0);
    struct ip_config ip = {
        .links = &link,
        .link_count = 1,
        .pools = &e->pools,
        .wheel = &e->wheel,
        .neighbour_entries = NEIGHBOURS,
        .reassembly_flows = REASSEMBLY,
    };
    if (getrandom(&ip.seed, sizeof(ip.seed), 0) != sizeof(ip.seed))
        return false;
    e->ip = ip_create(&ip, e->now);
    return e->ip != NULL;
}

static bool start_tcp(struct engine *e)
{
    uint32_t half_open = e->config->half_open;
    struct tcp_config tcp = {
        .ip = e->ip,
        .pools = &e->pools,
        .wheel = &e->wheel,
        .max_connections = e->config->connections,
        .max_half_open = half_open > 0 ? half_open : e->config->connections,
        .max_time_wait = TIME_WAIT,
        .receive_window = e->config->window,
        .send_limit = e->config->window,
        .port_first = EPHEMERAL_FIRST,
        .port_last = EPHEMERAL_LAST,
    };
    /* It has nothing to hide; and started again it is the same host, whose numbers and timestamps go
     * on where they were: else it could not follow its own connections (RFC 6191). */
    memset(tcp.secret, 's', sizeof(tcp.secret));
    e->tcp = tcp_create(&tcp, e->now);
    return e->tcp != NULL;
}

/* DPDK's main lcore does all the work, on the CPU that was asked for. */
static void settle(int cpu, const cpu_set_t *before)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    if (cpu >= 0)
        CPU_SET((unsigned)cpu, &one);
    sched_setaffinity(0, sizeof(one), cpu >= 0 ? &one : before);
    prctl(PR_SET_TIMERSLACK, 1); /* ns: else a nap takes twice as long */
}

static bool bring_up(struct engine *e, const struct port_config *port,
                     const struct pools_config *memory, struct port_error *why)
{
    cpu_set_t cpus;
    sched_getaffinity(0, sizeof(cpus), &cpus);
    struct eal_config eal = {
        .program = e->config->program,
        .workers = {.count = 1},
        .hugepages = e->config->hugepages,
        .memory = pools_sum(memory).bytes,
        .devices = &e->config->device,
        .device_count = 1,
    };
    e->eal = eal_start(&eal, why);
    if (!e->eal)
        return false;
    settle(e->config->cpu, &cpus);
    if (pools_create(&e->pools, memory) != 0)
        return port_fail(why, "no packet memory: %u buffers cannot be had", e->config->buffers);
    struct pools *each[] = {&e->pools};
    e->port = port_open(port, each, why);
    if (e->port == NULL)
        return false;
    e->now = from_cycles(rte_rdtsc());
    timer_wheel_init(&e->wheel, e->now);
    if (!start_ip(e) || !start_tcp(e))
        return port_fail(why, "out of memory for %u connections", e->config->connections);
    ip_announce(e->ip);
    return true;
}

bool engine_start(struct engine *e, const struct engine_config *config, struct port_error *why)
{
    *e = (struct engine){.config = config};
    struct port_config port = {
        .name = "port",
        .device = config->device,
        .queues = 1,
        .groups = has_ipv6(&config->link),
    };
    if (!port_check(&port, why))
        return false;
    struct port_sum sum = port_sum(&port);
    struct pools_config memory = {
        .name = "engine",
        .socket = -1,
        .rings = sum.rings,
        .budget = config->buffers,
        .reserve = RESERVE,
        .packets_out = sum.packets_out + IP_MAX_WAITING,
        .data_room = sum.data_room,
    };
    if (bring_up(e, &port, &memory, why))
        return true;
    engine_stop(e);
    return false;
}

void engine_flush(struct engine *e)
{
    tcp_flush(e->tcp);
    ip_flush(e->ip);
}

void engine_stop(struct engine *e)
{
    if (e->tcp != NULL)
        tcp_destroy(e->tcp);
    if (e->ip != NULL)
        ip_destroy(e->ip);
    port_close(e->port);
    if (e->pools.data != NULL)
        pools_destroy(&e->pools);
    if (e->eal)
        eal_stop();
}

bool engine_await_link(struct engine *e, nsec_t patience)
{
    nsec_t end = from_cycles(rte_rdtsc()) + patience;
    struct timespec nap = {.tv_nsec = (long)(10 * NSEC_PER_MSEC)};
    port_poll(e->port);
    while (!port_is_up(e->port) && from_cycles(rte_rdtsc()) < end) {
        nanosleep(&nap, NULL);
        port_poll(e->port);
    }
    return port_is_up(e->port);
}

static void look_at_link(struct engine *e)
{
    if (e->now - e->looked < LOOK_AT_LINK)
        return;
    port_poll(e->port);
    e->looked = e->now;
}

void engine_run(struct engine *e, engine_step_fn *step, void *user)
{
    struct timespec nap = {.tv_nsec = (long)NAP};
    uint64_t began = rte_rdtsc();
    for (bool more = true; more;) {
        e->now = from_cycles(began);
        pools_poll(&e->pools);
        ip_set_now(e->ip, e->now);
        tcp_set_now(e->tcp, e->now);
        unsigned work = ip_receive(e->ip);
        work += timer_wheel_advance(&e->wheel, e->now);
        work += tcp_dispatch(e->tcp);
        more = step(user, e->now, &work);
        engine_flush(e);
        if (work == 0 && e->config->nap)
            nanosleep(&nap, NULL);
        look_at_link(e);
        uint64_t ended = rte_rdtsc();
        e->cycles_total += ended - began;
        e->cycles_busy += work > 0 ? ended - began : 0;
        began = ended;
    }
}
