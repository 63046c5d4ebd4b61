// SPDX-License-Identifier: BSD-3-Clause
// The timing wheel against a plain model, and its promises one by one.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

extern "C" {
#include "drivers/base/timer.h"
}

namespace
{

struct Probe {
    struct timer timer; // first: the callback finds its probe by it
    std::vector<nsec_t> fired;
    static void fire(struct timer *t, nsec_t now)
    {
        reinterpret_cast<Probe *>(t)->fired.push_back(now);
    }
    Probe() : timer{}
    {
        timer_init(&timer, fire);
    }
};

struct Wheel : ::testing::Test {
    std::unique_ptr<struct timer_wheel> w = std::make_unique<struct timer_wheel>();
    void SetUp() override
    {
        timer_wheel_init(w.get(), 0);
    }
};

TEST_F(Wheel, FiresAtItsTimeAndNeverBefore)
{
    Probe p;
    timer_arm(w.get(), &p.timer, 300 * NSEC_PER_MSEC);
    EXPECT_EQ(timer_wheel_advance(w.get(), 299 * NSEC_PER_MSEC), 0u);
    EXPECT_EQ(timer_wheel_advance(w.get(), 300 * NSEC_PER_MSEC), 1u);
    EXPECT_FALSE(timer_armed(&p.timer));
}

TEST_F(Wheel, ADisarmedTimerDoesNotFire)
{
    Probe p;
    timer_arm(w.get(), &p.timer, NSEC_PER_SEC);
    timer_disarm(w.get(), &p.timer);
    EXPECT_EQ(timer_wheel_advance(w.get(), 10 * NSEC_PER_SEC), 0u);
    EXPECT_EQ(timer_wheel_next(w.get()), UINT64_MAX);
}

TEST_F(Wheel, ArmingAgainMovesTheTimer)
{
    Probe p;
    timer_arm(w.get(), &p.timer, NSEC_PER_SEC);
    timer_arm(w.get(), &p.timer, 2 * NSEC_PER_SEC);
    EXPECT_EQ(timer_wheel_advance(w.get(), NSEC_PER_SEC), 0u);
    EXPECT_EQ(timer_wheel_advance(w.get(), 2 * NSEC_PER_SEC), 1u);
}

struct Twins {
    struct timer a, b;
    struct timer_wheel *w;
};

TEST_F(Wheel, ACallbackMayDisarmAnotherTimerOfTheSameTick)
{
    Twins t{};
    t.w = w.get();
    auto a = [](struct timer *x, nsec_t) {
        Twins *self = reinterpret_cast<Twins *>(x);
        timer_disarm(self->w, &self->b);
    };
    auto b = [](struct timer *x, nsec_t) {
        Twins *self = reinterpret_cast<Twins *>(reinterpret_cast<char *>(x) - sizeof(struct timer));
        timer_disarm(self->w, &self->a);
    };
    timer_init(&t.a, a);
    timer_init(&t.b, b);
    timer_arm(w.get(), &t.a, NSEC_PER_SEC);
    timer_arm(w.get(), &t.b, NSEC_PER_SEC);
    EXPECT_EQ(timer_wheel_advance(w.get(), NSEC_PER_SEC), 1u);
    EXPECT_EQ(timer_wheel_advance(w.get(), 9 * NSEC_PER_SEC), 0u);
}

TEST_F(Wheel, ASleeperIsWokenOnceALevelForATimerThatIsFarAway)
{
    Probe p;
    for (nsec_t span : {NSEC_PER_MSEC, NSEC_PER_SEC, 600 * NSEC_PER_SEC, 86400 * NSEC_PER_SEC}) {
        nsec_t start = w->tick * NSEC_PER_MSEC, now = start;
        unsigned naps = 0;
        p.fired.clear();
        timer_arm(w.get(), &p.timer, start + span);
        for (; p.fired.empty(); naps++) {
            now = timer_wheel_next(w.get());
            timer_wheel_advance(w.get(), now);
        }
        EXPECT_EQ(p.fired, std::vector<nsec_t>{start + span});
        EXPECT_LE(naps, unsigned(TIMER_LEVELS));
    }
}

TEST_F(Wheel, AgreesWithASortedListThroughAMillionRandomSteps)
{
    std::mt19937_64 random(7);
    std::vector<std::unique_ptr<Probe>> probes;
    for (int i = 0; i < 64; i++)
        probes.push_back(std::make_unique<Probe>());
    std::map<Probe *, uint64_t> model; // when due, in ticks
    nsec_t now = 0;
    for (int step = 0; step < 300000; step++) {
        Probe *p = probes[random() % probes.size()].get();
        switch (random() % 4) {
        case 0:
            timer_disarm(w.get(), &p->timer);
            model.erase(p);
            break;
        case 1:
        case 2: {
            static const uint64_t spans[] = {3, 300, 70000, 20000000};
            nsec_t when = now + random() % (spans[random() % 4] * NSEC_PER_MSEC);
            timer_arm(w.get(), &p->timer, when);
            // The wheel has fired the tick of `now` already: the earliest is the one after it.
            uint64_t tick = (when + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
            model[p] = std::max(tick, step == 0 ? 0 : now / NSEC_PER_MSEC + (now == 0 ? 0 : 1));
            break;
        }
        default: {
            static const uint64_t leaps[] = {1, 2, 300, 70000};
            nsec_t next = timer_wheel_next(w.get());
            for (auto &[probe, tick] : model)
                ASSERT_LE(next / NSEC_PER_MSEC, tick) << "a sleeper would oversleep";
            now += 1 + random() % (leaps[random() % 4] * NSEC_PER_MSEC);
            for (auto &q : probes)
                q->fired.clear();
            timer_wheel_advance(w.get(), now);
            for (auto &q : probes) {
                auto due = model.find(q.get());
                bool expect = due != model.end() && due->second <= now / NSEC_PER_MSEC;
                ASSERT_EQ(q->fired.size(), expect ? 1u : 0u) << "step " << step;
                if (expect)
                    model.erase(due);
            }
        }
        }
    }
    for (auto &p : probes)
        timer_disarm(w.get(), &p->timer);
    EXPECT_EQ(w->armed, 0u);
}

} // namespace
