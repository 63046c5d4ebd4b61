/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bad wire: joins two network interfaces and loses, duplicates, delays and reorders the frames
 * between them, by percentages and from a seed. Linux has netem for this; not every kernel has it.
 *
 * Each copy of a frame has a time when it is due. A frame that is reordered is due some
 * milliseconds later than those behind it; everything else leaves in the order in which it came.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

#define FRAME_MAX    9100
#define FLIGHT_MAX   16384 /* frames under way; more are lost, and counted */
#define MSEC         1000000ull
#define REORDER_MSEC 6 /* a reordered frame is held for 1 to so many milliseconds */

struct frame {
    uint64_t due;   /* ns, CLOCK_MONOTONIC */
    uint64_t order; /* of arrival: breaks ties */
    int out;        /* socket to leave by */
    size_t len;
    uint8_t bytes[];
};

/* A binary heap: the frame that is due first is flight[0]. */
static struct frame *flight[FLIGHT_MAX];
static unsigned in_flight;

static struct {
    uint64_t in, out, lost, duplicated, reordered, overrun, unsendable;
} count;

static struct {
    double drop, duplicate, reorder; /* percent */
    double delay;                    /* ms, each way */
    uint64_t random;                 /* state of the generator: the seed */
} option = {.random = 1};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
    (void)signal;
    stopping = 1;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* xorshift64*: the same seed gives the same fate to the same sequence of frames. */
static double random_percent(void)
{
    uint64_t x = option.random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    option.random = x;
    return (double)((x * 0x2545F4914F6CDD1Dull) >> 11) / (double)(1ull << 53) * 100.0;
}

static bool before(const struct frame *a, const struct frame *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void push(struct frame *f)
{
    unsigned i = in_flight++;
    for (; i > 0 && before(f, flight[(i - 1) / 2]); i = (i - 1) / 2)
        flight[i] = flight[(i - 1) / 2];
    flight[i] = f;
}

static struct frame *pop(void)
{
    struct frame *first = flight[0], *last = flight[--in_flight];
    unsigned i = 0;
    for (;;) {
        unsigned child = 2 * i + 1;
        if (child + 1 < in_flight && before(flight[child + 1], flight[child]))
            child++;
        if (child >= in_flight || before(last, flight[child]))
            break;
        flight[i] = flight[child];
        i = child;
    }
    flight[i] = last;
    return first;
}

static void launch(const uint8_t *bytes, size_t len, int out, uint64_t due)
{
    static uint64_t arrivals;
    struct frame *f = in_flight < FLIGHT_MAX ? malloc(sizeof *f + len) : NULL;
    if (!f) {
        count.overrun++;
        return;
    }
    *f = (struct frame){.due = due, .order = arrivals++, .out = out, .len = len};
    memcpy(f->bytes, bytes, len);
    push(f);
}

/* Take what has arrived on one end; each frame meets its fate. */
static void take(int in, int out)
{
    uint8_t bytes[FRAME_MAX];
    for (unsigned i = 0; i < 64; i++) {
        ssize_t len = recv(in, bytes, sizeof bytes, MSG_DONTWAIT);
        if (len <= 0)
            return;
        count.in++;
        uint64_t due = now_ns() + (uint64_t)(option.delay * (double)MSEC);
        if (random_percent() < option.drop) {
            count.lost++;
            continue;
        }
        if (random_percent() < option.duplicate) {
            count.duplicated++;
            launch(bytes, (size_t)len, out, due);
        }
        if (random_percent() < option.reorder) {
            count.reordered++;
            due += MSEC + (uint64_t)(random_percent() / 100 * (REORDER_MSEC - 1) * (double)MSEC);
        }
        launch(bytes, (size_t)len, out, due);
    }
}

static void deliver_due(void)
{
    uint64_t now = now_ns();
    while (in_flight > 0 && flight[0]->due <= now) {
        struct frame *f = pop();
        if (send(f->out, f->bytes, f->len, 0) == (ssize_t)f->len)
            count.out++;
        else
            count.unsendable++;
        free(f);
    }
}

static int open_end(const char *interface)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int fd, one = 1, buffer = 16 << 20;

    address.sll_ifindex = (int)if_nametoindex(interface);
    fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    if (fd < 0 || address.sll_ifindex == 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        fprintf(stderr, "wire: %s: %s\n", interface, strerror(errno));
        exit(EX_OSERR);
    }
    return fd;
}

/* Frames that the kernel dropped because we were too slow. */
static unsigned kernel_drops(int fd)
{
    struct tpacket_stats stats = {0};
    socklen_t len = sizeof stats;
    return getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0 ? stats.tp_drops : 0;
}

static void usage(FILE *out)
{
    fputs("Usage: wire [OPTION...] INTERFACE INTERFACE\n"
          "Joins two interfaces by a bad wire, until SIGTERM; then prints counts as JSON.\n"
          "  --drop PERCENT  --duplicate PERCENT  --reorder PERCENT\n"
          "  --delay MILLISECONDS  each way\n"
          "  --seed NUMBER         of the random numbers (default 1)\n",
          out);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"drop", required_argument, NULL, 'd'},
        {"duplicate", required_argument, NULL, 'u'},
        {"reorder", required_argument, NULL, 'r'},
        {"delay", required_argument, NULL, 'l'},
        {"seed", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int letter;
    while ((letter = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (letter) {
        case 'd':
            option.drop = atof(optarg);
            break;
        case 'u':
            option.duplicate = atof(optarg);
            break;
        case 'r':
            option.reorder = atof(optarg);
            break;
        case 'l':
            option.delay = atof(optarg);
            break;
        case 's':
            option.random = strtoull(optarg, NULL, 10) * 2 + 1; /* the state must not be 0 */
            break;
        case 'h':
            usage(stdout);
            return EX_OK;
        default:
            usage(stderr);
            return EX_USAGE;
        }
    }
    if (argc - optind != 2) {
        usage(stderr);
        return EX_USAGE;
    }

    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    struct pollfd ends[2] = {{.fd = open_end(argv[optind]), .events = POLLIN},
                             {.fd = open_end(argv[optind + 1]), .events = POLLIN}};
    while (!stopping) {
        uint64_t now = now_ns();
        uint64_t wait = in_flight == 0         ? 1000 * MSEC
                        : flight[0]->due > now ? flight[0]->due - now
                                               : 0;
        struct timespec timeout = {.tv_sec = (time_t)(wait / 1000000000u),
                                   .tv_nsec = (long)(wait % 1000000000u)};
        if (ppoll(ends, 2, &timeout, NULL) > 0) {
            take(ends[0].fd, ends[1].fd);
            take(ends[1].fd, ends[0].fd);
        }
        deliver_due();
    }
    printf("{\"in\": %lu, \"out\": %lu, \"lost\": %lu, \"duplicated\": %lu, \"reordered\": %lu, "
           "\"overrun\": %lu, \"unsendable\": %lu, \"kernel_drops\": %u}\n",
           count.in, count.out, count.lost, count.duplicated, count.reordered, count.overrun,
           count.unsendable, kernel_drops(ends[0].fd) + kernel_drops(ends[1].fd));
    return EX_OK;
}
