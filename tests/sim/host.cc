// SPDX-License-Identifier: BSD-3-Clause
#include "tests/sim/host.h"

#include <algorithm>
#include <cstring>
#include <map>

#include <rte_mbuf.h>

namespace sim
{

namespace
{

struct ip_addr address_of(unsigned side, bool ipv6)
{
    if (ipv6)
        return {{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, uint8_t(side + 1)}};
    const uint8_t v4[4] = {10, 0, 0, uint8_t(side + 1)};
    uint32_t be;
    memcpy(&be, v4, 4);
    return ip_addr_from_v4(be);
}

std::map<std::pair<unsigned, uint32_t>, struct pools> &all_memory()
{
    static std::map<std::pair<unsigned, uint32_t>, struct pools> all;
    return all;
}

} // namespace

struct pools *memory(unsigned side, uint32_t budget)
{
    auto &all = all_memory();
    auto found = all.find({side, budget});
    if (found != all.end())
        return &found->second;
    char name[16];
    snprintf(name, sizeof(name), "%u-%u", side, budget);
    struct pools_config config = {};
    config.name = name;
    config.socket = -1;
    config.rings = 256;
    config.budget = budget;
    config.reserve = 64;
    config.packets_out = 2048;
    struct pools &p = all[{side, budget}];
    if (pools_create(&p, &config) != 0)
        abort();
    return &p;
}

Host::Host(Wire &wire, unsigned side, uint64_t seed, const HostConfig &c, nsec_t now)
    : address(c.at.empty() ? address_of(side, c.ipv6) : parse(c.at[0])),
      pools(memory(side, c.budget)), config(c), wire_(wire), side_(side),
      wheel_(std::make_unique<struct timer_wheel>())
{
    wire.end(side).pools = pools;
    timer_wheel_init(wheel_.get(), now);
    start(seed, now);
}

Host::~Host()
{
    stop();
}

struct ip_addr Host::parse(const std::string &text)
{
    struct ip_addr a;
    if (!ip_addr_parse(text.data(), text.size(), &a))
        abort();
    return a;
}

void Host::start(uint64_t s, nsec_t now)
{
    seed = s;
    struct ip_link_config link = {};
    link.link = &wire_.end(side_).link;
    link.address_count = config.at.empty() ? config.addresses : unsigned(config.at.size());
    for (unsigned k = 0; k < link.address_count; k++) {
        link.addresses[k] = address;
        if (!config.at.empty())
            link.addresses[k] = parse(config.at[k]);
        else if (k > 0)
            link.addresses[k].b[15] = uint8_t(100 + 10 * side_ + k);
        bool v4 = ip_addr_is_v4(&link.addresses[k]);
        uint8_t bits = v4 || config.at.empty() ? config.network : config.network6;
        link.networks[k] = {link.addresses[k], bits};
        memset(link.networks[k].addr.b + bits / 8, 0, 16 - bits / 8);
    }
    struct ip_config ip = {};
    ip.links = &link;
    ip.link_count = 1;
    ip.pools = pools;
    ip.wheel = wheel_.get();
    ip.neighbour_entries = 16;
    ip.reassembly_flows = 16;
    ip.seed = seed;
    ip_ = ip_create(&ip, now);
    struct tcp_config t = {};
    t.ip = ip_;
    t.pools = pools;
    t.wheel = wheel_.get();
    t.max_connections = config.max_connections;
    t.max_half_open = config.max_half_open;
    t.max_time_wait = config.max_time_wait;
    t.receive_window = config.receive_window;
    t.send_limit = config.send_limit;
    t.congestion = config.congestion;
    t.port_first = config.port_first;
    t.port_last = config.port_last;
    t.time_wait = config.time_wait;
    t.keepalive = config.keepalive;
    t.ecn = config.ecn;
    secret(seed, side_, t.secret);
    tcp = tcp_create(&t, now);
    if (ip_ == nullptr || tcp == nullptr)
        abort();
}

void Host::secret(uint64_t seed, unsigned side, uint8_t out[16])
{
    for (unsigned k = 0; k < 16; k++)
        out[k] = uint8_t(seed >> (k % 8 * 8)) ^ uint8_t(k * 37 + side);
}

void Host::stop()
{
    if (tcp == nullptr)
        return;
    give_back();
    tcp_destroy(tcp);
    ip_destroy(ip_);
    tcp = nullptr;
    ip_ = nullptr;
}

void Host::crash(uint64_t s, nsec_t now)
{
    stop();
    start(s, now);
}

void Host::take_buffers(uint32_t leave, nsec_t until)
{
    taken_until_ = until;
    while (rte_mempool_avail_count(pools->data) > leave) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pools->data);
        if (m == nullptr)
            break;
        taken_.push_back(m);
    }
}

void Host::take_nodes(uint32_t leave, nsec_t until)
{
    taken_until_ = until;
    while (tcp->nodes.in_use + leave < tcp->nodes.count)
        taken_nodes_.push_back(node_take(&tcp->nodes));
}

void Host::give_back()
{
    for (struct rte_mbuf *m : taken_)
        rte_pktmbuf_free(m);
    for (void *node : taken_nodes_)
        node_give(&tcp->nodes, node);
    taken_.clear();
    taken_nodes_.clear();
}

void Host::round(nsec_t now)
{
    if (now >= taken_until_)
        give_back();
    pools_poll(pools);
    ip_set_now(ip_, now);
    tcp_set_now(tcp, now);
    while (ip_receive(ip_) > 0)
        ;
    timer_wheel_advance(wheel_.get(), now);
    tcp_dispatch(tcp);
    if (work)
        work(now);
    tcp_flush(tcp);
    ip_flush(ip_);
}

nsec_t Host::next() const
{
    return timer_wheel_next(wheel_.get());
}

World::World(uint64_t s, const Weather &there, const Weather &back, const Nic &nic,
             const HostConfig &ca, const HostConfig &cb, nsec_t start)
    : now(start), seed(s), wire(s * 3 + 1, there, back, nic),
      a(std::make_unique<Host>(wire, 0, s * 3 + 2, ca, now)),
      b(std::make_unique<Host>(wire, 1, s * 3 + 3, cb, now))
{
    wire.advance(now);
}

nsec_t World::when_isn_is(uint64_t seed, uint16_t client, uint16_t port, uint32_t sequence,
                          bool ipv6)
{
    struct isn isn;
    uint8_t secret[16];
    Host::secret(seed * 3 + 2, 0, secret);
    if (!isn_create(&isn, secret))
        abort();
    struct endpoint local = {address_of(0, ipv6), client}, peer = {address_of(1, ipv6), port};
    nsec_t start = 1000 * NSEC_PER_SEC;
    uint32_t ticks = sequence - isn_for(&isn, &local, &peer, start).sequence;
    isn_destroy(&isn);
    return start + ticks * (4 * NSEC_PER_USEC);
}

World::~World()
{
    close();
}

bool World::run(nsec_t span, const std::function<bool()> &done)
{
    // Work that waits for nothing (output without memory, an application that reads by and by)
    // gets its round at least this often; and no round is free.
    const nsec_t kLongest = 100 * NSEC_PER_MSEC, kShortest = 20 * NSEC_PER_USEC;
    nsec_t end = now + span;
    while (!done() && fault().empty()) {
        if (now >= end)
            return false;
        a->round(now);
        b->round(now);
        for (Host *h : {a.get(), b.get()}) {
            const char *wrong = tcp_fault(h->tcp);
            if (wrong != nullptr && fault_.empty())
                fault_ = std::string(wrong) + " (host " + (h == a.get() ? "a)" : "b)");
        }
        nsec_t next = std::min({wire.next(), a->next(), b->next(), now + kLongest});
        now = std::max(next, now + kShortest);
        wire.advance(now);
    }
    return fault().empty();
}

std::string World::close()
{
    if (a == nullptr)
        return "";
    std::string wrong;
    struct pools *both[2] = {a->pools, b->pools};
    a.reset();
    b.reset();
    wire.settle();
    for (unsigned side = 0; side < 2; side++) {
        std::string who = std::string(" of host ") + (side == 0 ? "a" : "b");
        struct pools *p = both[side];
        if (rte_mempool_in_use_count(p->data) != 0)
            wrong += "data buffers did not come home" + who + "; ";
        if (rte_mempool_in_use_count(p->header) != 0)
            wrong += "header buffers did not come home" + who + "; ";
        if (rte_mempool_in_use_count(p->indirect) != 0)
            wrong += "indirect buffers did not come home" + who + "; ";
        if (p->promised != 0)
            wrong += "promises are left" + who + "; ";
    }
    return wrong.empty() ? fault() : wrong;
}

std::string World::story() const
{
    std::string text = "seed " + std::to_string(seed) + "\n" + wire.trace();
    for (const Host *h : {a.get(), b.get()}) {
        if (h == nullptr)
            continue;
        text += h == a.get() ? "a:" : "b:";
        for (unsigned k = 0; k < tcp_counter_list.count; k++)
            if (uint64_t n = tcp_counters(h->tcp)[k])
                text += " " + std::string(tcp_counter_list.info[k].name) + "=" + std::to_string(n);
        text += "\n";
    }
    return text + fault();
}

} // namespace sim
