// SPDX-License-Identifier: BSD-3-Clause
// A scenario takes place.
#ifndef SPLITMX_TESTS_SIM_PLAY_H
#define SPLITMX_TESTS_SIM_PLAY_H

#include "tests/sim/scenario.h"

namespace sim
{

// Returns what went wrong, with all that helps to understand it; the digest of all frames in
// *digest.
std::string play(uint64_t seed, uint64_t *digest = nullptr);

} // namespace sim

#endif
