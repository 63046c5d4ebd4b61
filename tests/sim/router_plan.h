// SPDX-License-Identifier: BSD-3-Clause
// What will happen around a router, from a seed: its configuration, its clients and their mail, its
// destinations, the wire, and what goes wrong with all of them until a time when nothing does.
#ifndef SPLITMX_TESTS_SIM_ROUTER_PLAN_H
#define SPLITMX_TESTS_SIM_ROUTER_PLAN_H

#include <vector>

#include "tests/sim/router.h"
#include "tests/sim/router_client.h"
#include "tests/sim/router_server.h"

namespace sim
{

struct RouterTrouble {
    enum Kind {
        CRASH,    // the router's process is killed, and starts again
        SHUTDOWN, // it is told to end, and starts again
        FAMINE,   // all packet memory but `left` is taken
        OUTAGE,   // no frame passes
        REBOOT,   // a destination's machine is gone for a while
        RENUMBER, // the server that has a name gets another address
        RESOLVE,  // ... and the router hears of it
        MOVE,     // some mailboxes of the split domain change sides, while mail flows
    } kind;
    nsec_t at;
    uint32_t left; // FAMINE; REBOOT: which
    nsec_t lasts;
};

struct Posted {
    unsigned client;
    nsec_t due;
    Mail mail;
};

struct RouterPlan {
    Files files[2];         // before and after a move
    uint32_t budget = 2048; // data buffers
    Nic nic;
    Weather weather[2];
    std::vector<ServerPlan> servers;
    std::vector<ClientPlan> clients;
    std::vector<Posted> posts;
    std::vector<RouterTrouble> troubles;
    nsec_t start, good_from, memo_ttl;
    size_t max_size;
    bool dsn;      // it is offered
    bool forwards; // the last of `clients` sends on what destinations have got
};

RouterPlan router_plan(uint64_t seed);

} // namespace sim

#endif
