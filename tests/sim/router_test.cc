// SPDX-License-Identifier: BSD-3-Clause
// The real worker between clients that retry as MTAs do and destinations that fail at every step.
// Whatever happens: a message that its client saw accepted is at each of its destinations,
// unaltered and nowhere else; nobody hears of it twice without a reason that was counted; no client
// waits longer than it must; nobody bounces for another's refusal; and in the end nothing is left.
//
// --seeds N runs N seeds, --first S begins with seed S, --trace N shows the last N lines of a
// failure; or SPLITMX_SIM_SEEDS and so on in the environment.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/sim/router_play.h"

namespace
{

using namespace sim;

uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != nullptr ? strtoull(text, nullptr, 0) : otherwise;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_UNDEFINED__)
constexpr uint64_t kSeeds = 200; // several times as slow
#else
constexpr uint64_t kSeeds = 2000;
#endif

constexpr unsigned kEnough = 5; // failures

TEST(SimRouter, EveryMessageGetsWhereItShouldWhateverHappens)
{
    uint64_t first = setting("SPLITMX_SIM_FIRST", 1), count = setting("SPLITMX_SIM_SEEDS", kSeeds);
    RouterTally t = {};
    unsigned failed = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        std::string wrong = play_router(seed, nullptr, &t);
        EXPECT_TRUE(wrong.empty()) << wrong << "\nreplay with --seeds 1 --first " << seed;
        failed += !wrong.empty();
        if (failed == kEnough)
            break;
    }
    printf("never:");
    for (unsigned k = 0; k < RELAY_COUNTER_COUNT; k++)
        if (t.counters[k] == 0)
            printf(" %s", relay_counter_list.info[k].name);
    printf("\ntarpits:");
    for (uint64_t n : t.tarpits)
        printf(" %lu", n);
    printf("\n");
    printf(
        "%lu messages, %lu connections of clients, %lu deliveries, %lu messages to several at "
        "once, %lu refusals\n"
        "%lu deliveries in doubt, %lu remembered and again (%lu a changed retry, %lu forgotten), "
        "%lu not repeated, %lu unheard by their clients; %lu messages accepted in part\n"
        "%lu lost from the log in %lu restarts; %lu frames\n",
        t.messages, t.visits, t.deliveries, t.fanned_out, t.refusals, t.doubts,
        t.changed + t.missed, t.changed, t.missed, t.suppressed, t.orphans, t.partial,
        t.lost_in_crash, t.starts - t.plays, t.frames);
}

TEST(SimRouter, ASeedDoesAgainWhatItDid)
{
    for (uint64_t seed : {2, 5, 11}) {
        uint64_t first = 0, second = 0;
        EXPECT_EQ(play_router(seed, &first), "");
        EXPECT_EQ(play_router(seed, &second), "");
        EXPECT_EQ(first, second);
    }
}

} // namespace
