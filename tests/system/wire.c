/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bad wire: joins two network interfaces and loses, duplicates, delays, reorders and queues the
 * frames between them, by percentages and from a seed. Linux has netem for this; not every kernel
 * has it.
 *
 *   interface --> loss --> drop-tail queue --> rate --> delay (--> hold) --> other interface
 *
 * Each copy of a frame has a time when it is due. A frame that is reordered is due some
 * milliseconds later than those behind it; everything else leaves in the order in which it came.
 *
 * Each direction has random numbers of its own, and draws the same number of them for every frame:
 * the fate of a direction's n-th frame depends on the seed and on n alone.
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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

#define FRAME_MAX  9100
#define FLIGHT_MAX 131072 /* frames under way; more are lost, and counted */
#define BATCH      64     /* frames in a system call */
#define NSEC       1000000000ull
#define MSEC       1000000ull
#define TOGETHER   10000 /* ns: frames that are due so close to each other leave together */

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
    uint64_t in, out, lost, tail_dropped, duplicated, reordered, overrun, unsendable;
} count;

/* What a direction does to its frames; each is an option. */
enum trait {
    DROP,      /* percent */
    BURST,     /* frames lost in a row, on average; 1: each on its own */
    DUPLICATE, /* percent */
    REORDER,   /* percent */
    HOLD,      /* a reordered frame is held for 1 to so many milliseconds */
    DELAY,     /* ms */
    RATE,      /* Mbit/s; 0: as fast as it goes */
    QUEUE,     /* bytes that wait for their turn at this rate, at most */
    TRAITS,
};

static struct direction {
    int in, out; /* sockets */
    double trait[TRAITS];
    uint64_t random; /* state of the generator */
    bool losing;     /* in a burst */
    uint64_t free;   /* ns: when all that is queued has left at the direction's rate */
} directions[2];

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
    return (uint64_t)t.tv_sec * NSEC + (uint64_t)t.tv_nsec;
}

/* ---------------------------------------------------------------------------------- the flight --
 */

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

/* -------------------------------------------------------------------------------------- fates --
 */

/* xorshift64* */
static double random_percent(struct direction *d)
{
    uint64_t x = d->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    d->random = x;
    return (double)((x * 0x2545F4914F6CDD1Dull) >> 11) / (double)(1ull << 53) * 100.0;
}

/* Gilbert's model, where losses come in bursts: the share of lost frames is DROP all the same. */
static bool lost(struct direction *d, double dice)
{
    double drop = d->trait[DROP], burst = d->trait[BURST];
    if (burst <= 1)
        return dice < drop;
    d->losing = d->losing ? dice >= 100 / burst : dice < drop / (burst * (1 - drop / 100));
    return d->losing;
}

/* When a frame of this size has left the queue; 0 if it finds the queue full. */
static uint64_t departure(struct direction *d, size_t len, uint64_t now)
{
    if (d->trait[RATE] <= 0)
        return now;
    double ns_per_byte = 8000 / d->trait[RATE];
    uint64_t start = d->free > now ? d->free : now;
    double waiting = (double)(start - now) / ns_per_byte;
    if (waiting + (double)len > d->trait[QUEUE])
        return 0;
    d->free = start + (uint64_t)((double)len * ns_per_byte);
    return d->free;
}

static void meet_fate(struct direction *d, const uint8_t *bytes, size_t len, uint64_t now)
{
    double loss = random_percent(d), duplicate = random_percent(d), reorder = random_percent(d),
           hold = random_percent(d);
    count.in++;
    if (lost(d, loss)) {
        count.lost++;
        return;
    }
    uint64_t due = departure(d, len, now);
    if (due == 0) {
        count.tail_dropped++;
        return;
    }
    due += (uint64_t)(d->trait[DELAY] * (double)MSEC);
    if (duplicate < d->trait[DUPLICATE]) {
        count.duplicated++;
        launch(bytes, len, d->out, due);
    }
    if (reorder < d->trait[REORDER]) {
        count.reordered++;
        due += MSEC + (uint64_t)(hold / 100 * (d->trait[HOLD] - 1) * (double)MSEC);
    }
    launch(bytes, len, d->out, due);
}

/* ------------------------------------------------------------------------------------- sockets --
 */

/* Take what has arrived on one end. */
static void take(struct direction *d)
{
    static uint8_t bytes[BATCH][FRAME_MAX];
    static struct iovec parts[BATCH];
    static struct mmsghdr frames[BATCH];
    int n;
    do {
        for (unsigned i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){.iov_base = bytes[i], .iov_len = FRAME_MAX};
            frames[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
        }
        n = recvmmsg(d->in, frames, BATCH, MSG_DONTWAIT, NULL);
        uint64_t now = now_ns();
        for (int i = 0; i < n; i++)
            meet_fate(d, bytes[i], frames[i].msg_len, now);
    } while (n == BATCH);
}

/* Frames for one socket, in order. They are freed. */
static void send_batch(struct frame **batch, unsigned n)
{
    struct iovec parts[BATCH];
    struct mmsghdr frames[BATCH];
    for (unsigned i = 0; i < n; i++) {
        parts[i] = (struct iovec){.iov_base = batch[i]->bytes, .iov_len = batch[i]->len};
        frames[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
    }
    for (unsigned i = 0; i < n;) {
        int sent = sendmmsg(batch[0]->out, frames + i, n - i, 0);
        count.out += sent > 0 ? (unsigned)sent : 0;
        count.unsendable += sent <= 0;
        i += sent > 0 ? (unsigned)sent : 1;
    }
    for (unsigned i = 0; i < n; i++)
        free(batch[i]);
}

static void deliver_due(void)
{
    uint64_t now = now_ns() + TOGETHER;
    struct frame *batch[BATCH];
    unsigned n = 0;
    while (in_flight > 0 && flight[0]->due <= now) {
        if (n == BATCH || (n > 0 && flight[0]->out != batch[0]->out)) {
            send_batch(batch, n);
            n = 0;
        }
        batch[n++] = pop();
    }
    if (n > 0)
        send_batch(batch, n);
}

static int open_end(const char *interface)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int fd, one = 1, buffer = 16 << 20;

    address.sll_ifindex = (int)if_nametoindex(interface);
    fd = socket(AF_PACKET, SOCK_RAW, 0);
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

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* ---------------------------------------------------------------------------------- the program --
 */

static void usage(FILE *out)
{
    fputs("Usage: wire [OPTION...] INTERFACE INTERFACE\n"
          "Joins two interfaces by a bad wire, until SIGTERM; then prints counts as JSON.\n"
          "A VALUE is for both directions, or VALUE,VALUE from the first interface and back.\n"
          "  --drop PERCENT       frames lost\n"
          "  --burst FRAMES       lost in a row, on average (default 1: each on its own)\n"
          "  --duplicate PERCENT  --reorder PERCENT\n"
          "  --hold MILLISECONDS  by which a reordered frame is late: 1 to so many (default 6)\n"
          "  --delay MILLISECONDS each way\n"
          "  --rate MBIT          per second, Ethernet headers included (default: no limit)\n"
          "  --queue BYTES        drop-tail, in front of the rate limit (default 1000000)\n"
          "  --seed NUMBER        of the random numbers (default 1)\n",
          out);
}

/* VALUE or VALUE,VALUE */
static bool set(enum trait trait, const char *text)
{
    char *end;
    directions[0].trait[trait] = directions[1].trait[trait] = strtod(text, &end);
    if (*end == ',')
        directions[1].trait[trait] = strtod(end + 1, &end);
    return end != text && *end == '\0';
}

/* splitmix64: neighbouring seeds have nothing in common. */
static uint64_t scatter(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return (x ^ (x >> 31)) | 1; /* the state must not be 0 */
}

static int parse_options(int argc, char **argv)
{
    enum { SEED = TRAITS, HELP };
    static const struct option options[] = {
        {"drop", required_argument, NULL, DROP},
        {"burst", required_argument, NULL, BURST},
        {"duplicate", required_argument, NULL, DUPLICATE},
        {"reorder", required_argument, NULL, REORDER},
        {"hold", required_argument, NULL, HOLD},
        {"delay", required_argument, NULL, DELAY},
        {"rate", required_argument, NULL, RATE},
        {"queue", required_argument, NULL, QUEUE},
        {"seed", required_argument, NULL, SEED},
        {"help", no_argument, NULL, HELP},
        {0},
    };
    uint64_t seed = 1;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == HELP) {
            usage(stdout);
            exit(EX_OK);
        }
        if (option == SEED) {
            seed = strtoull(optarg, NULL, 10);
        } else if (option < 0 || option >= TRAITS || !set((enum trait)option, optarg)) {
            usage(stderr);
            return EX_USAGE;
        }
    }
    for (unsigned i = 0; i < 2; i++)
        directions[i].random = scatter(2 * seed + i);
    if (argc - optind == 2)
        return EX_OK;
    usage(stderr);
    return EX_USAGE;
}

static void run(void)
{
    struct pollfd ends[2] = {{.fd = directions[0].in, .events = POLLIN},
                             {.fd = directions[1].in, .events = POLLIN}};
    while (!stopping) {
        uint64_t now = now_ns(), wait = NSEC;
        if (in_flight > 0)
            wait = flight[0]->due > now ? flight[0]->due - now : 0;
        struct timespec timeout = {.tv_sec = (time_t)(wait / NSEC), .tv_nsec = (long)(wait % NSEC)};
        if (ppoll(ends, 2, &timeout, NULL) > 0) {
            take(&directions[0]);
            take(&directions[1]);
        }
        deliver_due();
    }
}

int main(int argc, char **argv)
{
    set(BURST, "1");
    set(HOLD, "6");
    set(QUEUE, "1000000");
    int code = parse_options(argc, argv);
    if (code != EX_OK)
        return code;

    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    prctl(PR_SET_TIMERSLACK, 1); /* ns: else every frame may be 50 us late */
    directions[0].in = directions[1].out = open_end(argv[optind]);
    directions[1].in = directions[0].out = open_end(argv[optind + 1]);
    puts("{\"ready\": true}");
    fflush(stdout);
    run();
    printf("{\"in\": %lu, \"out\": %lu, \"lost\": %lu, \"tail_dropped\": %lu, \"duplicated\": %lu, "
           "\"reordered\": %lu, \"overrun\": %lu, \"unsendable\": %lu, \"kernel_drops\": %u, "
           "\"cpu\": %.3f}\n",
           count.in, count.out, count.lost, count.tail_dropped, count.duplicated, count.reordered,
           count.overrun, count.unsendable,
           kernel_drops(directions[0].in) + kernel_drops(directions[1].in), cpu_seconds());
    return EX_OK;
}
