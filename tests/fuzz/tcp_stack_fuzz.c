/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state machine: the input is a script of what the peer sends, what the application does and
 * how time passes. Sequence numbers are relative to what the connection expects, so that most
 * segments get past the first check. Invariants hold after every step, and in the end all memory is
 * back.
 *
 * A step has STEP bytes, each field its place, the first step says what kind of world it is. So
 * mutation works on steps: it puts plausible ones in, takes some out, moves them, and changes
 * fields.
 */
#include <string.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "drivers/tcp/input.h"
#include "drivers/tcp/stack.h"
#include "fuzz.h"

#define STREAMS 4
#define STEP    48
#define MSS     1448 /* with timestamps, and nothing heard from routers */

struct script {
    const uint8_t *data;
    size_t left;
};

struct world {
    nsec_t now;
    struct timer_wheel wheel;
    struct link link;
    struct rte_mbuf *arp; /* the answer that the link has ready */
    struct ip_stack *ip;
    struct tcp *tcp;
    struct stream *streams[STREAMS];
    uint8_t mood;           /* what handlers do */
    struct segment syn_ack; /* the last that went out: it may have been a cookie */
};

static struct pools pools;
static struct world *world;

static uint8_t next8(struct script *s)
{
    if (s->left == 0)
        return 0;
    s->left--;
    return *s->data++;
}

static uint16_t next16(struct script *s)
{
    uint8_t high = next8(s);
    return (uint16_t)(high << 8 | next8(s));
}

/* Mostly nothing, small numbers of either sign, or some segments; now and then a wild one. */
static uint32_t next_offset(struct script *s)
{
    uint8_t kind = next8(s);
    uint16_t value = next16(s);
    if (kind < 112)
        return 0;
    if (kind < 144)
        return (uint32_t)(kind - 128);
    if (kind < 176)
        return (uint32_t)((kind - 160) * MSS);
    if (kind < 240)
        return kind & 1 ? 0U - value : value;
    return (uint32_t)kind << 28 | (uint32_t)value << 12;
}

static uint16_t link_receive(struct link *l, struct rte_mbuf **frames, uint16_t n)
{
    (void)l;
    if (n == 0 || world->arp == NULL)
        return 0;
    frames[0] = world->arp;
    world->arp = NULL;
    return 1;
}

static void link_transmit(struct link *l, struct rte_mbuf *m)
{
    (void)l;
    const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
    struct segment s;
    if (m->data_len >= 54 && f[12] == 8 && f[13] == 0 && f[23] == 6 &&
        segment_parse(f + 34, m->data_len - 34u, m->pkt_len - 34, &s) &&
        s.flags == (TCP_SYN | TCP_ACK))
        world->syn_ack = s;
    if (m->data_len >= 42 && f[12] == 8 && f[13] == 6 && f[21] == 1 && world->arp == NULL) {
        static const uint8_t mac[6] = {2, 0, 0, 0, 0, 2};
        world->arp = rte_pktmbuf_alloc(pools.data);
        FUZZ_CHECK(world->arp != NULL);
        uint8_t *a = (uint8_t *)rte_pktmbuf_append(world->arp, 42);
        memcpy(a, f + 6, 6);
        memcpy(a + 6, mac, 6);
        memcpy(a + 12, f + 12, 8);
        a[20] = 0;
        a[21] = 2;
        memcpy(a + 22, mac, 6);
        memcpy(a + 28, f + 38, 4);
        memcpy(a + 32, f + 22, 10);
    }
    rte_pktmbuf_free(m);
}

static void link_flush(struct link *l)
{
    (void)l;
}

static void forget(const struct stream *s)
{
    for (unsigned i = 0; i < STREAMS; i++)
        if (world->streams[i] == s)
            world->streams[i] = NULL;
}

static void act(struct stream *s, uint8_t what, uint8_t much)
{
    static const uint8_t text[2000];
    struct slice k;
    switch (what % 8) {
    case 0:
        if (!stream_write(s, text, (size_t)much * 7))
            return;
        break;
    case 1:
        stream_consume(s, s->readable < much ? s->readable : much);
        break;
    case 2:
        stream_consume(s, s->readable);
        break;
    case 3:
        if (stream_peek(s, much % 16, &k, 1) == 1 && !stream_forward(s, &k))
            return;
        break;
    case 4:
        forget(s);
        stream_close(s);
        break;
    case 5:
        forget(s);
        stream_abort(s);
        break;
    default:
        break;
    }
}

static void handle(struct stream *s, unsigned events, void *user)
{
    (void)user;
    FUZZ_CHECK(events != 0);
    if (events & STREAM_DOWN) {
        forget(s);
        stream_close(s);
        return;
    }
    act(s, world->mood, (uint8_t)events);
}

static void accept_one(struct stream *s, void *user)
{
    (void)user;
    stream_set_handler(s, handle, NULL);
    for (unsigned i = 0; i < STREAMS; i++) {
        if (world->streams[i] == NULL) {
            world->streams[i] = s;
            return;
        }
    }
    stream_abort(s);
}

static struct ip_addr address(uint8_t last, bool six)
{
    if (six)
        return (struct ip_addr){.b = {0xfd, [15] = last}};
    uint8_t v4[4] = {10, 0, 0, last};
    uint32_t be;
    memcpy(&be, v4, sizeof(be));
    return ip_addr_from_v4(be);
}

static void round_trip(void)
{
    pools_poll(&pools);
    ip_set_now(world->ip, world->now);
    tcp_set_now(world->tcp, world->now);
    ip_receive(world->ip);
    timer_wheel_advance(&world->wheel, world->now);
    tcp_dispatch(world->tcp);
    tcp_flush(world->tcp);
    ip_flush(world->ip);
}

static void check(void)
{
    const char *fault = tcp_fault(world->tcp);
    if (fault != NULL)
        fprintf(stderr, "%s\n", fault);
    FUZZ_CHECK(fault == NULL);
}

/* A segment for one of the connections, or from a new port. */
static void segment_in(struct script *in)
{
    struct tcp *t = world->tcp;
    uint8_t from = next8(in);
    bool six = (from & 4) != 0;
    struct segment s = {.src_port = (uint16_t)(5000 + from % 4), .dst_port = 25};
    struct tcp_connection *c = NULL;
    struct stream *chosen = world->streams[next8(in) % STREAMS];
    if (chosen != NULL) {
        c = connection_of(chosen);
        s.src_port = c->stream.peer.port;
        s.dst_port = c->stream.local.port;
        six = !ip_addr_is_v4(&c->stream.peer.addr);
    } else {
        struct endpoint local = {address(1, six), 25}, peer = {address(2, six), s.src_port};
        c = connection_find(t, connection_hash(t, &local, &peer), &local, &peer);
    }
    s.flags = next8(in);
    s.seq = (c != NULL ? connection_rcv_nxt(c) : 0) + next_offset(in);
    s.ack = (c != NULL ? c->sendq.nxt : 0) - next_offset(in);
    if (c != NULL && c->state < CONN_ESTABLISHED && s.ack == c->sendq.nxt)
        s.ack = c->iss + 1;
    s.window = next16(in);
    uint8_t options = next8(in), ecn = next8(in), spoil = next8(in);
    uint16_t mss = next16(in);
    s.mss = options & 1 ? mss : 0;
    s.sack_permitted = (options & 2) != 0;
    s.has_timestamp = (options & 4) != 0;
    s.tsval = (c != NULL ? c->ts_recent : 0) + next_offset(in);
    s.tsecr = (c != NULL ? tcp_timestamp(t, c->ts_offset) : 0) - next8(in);
    s.has_wscale = (options & 8) != 0;
    s.wscale = next8(in);
    uint32_t len = next_offset(in) % 4000;
    /* No connection, but perhaps a cookie for one. */
    const struct segment *cookie = &world->syn_ack;
    if (c == NULL && (options & 16) != 0 && cookie->flags != 0) {
        s.src_port = cookie->dst_port;
        s.seq = cookie->ack;
        s.ack = cookie->seq + 1;
        s.has_timestamp = cookie->has_timestamp;
        s.tsecr = cookie->tsval;
    }
    for (s.sack_count = 0; s.sack_count < options >> 6; s.sack_count++) {
        uint32_t start = (c != NULL ? c->sendq.una : 0) + next_offset(in);
        s.sack[s.sack_count] = (struct sack_block){start, start + next_offset(in)};
    }

    struct rte_mbuf *m = rte_pktmbuf_alloc(pools.data);
    if (m == NULL)
        return;
    uint8_t header[TCP_HEADER_MAX];
    unsigned header_len = segment_write(header, &s);
    if (spoil >= 224 && header_len > TCP_HEADER_MIN) /* options that lie */
        header[TCP_HEADER_MIN + spoil % (header_len - TCP_HEADER_MIN)] ^= ecn | 1;
    memcpy(rte_pktmbuf_append(m, (uint16_t)header_len), header, header_len);
    for (uint32_t left = len; left > 0;) {
        struct rte_mbuf *last = rte_pktmbuf_lastseg(m);
        uint16_t room = rte_pktmbuf_tailroom(last), n = left < room ? (uint16_t)left : room;
        memset(rte_pktmbuf_append(m, n), (int)left & 0xff, n);
        left -= n;
        if (left > 0) {
            struct rte_mbuf *more = rte_pktmbuf_alloc(pools.data);
            if (more == NULL)
                break;
            rte_pktmbuf_chain(m, more);
        }
    }
    struct ip_datagram d = {
        .src = address(2, six),
        .dst = address(1, six),
        .payload_len = m->pkt_len,
        .ecn = ecn & 3,
        .checksum_good = true,
    };
    input_segment(t, m, &d);
    input_burst_end(t);
}

static void icmp_in(struct script *in)
{
    struct stream *s = world->streams[next8(in) % STREAMS];
    if (s == NULL)
        return;
    uint32_t seq = connection_of(s)->sendq.una + next_offset(in);
    uint16_t from = s->local.port, to = s->peer.port;
    uint8_t quoted[8] = {(uint8_t)(from >> 8), (uint8_t)from,        (uint8_t)(to >> 8),
                         (uint8_t)to,          (uint8_t)(seq >> 24), (uint8_t)(seq >> 16),
                         (uint8_t)(seq >> 8),  (uint8_t)seq};
    enum ip_unreachable what = (enum ip_unreachable)(next8(in) % 3);
    input_unreachable(world->tcp, &s->local.addr, &s->peer.addr, quoted, sizeof(quoted), what,
                      next16(in));
}

static void connect_one(bool six)
{
    struct endpoint to = {address(2, six), 25};
    enum stream_error why;
    for (unsigned i = 0; i < STREAMS; i++) {
        if (world->streams[i] == NULL) {
            world->streams[i] = tcp_connect(world->tcp, NULL, &to, handle, NULL, &why);
            return;
        }
    }
}

static void step(struct script *in)
{
    uint8_t op = next8(in);
    struct stream *s;
    switch (op % 8) {
    case 0:
    case 1:
    case 2:
        segment_in(in);
        break;
    case 3:
        s = world->streams[next8(in) % STREAMS];
        if (s != NULL)
            act(s, next8(in), next8(in));
        break;
    case 4:
        world->mood = next8(in);
        break;
    case 5:
        world->now += (nsec_t)next16(in) * (op & 8 ? NSEC_PER_MSEC : NSEC_PER_USEC);
        if ((op & 0xf8) == 0xf8)
            world->now += 600 * NSEC_PER_SEC;
        break;
    case 6:
        if (op & 8)
            icmp_in(in);
        else
            connect_one((op & 16) != 0);
        break;
    default:
        round_trip();
        break;
    }
}

static void start(void)
{
    /* EAL writes into the array. */
    const char *eal[] = {"fuzz",        "--no-huge",      "-m", "64", "--no-pci",
                         "--no-shconf", "--no-telemetry", "-l", "0",  "--log-level=error"};
    FUZZ_CHECK(rte_eal_init(COUNT_OF(eal), (char **)(uintptr_t)eal) >= 0);
    struct pools_config config = {.name = "fuzz",
                                  .socket = -1,
                                  .rings = 32,
                                  .budget = 128,
                                  .reserve = 64,
                                  .packets_out = 1024};
    FUZZ_CHECK(pools_create(&pools, &config) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct link_ops ops = {link_receive, link_transmit, link_flush};
    if (pools.data == NULL)
        start();
    struct world w = {.now = 1000 * NSEC_PER_SEC};
    struct script kind = {data, size};
    uint8_t caps = next8(&kind), manners = next8(&kind);
    world = &w;
    timer_wheel_init(&w.wheel, w.now);
    w.link = (struct link){.ops = &ops, .mac = {{2, 0, 0, 0, 0, 1}}, .mtu = 1500, .name = "l"};
    w.link.caps.tx_tcp_checksum = (caps & 1) != 0;
    w.link.caps.tso = (caps & 2) != 0;
    w.link.caps.max_segments = caps & 4 ? UINT16_MAX : 1 + (caps >> 4);
    struct ip_link_config link = {.link = &w.link, .address_count = 2};
    for (unsigned i = 0; i < 2; i++) {
        link.addresses[i] = address(1, i == 1);
        link.networks[i] = (struct ip_prefix){address(0, i == 1), 120};
    }
    struct ip_config ip = {.links = &link,
                           .link_count = 1,
                           .pools = &pools,
                           .wheel = &w.wheel,
                           .neighbour_entries = 4,
                           .reassembly_flows = 4};
    w.ip = ip_create(&ip, w.now);
    FUZZ_CHECK(w.ip != NULL);
    struct tcp_config config = {
        .ip = w.ip,
        .pools = &pools,
        .wheel = &w.wheel,
        .max_connections = 8,
        .max_half_open = 2,
        .max_time_wait = 4,
        .receive_window = 32768,
        .send_limit = 32768,
        .port_first = 40000,
        .port_last = 40003,
        .ecn = (manners & 1) != 0,
        .congestion = manners & 2 ? CONGESTION_NEWRENO : CONGESTION_CUBIC,
    };
    w.tcp = tcp_create(&config, w.now);
    FUZZ_CHECK(w.tcp != NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct endpoint local = {address(1, i == 1), 25};
        FUZZ_CHECK(tcp_listen(w.tcp, &local, accept_one, NULL) != NULL);
    }
    for (size_t at = STEP; at < size; at += STEP) {
        struct script one = {data + at, size - at < STEP ? size - at : STEP};
        step(&one);
        check();
    }
    round_trip();
    check();

    tcp_destroy(w.tcp);
    ip_destroy(w.ip);
    rte_pktmbuf_free(w.arp);
    FUZZ_CHECK(w.wheel.armed == 0);
    FUZZ_CHECK(rte_mempool_in_use_count(pools.data) == 0);
    FUZZ_CHECK(rte_mempool_in_use_count(pools.header) == 0);
    FUZZ_CHECK(rte_mempool_in_use_count(pools.indirect) == 0);
    FUZZ_CHECK(pools.promised == 0);
    world = NULL;
    return 0;
}

/* Where fields of a segment stand in its step. */
enum field {
    AT_FROM = 1,
    AT_STREAM,
    AT_FLAGS,
    AT_SEQ,
    AT_ACK = AT_SEQ + 3,
    AT_WINDOW = AT_ACK + 3,
    AT_OPTIONS = AT_WINDOW + 2,
    AT_ECN,
    AT_SPOIL,
    AT_MSS,
    AT_LEN = AT_MSS + 2 + 3 + 1 + 1,
    AT_SACK = AT_LEN + 3,
};

static uint32_t roll(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void compose_segment(uint8_t *s, uint32_t *seed)
{
    static const uint8_t flags[] = {
        TCP_SYN, TCP_SYN | TCP_ECE | TCP_CWR, TCP_SYN | TCP_ACK, TCP_ACK, TCP_ACK,
        TCP_ACK, TCP_ACK | TCP_PSH,           TCP_ACK | TCP_FIN, TCP_RST, TCP_ACK | TCP_ECE,
    };
    s[AT_FROM] = roll(seed) % 8;
    s[AT_STREAM] = roll(seed) % STREAMS;
    s[AT_FLAGS] = flags[roll(seed) % COUNT_OF(flags)];
    s[AT_WINDOW] = roll(seed) % 4 == 0 ? 0 : 0xff;
    s[AT_WINDOW + 1] = (uint8_t)roll(seed);
    s[AT_OPTIONS] = 4;
    if (s[AT_FLAGS] & TCP_SYN) {
        s[AT_OPTIONS] = 15;
        s[AT_MSS] = 5;
        s[AT_MSS + 1] = 0xb4;
        return;
    }
    if (roll(seed) % 2 == 0) /* some segments short of what we sent */
        s[AT_ACK] = (uint8_t)(160 + roll(seed) % 12);
    if (roll(seed) % 2 == 0) {
        s[AT_LEN] = 200;
        s[AT_LEN + 1] = roll(seed) % 8;
        s[AT_LEN + 2] = (uint8_t)roll(seed);
        s[AT_SEQ] = roll(seed) % 3 == 0 ? (uint8_t)(160 + roll(seed) % 4) : 0;
    }
    if (roll(seed) % 2 == 0) { /* blocks from a few segments before SND.UNA to some behind it */
        unsigned blocks = 1 + roll(seed) % 3;
        s[AT_OPTIONS] |= (uint8_t)(blocks << 6);
        for (unsigned i = 0; i < blocks; i++) {
            s[AT_SACK + 6 * i] = (uint8_t)(159 + roll(seed) % 12);
            s[AT_SACK + 6 * i + 3] = (uint8_t)(161 + roll(seed) % 4);
        }
    }
}

/* A step as one would write it by hand. */
static void compose(uint8_t *s, uint32_t *seed)
{
    memset(s, 0, STEP);
    switch (roll(seed) % 8) {
    default:
        compose_segment(s, seed);
        break;
    case 3: /* the application */
        s[0] = 3;
        s[1] = roll(seed) % STREAMS;
        s[2] = (uint8_t)(roll(seed) % (roll(seed) % 16 == 0 ? 8 : 4));
        s[3] = (uint8_t)roll(seed);
        break;
    case 4: /* time, and what it brings */
        s[0] = roll(seed) % 4 == 0 ? 5 : 13;
        if (roll(seed) % 16 == 0)
            s[0] = 0xfd; /* ten minutes */
        s[1] = roll(seed) % 4;
        s[2] = (uint8_t)roll(seed);
        break;
    case 5:
        s[0] = 7;
        break;
    case 6: /* an ICMP error, or a connection of ours */
        s[0] = (uint8_t)(6 | (roll(seed) & 0x18));
        s[1] = roll(seed) % STREAMS;
        s[5] = 2;
        s[6] = roll(seed) % 8;
        break;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed)
{
    uint32_t dice = seed * 2654435761U | 1;
    size_t steps = size / STEP;
    if (steps < 2 || roll(&dice) % 4 == 0) { /* one more */
        if ((steps + 1) * STEP > most)
            return size;
        size_t at = steps < 2 ? steps : 1 + roll(&dice) % steps;
        memmove(data + (at + 1) * STEP, data + at * STEP, (steps - at) * STEP);
        compose(data + at * STEP, &dice);
        return (steps + 1) * STEP;
    }
    uint8_t *one = data + (1 + roll(&dice) % (steps - 1)) * STEP, saved[STEP];
    uint8_t *other = data + (1 + roll(&dice) % (steps - 1)) * STEP;
    switch (roll(&dice) % 8) {
    case 0:
        memmove(one, one + STEP, (size_t)(data + steps * STEP - one) - STEP);
        return (steps - 1) * STEP;
    case 1:
        memcpy(saved, one, STEP);
        memcpy(one, other, STEP);
        memcpy(other, saved, STEP);
        break;
    case 2:
        memmove(one, other, STEP);
        break;
    case 3:
        compose(one, &dice);
        break;
    case 4:
        data[roll(&dice) % 2] = (uint8_t)roll(&dice);
        break;
    default:
        for (unsigned n = 1 + roll(&dice) % 3; n > 0; n--)
            one[roll(&dice) % STEP] = (uint8_t)roll(&dice);
        break;
    }
    return steps * STEP;
}
