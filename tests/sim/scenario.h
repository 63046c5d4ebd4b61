// SPDX-License-Identifier: BSD-3-Clause
// What a world is like and what will happen in it, from a seed.
#ifndef SPLITMX_TESTS_SIM_SCENARIO_H
#define SPLITMX_TESTS_SIM_SCENARIO_H

#include <vector>

#include "tests/sim/conversation.h"

namespace sim
{

// From then on.
struct Change {
    nsec_t at;
    Weather weather[2]; // of what each side sends
};

struct Trouble {
    enum Kind {
        LIE,     // an ICMP error about `side` that no router sent
        CRASH,   // `side` forgets all its connections, and its secret
        RESTART, // the same, but it keeps its secret
        FAMINE,  // somebody takes all packet memory of `side`, but `left`
        SHORTAGE // and all records of its queues, but `left`
    } kind;
    nsec_t at;
    unsigned side;
    uint32_t left;
    nsec_t lasts;
};

// One conversation after the other, between the same port of side 1 and a port of side 0.
struct Meeting {
    Manner manner[2];
    nsec_t begins;
    unsigned times = 1;
    bool polite = true; // nobody leaves before all is said and heard
};

struct Scenario {
    HostConfig host[2];
    Nic nic;
    std::vector<Change> weather; // the first is there from the start
    std::vector<Trouble> troubles;
    std::vector<Meeting> meetings;
    nsec_t start;
    bool hopeless = false; // connections may be given up by right
    bool corrupt = false;
};

// The first conversation is to port 2500 of side 1, the next to 2501.
constexpr uint16_t kPort = 2500;

Scenario scenario(uint64_t seed);

} // namespace sim

#endif
