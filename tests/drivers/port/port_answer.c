/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host of ports and IP only: answers ARP and pings until SIGTERM or SIGINT, then prints its
 * counters.
 *
 *     port_answer DEVICE ADDRESS/LEN [hugepages] [mtu=N] [mac=XX:..] [queues=N]
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include "drivers/ip/ip.h"
#include "drivers/port/eal.h"
#include "drivers/port/port.h"

#define PACKETS 4096

static volatile bool stop;

static void on_signal(int number)
{
    (void)number;
    stop = true;
}

static nsec_t clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (nsec_t)t.tv_sec * NSEC_PER_SEC + (nsec_t)t.tv_nsec;
}

struct worker {
    struct ip_stack *ip;
    struct pools *pools;
    struct timer_wheel *wheel;
};

static int work(void *arg)
{
    struct worker *w = arg;
    struct timespec nap = {.tv_nsec = 50000};
    ip_announce(w->ip);
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        nsec_t now = clock_now();
        pools_poll(w->pools);
        ip_set_now(w->ip, now);
        unsigned frames = ip_receive(w->ip);
        timer_wheel_advance(w->wheel, now);
        ip_flush(w->ip);
        if (frames == 0)
            nanosleep(&nap, NULL);
    }
    return 0;
}

static void print_counters(const struct counter_list *list, const uint64_t *values)
{
    for (unsigned k = 0; k < list->count; k++)
        if (values[k] != 0)
            printf("%s %lu\n", list->info[k].name, (unsigned long)values[k]);
}

static int fail(const char *what, const struct port_error *why)
{
    fprintf(stderr, "%s: %s\n", what, why->text);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct port_error why;
    struct port_config config = {.name = "test", .device = argc > 2 ? argv[1] : "", .queues = 1};
    bool hugepages = false;
    for (int k = 3; k < argc; k++) {
        if (strcmp(argv[k], "hugepages") == 0)
            hugepages = true;
        else if (strncmp(argv[k], "mtu=", 4) == 0)
            config.mtu = (uint16_t)atoi(argv[k] + 4);
        else if (strncmp(argv[k], "mac=", 4) == 0)
            config.has_mac = rte_ether_unformat_addr(argv[k] + 4, &config.mac) == 0;
    }
    struct ip_link_config link = {.address_count = 1};
    if (argc < 3 || !ip_prefix_parse(argv[2], strlen(argv[2]), false, &link.networks[0]) ||
        !ip_addr_parse(argv[2], strcspn(argv[2], "/"), &link.addresses[0])) {
        fprintf(stderr, "usage: port_answer DEVICE ADDRESS/LEN [hugepages] [mtu=N] [mac=ADDR]\n");
        return 64;
    }
    if (!port_check(&config, &why))
        return fail("check", &why);
    struct port_sum sum = port_sum(&config);
    struct pools_config memory = {.name = "w0",
                                  .socket = -1,
                                  .rings = sum.rings,
                                  .budget = PACKETS,
                                  .reserve = 256,
                                  .packets_out = sum.packets_out + IP_MAX_WAITING,
                                  .data_room = sum.data_room};
    struct eal_config eal = {.program = argv[0],
                             .workers = {.count = 1},
                             .hugepages = hugepages,
                             .memory = pools_sum(&memory).bytes,
                             .devices = &config.device,
                             .device_count = 1};
    if (!eal_start(&eal, &why))
        return fail("eal", &why);
    struct pools pools, *queues[1] = {&pools};
    if (pools_create(&pools, &memory) != 0) {
        fprintf(stderr, "pools: out of memory\n");
        return EXIT_FAILURE;
    }
    struct port *port = port_open(&config, queues, &why);
    if (port == NULL) {
        fail("port", &why);
        eal_stop();
        return EXIT_FAILURE;
    }
    char line[512];
    printf("%s\n", port_describe(port, line, sizeof(line)));
    fflush(stdout);

    static struct timer_wheel wheel;
    timer_wheel_init(&wheel, clock_now());
    link.link = port_link(port, 0);
    struct ip_config ip_config = {.links = &link,
                                  .link_count = 1,
                                  .pools = &pools,
                                  .wheel = &wheel,
                                  .neighbour_entries = 64,
                                  .reassembly_flows = 16,
                                  .seed = 1};
    struct worker w = {ip_create(&ip_config, clock_now()), &pools, &wheel};
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    rte_eal_remote_launch(work, &w, eal_worker_lcore(0));
    while (!stop) {
        poll(NULL, 0, 100);
        if (port_poll(port))
            printf("link %s\n", port_is_up(port) ? "up" : "down");
        fflush(stdout);
    }
    rte_eal_mp_wait_lcore();
    uint64_t counters[PORT_COUNTER_COUNT];
    port_counters(port, counters);
    print_counters(&port_counter_list, counters);
    print_counters(&ip_counter_list, ip_counters(w.ip));
    ip_destroy(w.ip);
    port_close(port);
    pools_destroy(&pools);
    eal_stop();
    return EXIT_SUCCESS;
}
