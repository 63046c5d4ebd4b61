// SPDX-License-Identifier: BSD-3-Clause
// Which of a destination's servers is asked. failover_test.cc has what comes of it.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>

extern "C" {
#include "app/relay/targets.h"
}

namespace
{

struct Targets : ::testing::Test {
    struct targets t;
    nsec_t now = NSEC_PER_SEC;

    void Start(const std::string &text)
    {
        struct servers s;
        const char *item, *why;
        size_t len;
        ASSERT_TRUE(servers_parse(text.c_str(), nullptr, &s, &item, &len, &why)) << why;
        targets_start(&t, &s);
    }
    // How often each is chosen, by the last byte of its address.
    std::map<int, int> Shares()
    {
        std::map<int, int> shares;
        for (uint64_t i = 0; i < 60; i++)
            shares[t.list[targets_choose(&t, now, i)].at.addr.b[15]]++;
        return shares;
    }
};

using Map = std::map<int, int>;

TEST_F(Targets, ThoseOfTheLowestPriorityShareByWeight)
{
    Start("192.0.2.1 weight 3, 192.0.2.2 weight 2, 192.0.2.3, 192.0.2.4 priority 11");
    EXPECT_EQ(Shares(), (Map{{1, 30}, {2, 20}, {3, 10}}));
}

TEST_F(Targets, OneThatFailsLeavesItsShareToThoseBesideIt)
{
    Start("192.0.2.1 weight 3, 192.0.2.2 weight 2, 192.0.2.3, 192.0.2.4 priority 11");
    EXPECT_TRUE(targets_note_failure(&t, 0, now));
    EXPECT_FALSE(targets_note_failure(&t, 0, now));
    EXPECT_EQ(Shares(), (Map{{2, 40}, {3, 20}}));
    targets_note_failure(&t, 1, now);
    targets_note_failure(&t, 2, now);
    EXPECT_EQ(Shares(), (Map{{4, 60}}));
    EXPECT_TRUE(targets_note_success(&t, 1));
    EXPECT_EQ(Shares(), (Map{{2, 60}}));
}

TEST_F(Targets, ItIsTriedByOneWhenItsPauseIsOverAndPausesGrow)
{
    Start("192.0.2.1, 192.0.2.2 priority 11");
    nsec_t pause = TARGET_PAUSE;
    for (int i = 0; i < 8; i++) {
        targets_note_failure(&t, 0, now);
        now += pause - 1;
        EXPECT_FALSE(targets_have_better(&t, 1, now));
        EXPECT_EQ(Shares(), (Map{{2, 60}}));
        now += 1;
        EXPECT_TRUE(targets_have_better(&t, 1, now));
        EXPECT_EQ(Shares(), (Map{{1, 1}, {2, 59}}));
        pause = pause < TARGET_PAUSE_MAX ? 2 * pause : pause;
    }
    EXPECT_EQ(pause, TARGET_PAUSE_MAX);
}

TEST_F(Targets, WhereAllHaveFailedTheFirstWhoseTimeComesIsTried)
{
    Start("192.0.2.1, 192.0.2.2 priority 11");
    targets_note_failure(&t, 1, now);
    targets_note_failure(&t, 0, now + 1);
    EXPECT_FALSE(targets_any_usable(&t, now));
    EXPECT_EQ(targets_choose(&t, now + 2, 0), 1u);
    EXPECT_EQ(targets_choose(&t, now + 2, 0), 0u);
}

TEST_F(Targets, EachIsUntriedUntilItGreetsOrFails)
{
    struct targets seen;
    Start("192.0.2.1, 192.0.2.2, 192.0.2.3");
    targets_note_success(&t, 0);
    targets_note_failure(&t, 1, now);
    targets_copy(&t, &seen);
    EXPECT_EQ(seen.list[0].state, TARGET_UP);
    EXPECT_EQ(seen.list[1].state, TARGET_DOWN);
    EXPECT_EQ(seen.list[2].state, TARGET_UNTRIED);
    targets_note_success(&t, 1);
    targets_note_failure(&t, 0, now);
    targets_start(&seen, &t.servers);
    targets_recall(&seen, &t);
    EXPECT_EQ(seen.list[0].state, TARGET_DOWN);
    EXPECT_EQ(seen.list[1].state, TARGET_UP);
}

// Names are looked up by the system; a text that it takes for an address is that.
TEST_F(Targets, ANameThatMovesTakesWhatIsKnownOfItsAddressesAlong)
{
    struct ip_addr local = {.b = {IP_V4_MAPPED, 192, 0, 2, 25}};
    struct names *n = names_create(&local, 1);
    Start("192.0.2.1, 192.0.2.2 priority 11");
    struct servers s = t.servers;
    s.list[0].name = names_enter(n, {"192.0.2.7", 9});
    targets_start(&t, &s);
    ASSERT_EQ(t.count, 2u);
    EXPECT_EQ(t.list[0].at.addr.b[15], 7);
    EXPECT_FALSE(targets_renew(&t));
    targets_note_failure(&t, 0, now);
    t.versions[0] = 0; // as if it had been looked up again
    EXPECT_TRUE(targets_renew(&t));
    EXPECT_EQ(t.list[0].pause, TARGET_PAUSE);
    EXPECT_EQ(t.list[0].state, TARGET_DOWN);
    EXPECT_EQ(targets_find(&t, &t.list[1].at), 1u);
    struct endpoint gone = {local, 25};
    EXPECT_EQ(targets_find(&t, &gone), 2u);
    EXPECT_FALSE(targets_note_success(&t, 2));
    EXPECT_TRUE(targets_have_better(&t, 2, now));
    names_destroy(n);
}

// What the worker and the control thread do at the same time.
TEST_F(Targets, WhoeverLooksMeanwhileSeesAWholeList)
{
    struct ip_addr local = {.b = {IP_V4_MAPPED, 192, 0, 2, 25}};
    struct names *n = names_create(&local, 1);
    std::atomic<bool> over{false};
    Start("192.0.2.1, 192.0.2.2, 192.0.2.3");
    struct servers s = t.servers;
    s.list[0].name = names_enter(n, {"192.0.2.7", 9});
    targets_start(&t, &s);
    ASSERT_EQ(t.count, 3u);
    std::thread worker([&] {
        while (!over) {
            t.versions[0] = 0;
            targets_renew(&t);
        }
    });
    unsigned torn = 0;
    for (int i = 0; i < 200000; i++) {
        struct targets seen;
        targets_copy(&t, &seen);
        torn += seen.count != 3;
    }
    over = true;
    worker.join();
    EXPECT_EQ(torn, 0u);
    names_destroy(n);
}

} // namespace
