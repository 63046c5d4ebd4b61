// SPDX-License-Identifier: BSD-3-Clause
// Snapshots out of files that change.
#ifndef SPLITMX_TESTS_APP_ROUTE_GENERATIONS_H
#define SPLITMX_TESTS_APP_ROUTE_GENERATIONS_H

#include <gtest/gtest.h>

#include "tests/app/route/fixture.h"

extern "C" {
#include "app/route/directory.h"
#include "app/route/tables.h"
}

// An operator's directory, loaded again and again.
class Generations
{
  public:
    Generations()
    {
        own_ = Ip("192.0.2.25");
    }
    ~Generations()
    {
        snapshot_free(now_);
    }
    void Write(const std::string &name, const std::string &text)
    {
        dir_.Write(name, text);
    }
    // The time at which files are read, in ns; what was written just before may still change.
    void SetWall(uint64_t wall)
    {
        wall_ = wall;
    }
    // What the files make as they are now.
    struct snapshot *Make(const std::string &domains, bool force, uint64_t oldest_in_use,
                          std::vector<std::string> *wrong)
    {
        std::string ini = kAround + domains;
        struct config_errors *errors = config_errors_new();
        struct config *config =
            config_parse(dir_.Path("x.ini").c_str(), ini.data(), ini.size(), errors);
        struct snapshot_request request = {};
        request.config = config;
        request.locals = &own_;
        request.local_count = 1;
        request.workers = 1;
        request.old = now_;
        request.oldest_in_use = oldest_in_use;
        request.force_shrink = force;
        request.now = 1000;
        request.wall = wall_;
        struct snapshot *next = snapshot_make(&request, &summary_, errors);
        *wrong = Lines(errors);
        EXPECT_EQ(next == nullptr, !wrong->empty());
        config_free(config);
        config_errors_free(errors);
        return next;
    }
    // What is wrong with the files as they are now; if nothing is, they are in force.
    std::vector<std::string> Load(const std::string &domains, bool force = false,
                                  uint64_t oldest_in_use = 0)
    {
        std::vector<std::string> wrong;
        struct snapshot *next = Make(domains, force, oldest_in_use, &wrong);
        if (next != nullptr) {
            snapshot_seal(next, now_ != nullptr ? snapshot_generation(now_) + 1 : 1);
            Take(next);
        }
        return wrong;
    }
    // In force, with its reference.
    void Take(struct snapshot *next)
    {
        snapshot_free(now_);
        now_ = next;
    }
    // What was read of a domain's mailbox file.
    const struct roster *Roster(const std::string &domain) const
    {
        return directory_find({now_->domains, now_->directory}, {domain.data(), domain.size()});
    }
    struct snapshot *Now() const
    {
        return now_;
    }
    struct route Route(const std::string &address) const
    {
        struct smtp_path path;
        struct route r = {};
        EXPECT_TRUE(route_parse_address(address.c_str(), &path));
        route_recipient(now_, 0, &path, nullptr, &r);
        return r;
    }
    std::string Verdict(const std::string &address) const
    {
        return verdict_text(Route(address).verdict);
    }
    const struct snapshot_summary &Summary() const
    {
        return summary_;
    }
    const struct snapshot *operator*() const
    {
        return now_;
    }

  private:
    TemporaryDirectory dir_;
    struct ip_addr own_;
    struct snapshot *now_ = nullptr;
    struct snapshot_summary summary_ = {};
    uint64_t wall_ = 0;
};

inline std::string Users(int from, int to)
{
    std::string text;
    for (int i = from; i < to; i++)
        text += "user" + std::to_string(i) + "\n";
    return text;
}

inline std::string Domain(const std::string &name, const std::string &extra = "")
{
    return "[domain " + name + "]\nmailboxes = " + name +
           "\nmailbox_server = 192.0.2.10\nexternal_mail_server = 198.51.100.7\n"
           "verification_address = carol@" +
           name + "\nsplit_domain_routing = yes\n" + extra;
}

#endif
