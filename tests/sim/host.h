// SPDX-License-Identifier: BSD-3-Clause
// A whole stack at one end of a wire: memory, timers, ip/, tcp/. And a world of two of them.
#ifndef SPLITMX_TESTS_SIM_HOST_H
#define SPLITMX_TESTS_SIM_HOST_H

#include <functional>
#include <memory>
#include <string>

#include "tests/sim/wire.h"

extern "C" {
#include "drivers/ip/ip.h"
#include "drivers/tcp/stack.h"
#include "drivers/tcp/tcp.h"
}

namespace sim
{

// Packet memory outlives a world: pools are expensive. Each (side, budget) has its own.
struct pools *memory(unsigned side, uint32_t budget);

struct HostConfig {
    uint32_t budget = 2048; // data buffers
    uint32_t max_connections = 64, max_half_open = 16, max_time_wait = 64;
    uint32_t receive_window = 256 * 1024, send_limit = 256 * 1024;
    congestion_algorithm congestion = CONGESTION_CUBIC;
    uint16_t port_first = 40000, port_last = 40999;
    unsigned addresses = 1; // more than one: of the link, to connect from
    nsec_t time_wait = 10 * NSEC_PER_SEC, keepalive = 120 * NSEC_PER_SEC;
    bool ecn = false;
    bool ipv6 = false;           // its address, and the other host's
    std::vector<std::string> at; // instead, its addresses; all are of one network,
    uint8_t network = 120;       // whose prefix has so many bits;
    uint8_t network6 = 32;       // that of the IPv6 addresses among them
};

class Host
{
  public:
    Host(Wire &wire, unsigned side, uint64_t seed, const HostConfig &config, nsec_t now);
    ~Host();
    // One round of a worker.
    void round(nsec_t now);
    nsec_t next() const;
    // The secret that a host with this seed has.
    static void secret(uint64_t seed, unsigned side, uint8_t out[16]);
    // Forget everything without a word, and start with this seed's secret.
    void crash(uint64_t seed, nsec_t now);
    // Somebody else has all packet memory, or all nodes, but so much; until then.
    void take_buffers(uint32_t leave, nsec_t until);
    void take_nodes(uint32_t leave, nsec_t until);

    struct endpoint at(uint16_t port) const
    {
        return {address, port};
    }
    static struct ip_addr parse(const std::string &address);
    uint64_t counter(enum tcp_counter which) const
    {
        return tcp_counters(tcp)[which];
    }
    uint64_t frames_sent() const
    {
        return ip_counters(ip_)[IP_TX_FRAMES];
    }
    // Runs in every round after the stack's events: the application's own business.
    std::function<void(nsec_t now)> work;

    struct ip_addr address;
    struct pools *pools;
    struct tcp *tcp = nullptr;
    HostConfig config;
    uint64_t seed = 0;

  private:
    void start(uint64_t seed, nsec_t now);
    void stop();
    void give_back();

    Wire &wire_;
    unsigned side_;
    std::unique_ptr<struct timer_wheel> wheel_;
    struct ip_stack *ip_ = nullptr;
    std::vector<struct rte_mbuf *> taken_;
    std::vector<void *> taken_nodes_;
    nsec_t taken_until_ = 0;
};

// Two hosts, one wire, one clock.
class World
{
  public:
    World(uint64_t seed, const Weather &there, const Weather &back, const Nic &nic,
          const HostConfig &a = HostConfig(), const HostConfig &b = HostConfig(),
          nsec_t start = 1000 * NSEC_PER_SEC);
    ~World();

    // Let time pass until `done`, or for `span` at most. False if it was never done.
    bool run(nsec_t span, const std::function<bool()> &done);
    void run(nsec_t span)
    {
        run(span, [] { return false; });
    }
    // Both hosts gone: what is wrong with the memory that they left, "" if nothing is.
    std::string close();
    // The first violated invariant; checked as time passes.
    const std::string &fault() const
    {
        return wire.fault().empty() ? fault_ : wire.fault();
    }
    // Everything that helps to understand a failure.
    std::string story() const;

    // When the first number of `client`'s connection (side 0) to port `port` of side 1 is
    // `sequence`.
    static nsec_t when_isn_is(uint64_t seed, uint16_t client, uint16_t port, uint32_t sequence,
                              bool ipv6 = false);

    nsec_t now;
    uint64_t seed;
    Wire wire;
    std::unique_ptr<Host> a, b;

  private:
    std::string fault_;
};

} // namespace sim

#endif
