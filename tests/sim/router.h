// SPDX-License-Identifier: BSD-3-Clause
// The real worker at one end of a wire: configuration, snapshot, log, packet memory, and all that
// app/ does with them, in the test's time.
#ifndef SPLITMX_TESTS_SIM_ROUTER_H
#define SPLITMX_TESTS_SIM_ROUTER_H

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/host.h"

extern "C" {
#include "app/publisher.h"
#include "app/worker.h"
}

namespace sim
{

// Files by name; splitmx.ini is the one to begin with.
using Files = std::map<std::string, std::string>;

// What an operator's files come to. It may cost more than a whole simulation: those that were made
// last are kept, for whoever comes with the same content.
class Configuration
{
  public:
    // Throws if anything is wrong with them, after printing what. The snapshot shares with `old`.
    explicit Configuration(const Files &files, struct snapshot *old = nullptr);
    ~Configuration();
    Configuration(const Configuration &) = delete;
    static std::shared_ptr<const Configuration> of(const Files &files);

    struct settings settings;
    struct snapshot *snapshot = nullptr;

  private:
    struct config_errors *errors_;
    struct config *config_ = nullptr;
};

class Router
{
  public:
    Router(Wire &wire, unsigned side, uint64_t seed, const Files &files, nsec_t now,
           uint32_t budget = 4096);
    ~Router();
    // One round of the worker.
    void round(nsec_t now);
    // No later than this it wants the next one.
    nsec_t next() const;
    // The process dies without a word, and another one begins, with these files.
    void crash(uint64_t seed, const Files &files, nsec_t now);
    // These files are put into force while it works.
    void reload(const Files &files);
    // The process is told to end; is it over?
    void shutdown();
    bool over(nsec_t now);
    // What the worker's relay does then, by itself: it accepts nobody any more; and it cuts off
    // who is left.
    void retire();
    void abort();
    // Somebody else has all packet memory but so many buffers; until then.
    void take_buffers(uint32_t leave, nsec_t until);

    uint64_t counter(enum relay_counter which) const; // over all processes
    std::vector<std::string> log();                   // lines since the last call
    // What is in use that should not be when all is over, "" if nothing is.
    std::string leaks();
    const struct relay *relay() const
    {
        return worker_relay(worker_);
    }
    const struct tcp *tcp() const
    {
        return worker_tcp(worker_);
    }

    // The clock of all simulations begins at this time of day.
    static constexpr uint64_t kWall = UINT64_C(1700000000) * NSEC_PER_SEC;
    unsigned starts = 0; // processes that there were

  private:
    void start(uint64_t seed, const Files &files, nsec_t now);
    void stop();
    void give_back();

    Wire &wire_;
    unsigned side_;
    struct pools *pools_;
    std::shared_ptr<const Configuration> configuration_; // settings_ refers to it
    struct settings settings_;
    struct maillog *log_ = nullptr;
    struct publisher *publisher_ = nullptr;
    struct worker *worker_ = nullptr;
    uint64_t wall_offset_ = kWall;
    std::vector<uint64_t> before_;   // counters of earlier processes
    std::vector<std::string> lines_; // likewise, of their logs
    std::vector<struct rte_mbuf *> taken_;
    nsec_t taken_until_ = 0;
};

} // namespace sim

#endif
