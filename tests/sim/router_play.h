// SPDX-License-Identifier: BSD-3-Clause
// A whole router at work between clients and destinations.
#ifndef SPLITMX_TESTS_SIM_ROUTER_PLAY_H
#define SPLITMX_TESTS_SIM_ROUTER_PLAY_H

#include <cstdint>
#include <string>

namespace sim
{

// What has happened, over all plays: proof that the rare things do.
struct RouterTally {
    uint64_t messages, visits, deliveries, fanned_out, refusals, doubts, partial, suppressed,
        orphans, lost_in_crash, starts, frames;
};

// Returns what went wrong, with all that helps to understand it; the digest of all frames in
// *digest; what happened is added to *tally.
std::string play_router(uint64_t seed, uint64_t *digest = nullptr, RouterTally *tally = nullptr);

} // namespace sim

#endif
