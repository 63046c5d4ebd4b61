// SPDX-License-Identifier: BSD-3-Clause
// A whole router at work between clients and destinations.
#ifndef SPLITMX_TESTS_SIM_ROUTER_PLAY_H
#define SPLITMX_TESTS_SIM_ROUTER_PLAY_H

#include <cstdint>
#include <string>

#include "tests/sim/router_server.h"

extern "C" {
#include "app/relay/relay.h"
}

namespace sim
{

// What has happened, over all plays: proof that the rare things do.
struct RouterTally {
    uint64_t plays, messages, visits, deliveries, fanned_out, refusals, doubts, changed, missed,
        partial, suppressed, orphans, lost_in_crash, starts, frames;
    uint64_t counters[RELAY_COUNTER_COUNT]; // of all routers
    uint64_t tarpits[size_t(Stage::COUNT)]; // answers that took 20 s to 9 min, by step
};

// Returns what went wrong, with all that helps to understand it; the digest of all frames in
// *digest; what happened is added to *tally.
std::string play_router(uint64_t seed, uint64_t *digest = nullptr, RouterTally *tally = nullptr);

} // namespace sim

#endif
