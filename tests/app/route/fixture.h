// SPDX-License-Identifier: BSD-3-Clause
// A snapshot out of an INI and mailbox files that are strings.
#ifndef SPLITMX_TESTS_APP_ROUTE_FIXTURE_H
#define SPLITMX_TESTS_APP_ROUTE_FIXTURE_H

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/config/loaded.h"

extern "C" {
#include "app/route/explain.h"
#include "app/route/parse.h"
#include "app/route/route.h"
#include "app/route/snapshot.h"
}

// Lines 1 to 7: what a domain does not care about.
inline const std::string kAround = kLeast;

// [domain example.com] as the operator of a split domain writes it, line 8 of the file.
inline const std::string kSplit = "[domain example.com]\n"
                                  "mailboxes = m\n"
                                  "mailbox_server = 192.0.2.10\n"
                                  "external_mail_server = 198.51.100.7:2525\n"
                                  "verification_address = carol@example.com\n"
                                  "split_domain_routing = yes\n";

class TemporaryDirectory
{
  public:
    TemporaryDirectory()
    {
        char name[] = "/tmp/splitmx-test-XXXXXX";
        path_ = mkdtemp(name);
    }
    ~TemporaryDirectory()
    {
        std::filesystem::remove_all(path_);
    }
    void Write(const std::string &name, const std::string &text) const
    {
        std::ofstream(path_ / name, std::ios::binary) << text;
    }
    std::string Path(const std::string &name) const
    {
        return path_ / name;
    }

  private:
    std::filesystem::path path_;
};

inline struct ip_addr Ip(const std::string &text)
{
    struct ip_addr a = {};
    if (!ip_addr_parse(text.data(), text.size(), &a))
        abort();
    return a;
}

class Routed
{
  public:
    // `files`: name → content; the appliance itself is 192.0.2.25.
    explicit Routed(const std::string &domains, const std::map<std::string, std::string> &files,
                    const std::string &around = kAround)
    {
        for (auto &[name, text] : files)
            dir_.Write(name, text);
        std::string ini = around + domains;
        errors_ = config_errors_new();
        config_ = config_parse(dir_.Path("x.ini").c_str(), ini.data(), ini.size(), errors_);
        struct ip_addr own = Ip("192.0.2.25");
        snapshot_ = snapshot_build(config_, &own, 1, 1, errors_);
    }
    Routed(const Routed &) = delete;
    ~Routed()
    {
        snapshot_free(snapshot_);
        config_free(config_);
        config_errors_free(errors_);
    }

    // Without the directory.
    std::vector<std::string> Errors() const
    {
        std::vector<std::string> lines = Lines(errors_);
        for (std::string &line : lines)
            if (line.rfind(dir_.Path(""), 0) == 0)
                line.erase(0, dir_.Path("").size());
        return lines;
    }
    bool Ok() const
    {
        return snapshot_ != nullptr;
    }
    const struct snapshot *operator*() const
    {
        return snapshot_;
    }

    struct route Route(const std::string &address, const std::string &client = "") const
    {
        struct smtp_path path;
        struct route r = {};
        struct ip_addr from = client.empty() ? Ip("::") : Ip(client);
        r.verdict = VERDICT_BAD_ADDRESS;
        if (route_parse_address(address.c_str(), &path))
            route_recipient(snapshot_, 0, &path, client.empty() ? nullptr : &from, &r);
        return r;
    }
    std::string Verdict(const std::string &address, const std::string &client = "") const
    {
        return verdict_text(Route(address, client).verdict);
    }
    std::string Rule(const std::string &address) const
    {
        return Route(address).rule;
    }
    explanation Explanation(const std::string &address) const
    {
        explanation e;
        route_explain(snapshot_, 0, address.c_str(), nullptr, &e);
        return e;
    }
    std::string Explain(const std::string &address) const
    {
        char *text = nullptr;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);
        explanation e = Explanation(address);
        explanation_print(&e, address.c_str(), f);
        fclose(f);
        std::string s(text, size);
        free(text);
        return s;
    }

  private:
    TemporaryDirectory dir_;
    struct config_errors *errors_;
    struct config *config_;
    struct snapshot *snapshot_;
};

#endif
