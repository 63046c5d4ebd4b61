/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a 64 kB write costs the stack, up to the port, and what it costs to receive: two stacks of
 * one process, joined by memory, one of which forwards the same buffers again and again, as the
 * relay does. Compared with a write of one segment, and between ports that segment and sum (TSO),
 * only sum, or do neither.
 *
 * For instructions instead of time:
 *     valgrind --tool=callgrind --toggle-collect=flush_sender build/bench/tcp_burst_bench --once
 * tso
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "drivers/ip/ip.h"
#include "drivers/tcp/tcp.h"

#define BURST   (64 * 1024)
#define PASSES  2000 /* the best tenth counts: the others were disturbed */
#define FRAMES  256
#define ROUND   NSEC_PER_MSEC
#define SECTION 1448

struct host {
    struct link link;
    struct rte_mbuf *in[FRAMES];
    unsigned first, count;
    struct host *other;
    bool vouch; /* what arrives has a good checksum, says the port */
    uint64_t frames;
    struct timer_wheel wheel;
    struct pools pools;
    struct ip_stack *ip;
    struct tcp *tcp;
    struct stream *stream;
};

static struct host sender, receiver;
static nsec_t now = 1000 * NSEC_PER_SEC;

static void die(const char *what)
{
    fprintf(stderr, "tcp_burst_bench: %s\n", what);
    exit(EX_SOFTWARE);
}

static uint16_t link_receive(struct link *l, struct rte_mbuf **frames, uint16_t n)
{
    struct host *h = CONTAINER_OF(l, struct host, link);
    uint16_t k = 0;
    for (; k < n && h->count > 0; k++, h->count--)
        frames[k] = h->in[h->first++ % FRAMES];
    return k;
}

static void link_transmit(struct link *l, struct rte_mbuf *m)
{
    struct host *h = CONTAINER_OF(l, struct host, link), *to = h->other;
    h->frames++;
    if (to->count == FRAMES)
        die("the link is full");
    if (to->vouch)
        m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
    to->in[(to->first + to->count++) % FRAMES] = m;
}

static void link_flush(struct link *l)
{
    (void)l;
}

static const struct link_ops link_ops = {link_receive, link_transmit, link_flush};

static struct ip_addr address(uint8_t last)
{
    struct ip_addr a;
    memcpy(a.b, (uint8_t[16]){[10] = 255, 255, 10, 0, 0, last}, sizeof(a.b));
    return a;
}

static void host_start(struct host *h, const char *name, uint8_t last, const struct link_caps *caps)
{
    struct pools_config pools = {.name = name,
                                 .socket = SOCKET_ID_ANY,
                                 .rings = 512,
                                 .budget = 8192,
                                 .reserve = 512,
                                 .packets_out = 4096};
    if (pools_create(&h->pools, &pools) != 0)
        die("no memory");
    timer_wheel_init(&h->wheel, now);
    h->link = (struct link){
        .ops = &link_ops, .mac = {{2, 0, 0, 0, 0, last}}, .mtu = 1500, .caps = *caps, .name = name};
    struct ip_link_config link = {.link = &h->link, .address_count = 1};
    link.addresses[0] = address(last);
    link.networks[0] = (struct ip_prefix){address(0), 120};
    struct ip_config ip = {.links = &link,
                           .link_count = 1,
                           .pools = &h->pools,
                           .wheel = &h->wheel,
                           .neighbour_entries = 16,
                           .reassembly_flows = 16};
    h->ip = ip_create(&ip, now);
    if (h->ip == NULL)
        die("no memory");
    struct tcp_config tcp = {.ip = h->ip,
                             .pools = &h->pools,
                             .wheel = &h->wheel,
                             .max_connections = 16,
                             .max_half_open = 16,
                             .max_time_wait = 16,
                             .receive_window = 1 << 20,
                             .send_limit = 1 << 20,
                             .port_first = 40000,
                             .port_last = 50000};
    h->tcp = tcp_create(&tcp, now);
    if (h->tcp == NULL)
        die("no memory");
}

static void on_event(struct stream *s, unsigned events, void *user)
{
    (void)user;
    if (events & STREAM_DOWN)
        die("the connection is down");
    stream_consume(s, s->readable);
}

static void on_accept(struct stream *s, void *user)
{
    ((struct host *)user)->stream = s;
    stream_set_handler(s, on_event, user);
}

/* Not inlined: so that callgrind can be told to count here only. */
__attribute__((noinline)) static void flush_sender(void)
{
    tcp_flush(sender.tcp);
    ip_flush(sender.ip);
}

static void host_poll(struct host *h)
{
    pools_poll(&h->pools);
    ip_set_now(h->ip, now);
    tcp_set_now(h->tcp, now);
    ip_receive(h->ip);
    timer_wheel_advance(&h->wheel, now);
    tcp_dispatch(h->tcp);
}

__attribute__((noinline)) static void receive_burst(void)
{
    host_poll(&receiver);
}

/* Until everything is acknowledged. */
static void settle(void)
{
    for (unsigned k = 0; k < 3 || (k < 1000 && stream_unacked(sender.stream) > 0); k++) {
        now += ROUND;
        host_poll(&receiver);
        tcp_flush(receiver.tcp);
        ip_flush(receiver.ip);
        host_poll(&sender);
        flush_sender();
    }
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double best_tenth(uint64_t *cycles)
{
    qsort(cycles, PASSES, sizeof(*cycles), ascending);
    return (double)cycles[PASSES / 10] * 1e9 / (double)rte_get_tsc_hz();
}

/* A burst of `bytes` out of buffers that came in as segments. */
static void forward(struct slice *sections, uint32_t bytes)
{
    for (uint32_t at = 0; at < bytes; at += SECTION) {
        struct slice s = sections[at / SECTION];
        if (bytes - at < SECTION)
            s = (struct slice){.buf = s.buf, .data = s.data, .len = bytes - at};
        if (!stream_forward(sender.stream, &s))
            die("no memory to forward");
    }
}

static struct slice section_new(uint8_t fill)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(sender.pools.data);
    if (m == NULL)
        die("no memory");
    memset(rte_pktmbuf_append(m, SECTION), fill, SECTION);
    return (struct slice){.buf = m,
                          .data = rte_pktmbuf_mtod(m, const uint8_t *),
                          .len = SECTION,
                          .sum = rte_raw_cksum(rte_pktmbuf_mtod(m, const void *), SECTION),
                          .sum_known = true};
}

struct cost {
    double send, receive; /* ns of a write */
    double frames;        /* that the port was given for it */
};

static struct cost measure(struct slice *sections, uint32_t bytes, unsigned passes)
{
    static uint64_t send[PASSES], receive[PASSES];
    uint64_t frames = sender.frames;
    for (unsigned k = 0; k < passes; k++) {
        forward(sections, bytes);
        now += ROUND;
        host_poll(&sender);
        uint64_t t0 = rte_rdtsc();
        flush_sender();
        uint64_t t1 = rte_rdtsc();
        now += ROUND;
        uint64_t t2 = rte_rdtsc();
        receive_burst();
        uint64_t t3 = rte_rdtsc();
        send[k % PASSES] = t1 - t0;
        receive[k % PASSES] = t3 - t2;
        settle();
        if (stream_unacked(sender.stream) > 0)
            die("not everything arrived");
    }
    struct cost c = {.frames = (double)(sender.frames - frames) / passes};
    if (passes == PASSES)
        c = (struct cost){best_tenth(send), best_tenth(receive), c.frames};
    return c;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        struct link_caps caps;
    } ports[] = {
        {"none", {.max_segments = UINT16_MAX}},
        {"sums", {.tx_ip_checksum = true, .tx_tcp_checksum = true, .max_segments = UINT16_MAX}},
        {"tso",
         {.tx_ip_checksum = true,
          .tx_tcp_checksum = true,
          .tso = true,
          .max_segments = UINT16_MAX}},
    };
    const char *only = argc == 3 && strcmp(argv[1], "--once") == 0 ? argv[2] : NULL;
    if (argc != 1 && only == NULL) {
        fprintf(stderr, "usage: tcp_burst_bench [--once none|sums|tso]\n");
        return EX_USAGE;
    }
    /* EAL writes into the array. */
    const char *eal[] = {"tcp_burst_bench", "--no-huge",      "-m", "256", "--no-pci",
                         "--no-shconf",     "--no-telemetry", "-l", "0",   "--log-level=error"};
    if (rte_eal_init(COUNT_OF(eal), (char **)(uintptr_t)eal) < 0)
        die("no EAL");
    printf("%-6s %12s %12s %8s %8s %10s %10s\n", "port", "1 segment/ns", "64 kB/ns", "ratio",
           "frames", "receive 1", "receive 64k");
    for (unsigned i = 0; i < COUNT_OF(ports); i++) {
        if (only != NULL && strcmp(only, ports[i].name) != 0)
            continue;
        char names[2][16];
        snprintf(names[0], sizeof(names[0]), "s%u", i);
        snprintf(names[1], sizeof(names[1]), "r%u", i);
        memset(&sender, 0, sizeof(sender));
        memset(&receiver, 0, sizeof(receiver));
        sender.other = &receiver;
        receiver.other = &sender;
        receiver.vouch = ports[i].caps.tx_tcp_checksum;
        host_start(&sender, names[0], 1, &ports[i].caps);
        struct link_caps trusting = {.rx_ip_checksum = receiver.vouch,
                                     .rx_tcp_checksum = receiver.vouch,
                                     .max_segments = UINT16_MAX};
        host_start(&receiver, names[1], 2, &trusting);
        struct endpoint at = {address(2), 25};
        enum stream_error why;
        if (tcp_listen(receiver.tcp, &at, on_accept, &receiver) == NULL)
            die("cannot listen");
        sender.stream = tcp_connect(sender.tcp, NULL, &at, on_event, &sender, &why);
        if (sender.stream == NULL)
            die("cannot connect");
        settle();
        settle();
        struct slice sections[BURST / SECTION + 1];
        for (unsigned k = 0; k < COUNT_OF(sections); k++)
            sections[k] = section_new((uint8_t)k);
        measure(sections, BURST, 100); /* opens the windows */
        unsigned passes = only != NULL ? 100 : PASSES;
        struct cost one = measure(sections, SECTION, passes);
        struct cost many = measure(sections, BURST, passes);
        printf("%-6s %12.0f %12.0f %8.1f %8.1f %10.0f %10.0f\n", ports[i].name, one.send, many.send,
               many.send / one.send, many.frames, one.receive, many.receive);
        for (unsigned k = 0; k < COUNT_OF(sections); k++)
            slice_release(&sections[k]);
        tcp_destroy(sender.tcp);
        tcp_destroy(receiver.tcp);
        ip_destroy(sender.ip);
        ip_destroy(receiver.ip);
        pools_destroy(&sender.pools);
        pools_destroy(&receiver.pools);
    }
    return 0;
}
