// SPDX-License-Identifier: BSD-3-Clause
// The engine of reloads and batches with its background thread, beside a worker that only looks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "tests/app/route/fixture.h"

extern "C" {
#include "app/control/reload.h"
#include "app/publisher.h"
#include "app/route/grace_file.h"
}

namespace
{
using ::testing::HasSubstr;

class Engine : public ::testing::Test
{
  protected:
    Engine()
    {
        dir_.Write("m", "alice\nbob\n/never/\n");
        ini_ = "[appliance]\nhostname = mx.example.net\ncache = " + dir_.Path("") +
               kAround.substr(kAround.find("\n[port")) + kSplit;
        dir_.Write("x.ini", ini_);
        path_ = dir_.Path("x.ini");
        grace_path_ = dir_.Path("moved");
        errors_ = config_errors_new();
        config_ = config_load(path_.c_str(), errors_);
        own_ = Ip("192.0.2.25");
        struct snapshot *first = snapshot_build(config_, &own_, 1, 1, errors_);
        EXPECT_EQ(config_errors_count(errors_), 0u);
        publisher_ = publisher_create(1, first);
        struct reload_config c = {};
        c.path = path_.c_str();
        c.running = config_;
        c.locals = &own_;
        c.local_count = 1;
        c.publisher = publisher_;
        c.grace_path = grace_path_.c_str();
        c.say = [](void *context, const char *text) { *(std::string *)context += text; };
        c.context = &said_;
        r_ = reload_create(&c);
    }
    ~Engine() override
    {
        EXPECT_TRUE(Until([&] {
            struct reload_state state = reload_state(r_);
            return !state.reloading && !state.folding;
        }));
        EXPECT_TRUE(reload_destroy(r_));
        publisher_destroy(publisher_);
        config_free(config_);
        config_errors_free(errors_);
        EXPECT_EQ(said_, "");
    }

    // What the control thread and the worker do in a round.
    void Round()
    {
        reload_poll(r_);
        publisher_quiescent(publisher_, 0);
        seen_ = publisher_current(publisher_);
        publisher_settled(publisher_, 0, seen_->generation);
    }
    bool Until(const std::function<bool()> &done)
    {
        for (int i = 0; i < 60000 && !done(); i++) {
            Round();
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return done();
    }
    // "" or why not.
    std::string Apply(const std::vector<std::string> &locals, enum book_side side, bool dry = false)
    {
        std::vector<struct change> list(locals.size());
        for (size_t i = 0; i < locals.size(); i++) {
            struct span local = {locals[i].data(), locals[i].size()};
            EXPECT_EQ(address_canonical(local, false, {"example.com", 11}, &list[i].address),
                      ADDRESS_OK);
            list[i].side = side;
        }
        bool ok = change_apply(r_, list.data(), (uint32_t)list.size(), dry, &report_);
        std::string why = report_.text;
        report_free(&report_);
        EXPECT_EQ(ok, why.empty());
        return why;
    }
    std::string Reload()
    {
        struct reload_options careful = {};
        ended_ = false;
        reload_start(
            r_, &careful,
            [](void *context, const struct report *report) {
                auto *t = (Engine *)context;
                t->ended_ = true;
                t->done_ = report->done;
                t->text_ = report->text;
            },
            this);
        EXPECT_TRUE(Until([&] { return ended_; }));
        return text_;
    }
    std::string Verdict(const std::string &local)
    {
        struct smtp_path path;
        struct route out;
        const struct snapshot *s = reload_snapshot(r_);
        std::string address = local + "@example.com";
        EXPECT_TRUE(route_parse_address(address.c_str(), &path));
        route_recipient(s, snapshot_control_scratch(s), &path, nullptr, &out);
        return std::string(verdict_text(out.verdict)) + (out.lagging ? ", lagging" : "");
    }
    static std::vector<std::string> Users(int from, int to)
    {
        std::vector<std::string> list;
        for (int i = from; i < to; i++)
            list.push_back("user" + std::to_string(i));
        return list;
    }

    TemporaryDirectory dir_;
    std::string ini_, path_, grace_path_, said_, text_;
    struct config_errors *errors_;
    struct config *config_;
    struct ip_addr own_;
    struct publisher *publisher_;
    struct reload *r_;
    struct report report_ = {};
    const struct publication *seen_ = nullptr;
    bool ended_ = false, done_ = false;
};

TEST_F(Engine, ABatchIsInForceWhenTheCallReturnsAndADryOneIsNot)
{
    EXPECT_EQ(Apply({"carl"}, BOOK_LOCAL, true), "");
    EXPECT_FALSE(report_.done);
    EXPECT_EQ(Verdict("carl"), "external");
    EXPECT_EQ(Apply({"carl"}, BOOK_LOCAL), "");
    EXPECT_EQ(Verdict("carl"), "local, lagging");
    Round();
    EXPECT_EQ(seen_->snapshot, reload_snapshot(r_));
}

TEST_F(Engine, FoldsManyChangesInTheBackgroundWhileMoreCome)
{
    ASSERT_EQ(Apply(Users(0, 5000), BOOK_LOCAL), "");
    EXPECT_EQ(reload_state(r_).overlay, 5000u);
    ASSERT_TRUE(Until([&] { return reload_state(r_).folding; }));
    ASSERT_EQ(Apply({"user1", "user6000"}, BOOK_EXTERNAL), "");
    ASSERT_TRUE(Until([&] { return !reload_state(r_).folding; }));
    EXPECT_EQ(reload_state(r_).overlay, 2u);
    EXPECT_EQ(Verdict("user0"), "local, lagging");
    EXPECT_EQ(Verdict("user1"), "external, lagging");
    EXPECT_EQ(Verdict("user6000"), "external");
    ASSERT_TRUE(Until([&] { return reload_state(r_).overlay == 0; })) << "when it is quiet";
    EXPECT_EQ(Verdict("user1"), "external, lagging");
    EXPECT_EQ(snapshot_mailbox_count(reload_snapshot(r_)), 5004u);
}

TEST_F(Engine, AReloadTakesTheFilesWordForOldBatchesAndKeepsThoseThatComeMeanwhile)
{
    ASSERT_EQ(Apply({"old"}, BOOK_LOCAL), "");
    std::string file = "alice\ncarl\n/never/\n";
    for (const std::string &user : Users(0, 20000))
        file += user + "\n";
    dir_.Write("m", file);
    struct reload_options careful = {};
    reload_start(
        r_, &careful, [](void *context, const struct report *) { *(bool *)context = true; },
        &ended_);
    Round();
    ASSERT_TRUE(reload_state(r_).reloading);
    ASSERT_EQ(Apply({"new", "bob"}, BOOK_LOCAL), "");
    ASSERT_TRUE(Until([&] { return ended_; }));
    EXPECT_EQ(Verdict("old"), "external, lagging");
    EXPECT_EQ(Verdict("carl"), "local, lagging");
    EXPECT_EQ(Verdict("new"), "local, lagging");
    EXPECT_EQ(Verdict("bob").substr(0, 5), "local") << "said again while the file said otherwise";
}

TEST_F(Engine, AReloadThatFailsChangesNothing)
{
    uint64_t generation = snapshot_generation(reload_snapshot(r_));
    dir_.Write("m", "carl\n/(/\n");
    EXPECT_THAT(Reload(), HasSubstr("m:2: "));
    EXPECT_FALSE(done_);
    EXPECT_EQ(Verdict("carl"), "external");
    EXPECT_EQ(snapshot_generation(reload_snapshot(r_)), generation);
}

TEST_F(Engine, MovesAreOnDiskWhenTheyAreInForce)
{
    ASSERT_EQ(Apply({"carl"}, BOOK_LOCAL), "");
    dir_.Write("m", "alice\nbob\ndora\ncarl\n/never/\n");
    Reload();
    struct grace *g = grace_file_load(grace_path_.c_str(), 0);
    EXPECT_EQ(grace_count(g), 2u);
    EXPECT_GT(grace_end(g, "\ncarl@example.com\n", 18), 0u);
    EXPECT_GT(grace_end(g, "\ndora@example.com\n", 18), 0u);
    grace_unref(g);
}

TEST_F(Engine, ManyGenerationsLeaveNothingBehind)
{
    for (int i = 0; i < 200; i++) {
        ASSERT_EQ(Apply({"user" + std::to_string(i % 7)}, (enum book_side)(i % 3)), "");
        if (i % 50 == 0)
            Reload();
        Round();
    }
    ASSERT_TRUE(Until([&] { return publisher_->oldest->next == nullptr; }));
    EXPECT_EQ(publisher_->oldest, publisher_->current);
}
} // namespace
