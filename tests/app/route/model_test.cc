// SPDX-License-Identifier: BSD-3-Clause
// The router's decisions against a plain model, over random files, spellings, and sequences of
// changes, some of which must be refused.
//
//     MODEL_LIVES=1000 MODEL_SEED=1 route_test --gtest_filter='Model*'
//
// A failure says the seed of its life: MODEL_LIVES=1 with that seed does the same again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/app/route/fixture.h"
#include "tests/app/route/model.h"

namespace
{

#if defined(__SANITIZE_ADDRESS__)
constexpr uint64_t kLives = 5; // they are slow there
#else
constexpr uint64_t kLives = 30;
#endif

uint64_t FromEnvironment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != nullptr ? strtoull(text, nullptr, 10) : otherwise;
}

// Clients, by their side in a domain with a section.
const struct {
    const char *address;
    Side side;
    bool accepted_by_fallback;
} kClients[] = {{"203.0.113.9", Side::kOutside, true},
                {"192.0.2.10", Side::kLocal, false},
                {"198.51.100.7", Side::kExternal, true},
                {"203.0.114.9", Side::kOutside, false},
                {"", Side::kOutside, false}};

// No section's, whatever they look like.
const DomainName kStrangers[] = {{"examp1e.com", {"examp1e.com"}},
                                 {"xn--exmple-4nf.com", {"ex\u0430mple.com", "xn--exmple-4nf.com"}},
                                 {"bucher.example", {"bucher.example"}},
                                 {"com", {"com"}},
                                 {"sub.example.com", {"sub.example.com"}},
                                 {"ample.com", {"ample.com"}}};

// One appliance from its first start through many changes.
class Life
{
  public:
    explicit Life(uint64_t seed) : random_(seed), own_(Ip("192.0.2.25"))
    {
        many_ = random_() % 8 == 0 ? 3000 : random_() % 4 ? 200 : 8;
    }
    ~Life()
    {
        snapshot_free(now_);
    }

    void Live()
    {
        files_.sections.clear();
        ChangeFiles();
        Reload();
        for (int step = 0; step < 12 && !::testing::Test::HasFatalFailure(); step++) {
            World before = files_;
            ChangeFiles();
            if (random_() % 4 == 0) {
                SpoilAndReload();
                files_ = before;
            } else if (!Reload()) {
                files_ = before;
            }
            for (int i = 0; i < 400 && !::testing::Test::HasFatalFailure(); i++)
                Ask();
        }
    }

    static std::map<std::string, uint64_t> seen; // verdicts and events, to know what was tested

  private:
    size_t Index(char c)
    {
        for (size_t i = 0;; i++)
            if (Letters()[i].canonical == std::string(1, c))
                return i;
    }
    Local FromText(const std::string &ascii)
    {
        Local local;
        for (char c : ascii)
            local.push_back(Index(c));
        return local;
    }
    // Of few characters, so that entries, expressions and questions meet.
    Local RandomLocal()
    {
        static const std::string few = "abeho1+-._=";
        Local local;
        for (unsigned n = 1 + random_() % (many_ > 1000 ? 8 : 4); n > 0; n--)
            local.push_back(random_() % 5 ? Index(few[random_() % few.size()])
                                          : random_() % Letters().size());
        if (random_() % 50 == 0)
            local.resize(64, Index('a'));
        if (Canonical(local).size() > 64)
            local.resize(12);
        return random_() % 40 ? local : FromText("postmaster");
    }
    Local Known()
    {
        return known_.empty() ? RandomLocal() : OneOf(random_, known_);
    }

    // --------------------------------------------------------------------------------- change --

    void ChangeEntries(Mailboxes &m)
    {
        unsigned adds = (unsigned)(random_() % (many_ + 1)), removes = 0, turns = 0;
        if (!m.exact.empty()) {
            adds = random_() % 4 ? (unsigned)(random_() % 20) : adds;
            removes = (unsigned)(random_() % (random_() % 4 ? 20 : 1 + m.exact.size()));
            turns = (unsigned)(random_() % 10);
        }
        auto any = [&] {
            return std::next(m.exact.begin(), (ptrdiff_t)(random_() % m.exact.size()));
        };
        for (; adds > 0; adds--) {
            Local local = random_() % 4 ? RandomLocal() : Known();
            m.exact.emplace(Canonical(local), std::pair{local, random_() % 4 == 0});
            known_.push_back(local);
        }
        for (; removes > 0 && !m.exact.empty(); removes--)
            m.exact.erase(any());
        for (; turns > 0 && !m.exact.empty(); turns--)
            any()->second.second ^= true;
    }
    void ChangeRules(Mailboxes &m)
    {
        if (!m.rules.empty() && random_() % 2)
            m.rules.erase(m.rules.begin() + (ptrdiff_t)(random_() % m.rules.size()));
        Rule rule = RandomRule(random_);
        bool twice = std::any_of(m.rules.begin(), m.rules.end(),
                                 [&](const Rule &r) { return r.text == rule.text; });
        if (!twice && m.rules.size() < 6)
            m.rules.insert(m.rules.begin() + (ptrdiff_t)(random_() % (m.rules.size() + 1)), rule);
    }
    void ChangeSection(Section &section)
    {
        Mailboxes &m = section.mailboxes;
        if (random_() % 4)
            ChangeEntries(m);
        if (random_() % 4 == 0)
            ChangeRules(m);
        if (random_() % 10 == 0)
            m.everybody = random_() % 2 ? std::nullopt : std::optional(random_() % 2 == 0);
        if (random_() % 6 == 0) {
            section.split = random_() % 4 > 0;
            section.postmaster_external = section.split && random_() % 2;
            section.delimiter = "\0+-=_"[random_() % 5];
        }
        if (m.Count() == 0)
            m.exact["a"] = {FromText("a"), false};
    }
    void ChangeFiles()
    {
        const DomainName &name = OneOf(random_, DomainNames());
        if (files_.sections.size() < 2 || random_() % 6 == 0)
            files_.sections.emplace(name.canonical, Section{.name = &name, .mailboxes = {}});
        else if (random_() % 15 == 0 && files_.sections.size() > 1)
            files_.sections.erase(name.canonical);
        for (auto &[canonical, section] : files_.sections)
            if (section.mailboxes.Count() == 0 || random_() % 3)
                ChangeSection(section);
        files_.fallback = random_() % 10 ? files_.fallback : !files_.fallback;
        if (files_.sections.empty())
            ChangeFiles();
    }

    // --------------------------------------------------------------------------------- reload --

    void Write()
    {
        for (auto &[name, section] : files_.sections)
            dir_.Write(name, section.mailboxes.Written(random_));
    }
    std::vector<std::string> Load(bool force, struct snapshot_summary *summary)
    {
        std::string ini = kAround + files_.Ini(random_);
        struct config_errors *errors = config_errors_new();
        struct config *config =
            config_parse(dir_.Path("x.ini").c_str(), ini.data(), ini.size(), errors);
        struct snapshot_request request = {};
        request.config = config;
        request.locals = &own_;
        request.local_count = 1;
        request.workers = 1;
        request.old = now_;
        request.oldest_in_use = generation_;
        request.force_shrink = force;
        struct snapshot *next = snapshot_make(&request, summary, errors);
        std::vector<std::string> lines = Lines(errors);
        EXPECT_EQ(next == nullptr, !lines.empty());
        if (next != nullptr) {
            snapshot_seal(next, ++generation_);
            snapshot_free(now_);
            now_ = next;
        }
        config_free(config);
        config_errors_free(errors);
        return lines;
    }
    bool ShrinksTooMuch() const
    {
        for (auto &[name, section] : in_force_.sections) {
            auto later = files_.sections.find(name);
            if (later == files_.sections.end())
                continue;
            size_t lost = section.mailboxes.Lost(later->second.mailboxes);
            if (lost > 20 && lost * 100 > section.mailboxes.Count() * 5)
                return true;
        }
        return false;
    }
    // True if it must have worked, and has.
    bool Reload()
    {
        bool force = random_() % 4 == 0;
        struct snapshot_summary summary;
        Write();
        std::vector<std::string> errors = Load(force, &summary);
        if (ShrinksTooMuch() && !force) {
            seen["shrunk"]++;
            EXPECT_THAT(errors,
                        testing::Contains(testing::HasSubstr("entries; allowed: max_shrink")));
            return false;
        }
        EXPECT_THAT(errors, testing::IsEmpty());
        Compare(summary);
        in_force_ = files_;
        seen["reloaded"]++;
        return true;
    }
    void Compare(const struct snapshot_summary &summary)
    {
        uint64_t added = 0, removed = 0, turned = 0;
        auto is_in = [](const World &w, const std::string &name, const std::string &local) {
            auto section = w.sections.find(name);
            if (section == w.sections.end())
                return -1;
            auto entry = section->second.mailboxes.exact.find(local);
            return entry == section->second.mailboxes.exact.end() ? -1 : (int)entry->second.second;
        };
        for (auto &[name, section] : files_.sections)
            for (auto &[local, entry] : section.mailboxes.exact) {
                int was = is_in(in_force_, name, local);
                added += was < 0;
                turned += was >= 0 && was != (int)entry.second;
            }
        for (auto &[name, section] : in_force_.sections)
            for (auto &[local, entry] : section.mailboxes.exact)
                removed += is_in(files_, name, local) < 0;
        EXPECT_EQ(summary.mailboxes_added, added);
        EXPECT_EQ(summary.mailboxes_removed, removed);
        EXPECT_EQ(summary.mailboxes_turned, turned);
    }
    // One line that nobody may take, and nothing of the rest is.
    void SpoilAndReload()
    {
        auto spoiled =
            std::next(files_.sections.begin(), (ptrdiff_t)(random_() % files_.sections.size()));
        static const char *const bad[] = {"/(/",
                                          "/a",
                                          "a b",
                                          "\"open",
                                          "a@example.org",
                                          "a\x01",
                                          "\xff\xfe",
                                          "!!a",
                                          "a,b",
                                          "a@b@c",
                                          "sales-*",
                                          "/a)(b/",
                                          "/(?=a)b/",
                                          "\"\"",
                                          "!",
                                          "a@",
                                          "/o\u0308/",
                                          "/\u00f6A/",
                                          "a\xc2\x85",
                                          "/\\/",
                                          "@",
                                          "\"a\\\u00f6\"",
                                          "a@\uff45xample.com"};
        std::string line = OneOf(random_, bad);
        const Mailboxes &m = spoiled->second.mailboxes;
        if (!m.exact.empty() && random_() % 3 == 0) {
            auto entry = std::next(m.exact.begin(), (ptrdiff_t)(random_() % m.exact.size()));
            line = (entry->second.second ? "" : "!") + Spell(random_, entry->second.first, true);
        }
        Write();
        std::string text = m.Written(random_), name = spoiled->first;
        size_t at = text.find('\n', random_() % text.size()) + 1;
        dir_.Write(name, text.insert(at, line + "\n"));
        struct snapshot_summary summary;
        EXPECT_THAT(Load(true, &summary), testing::Contains(testing::HasSubstr("/" + name + ":")))
            << line;
        seen["spoiled"]++;
    }

    // ------------------------------------------------------------------------------ questions --

    Local Question()
    {
        Local local = random_() % 3 ? Known() : RandomLocal();
        if (random_() % 4 == 0) { // somebody's neighbour
            size_t at = random_() % local.size();
            local[at] = random_() % Letters().size();
        }
        if (random_() % 4 == 0) {
            local.push_back(Index("+-=_"[random_() % 4]));
            Local tag = RandomLocal();
            local.insert(local.end(), tag.begin(), tag.end());
        }
        return local;
    }
    const DomainName &Asked()
    {
        if (random_() % 12 == 0)
            return OneOf(random_, kStrangers);
        if (random_() % 12 == 0)
            return OneOf(random_, DomainNames());
        return *std::next(in_force_.sections.begin(),
                          (ptrdiff_t)(random_() % in_force_.sections.size()))
                    ->second.name;
    }
    static struct span Span(const std::string &s)
    {
        return {s.data(), s.size()};
    }
    struct route Route(const std::string &local, const std::string &domain, const char *client)
    {
        std::string address = local + "@" + domain;
        struct ip_addr from = *client != '\0' ? Ip(client) : Ip("::");
        struct smtp_path path = {};
        struct route r = {};
        // As an operator has it, where RCPT's own limits allow that.
        bool parsed = random_() % 2 && local.size() <= 60 && domain.back() != '.' &&
                      route_parse_address(address.c_str(), &path);
        if (!parsed) {
            path.local = Span(local);
            path.domain = Span(domain);
            path.quoted = local[0] == '"';
        }
        seen["parsed"] += parsed;
        route_recipient(now_, 0, &path, *client != '\0' ? &from : nullptr, &r);
        return r;
    }
    void Ask()
    {
        const DomainName &name = Asked();
        auto &client = OneOf(random_, kClients);
        Local content = Question();
        std::string local = Spell(random_, content), domain = SpellDomain(random_, name),
                    canonical = Canonical(content);
        Answer want =
            in_force_.Verdict(canonical, name.canonical, client.side, client.accepted_by_fallback);
        struct route r = Route(local, domain, client.address);
        seen[want.verdict]++;
        ASSERT_EQ(verdict_text(r.verdict), want.verdict) << Story(local, domain, client.address);
        ASSERT_EQ(std::string(r.rule), want.rule.substr(0, ROUTE_RULE_SIZE - 1))
            << Story(local, domain, client.address);
        ASSERT_EQ(r.hop_count, want.verdict == "local" || want.verdict == "external");
        if (r.hop_count > 0) {
            ASSERT_EQ(r.hops[0].side, want.verdict == "local" ? SIDE_LOCAL : SIDE_EXTERNAL);
        }
    }
    std::string Story(const std::string &local, const std::string &domain, const char *client)
    {
        return local + "@" + domain + " from " + client + " in generation " +
               std::to_string(generation_) + " of\n" + in_force_.Ini(random_);
    }

    Random random_;
    struct ip_addr own_;
    TemporaryDirectory dir_;
    unsigned many_;
    World files_, in_force_;
    std::vector<Local> known_; // whoever has been in a file
    struct snapshot *now_ = nullptr;
    uint64_t generation_ = 0;
};

std::map<std::string, uint64_t> Life::seen;

TEST(Model, AgreesThroughWholeLives)
{
    const uint64_t first = FromEnvironment("MODEL_SEED", 1),
                   lives = FromEnvironment("MODEL_LIVES", kLives);
    for (uint64_t seed = first; seed < first + lives && !HasFailure(); seed++) {
        SCOPED_TRACE("MODEL_SEED=" + std::to_string(seed));
        Life(seed).Live();
    }
    if (HasFailure() || lives < 30)
        return;
    for (const char *what : {"local", "external", "unknown", "same-side", "routed-address",
                             "bad-address", "refused", "parsed"})
        EXPECT_GT(Life::seen[what], 10 * lives) << what << " was hardly tested";
    for (const char *what : {"reloaded", "spoiled", "shrunk"})
        EXPECT_GT(Life::seen[what], lives / 10) << what << " was hardly tested";
    for (auto &[what, count] : Life::seen)
        RecordProperty(what, std::to_string(count));
}

} // namespace
