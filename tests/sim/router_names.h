// SPDX-License-Identifier: BSD-3-Clause
// Host names of servers, and a resolver that says of them what a simulation wants.
#ifndef SPLITMX_TESTS_SIM_ROUTER_NAMES_H
#define SPLITMX_TESTS_SIM_ROUTER_NAMES_H

#include <string>

extern "C" {
#include "app/route/names.h"
}

namespace sim
{

// Of all configurations, which may be kept for long.
struct names *all_names();

// From now on it is there; whoever knows the name hears of it when it is looked up again.
void name_is_at(const std::string &name, const std::string &address);
void look_up_again();

} // namespace sim

#endif
