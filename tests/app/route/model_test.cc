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

extern "C" {
#include "app/route/amend.h"
}

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

constexpr uint64_t kHour = 3600;

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
        ChangeFiles();
        Reload();
        for (int step = 0; step < 12 && !::testing::Test::HasFailure(); step++) {
            clock_ += random_() % (6 * kHour);
            switch (random_() % 8) {
            case 0:
                SpoilAndReload();
                break;
            case 1:
                Restart();
                break;
            case 2:
            case 3:
                Fold();
                break;
            case 4:
            case 5:
                Amend(false);
                break;
            default:
                ChangeFiles();
                Reload();
            }
            for (int i = 0; i < 400 && !::testing::Test::HasFailure(); i++)
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
        if (random_() % 12 == 0)
            section.migration = random_() % 3 == 0;
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

    // Most files that did not change are not written either.
    void Write()
    {
        for (auto &[name, section] : files_.sections) {
            auto stood = written_.find(name);
            if (stood == written_.end() || !SameEntries(stood->second, section.mailboxes) ||
                random_() % 8 == 0)
                dir_.Write(name, section.mailboxes.Written(random_));
            written_[name] = section.mailboxes;
        }
    }
    static bool SameEntries(const Mailboxes &a, const Mailboxes &b)
    {
        return a.exact == b.exact && SameRules(a, b);
    }
    static bool SameRules(const Mailboxes &a, const Mailboxes &b)
    {
        return a.everybody == b.everybody &&
               std::equal(a.rules.begin(), a.rules.end(), b.rules.begin(), b.rules.end(),
                          [](const Rule &x, const Rule &y) {
                              return x.text == y.text && x.external == y.external;
                          });
    }
    // What the files make of the old one (nullptr: at a start, with the grace that there was).
    struct snapshot *Make(struct snapshot *old, bool force, struct snapshot_summary *summary,
                          std::vector<std::string> *wrong)
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
        request.old = old;
        request.oldest_in_use = now_ != nullptr ? snapshot_generation(now_) : 0;
        request.force_shrink = force;
        request.now = clock_;
        if (old == nullptr && now_ != nullptr)
            request.grace = (struct grace *)snapshot_grace(now_);
        struct snapshot *next = snapshot_make(&request, summary, errors);
        *wrong = Lines(errors);
        EXPECT_EQ(next == nullptr, !wrong->empty());
        config_free(config);
        config_errors_free(errors);
        return next;
    }
    // In force from now on.
    void Take(struct snapshot *next, const World &world)
    {
        ASSERT_NE(next, nullptr);
        EXPECT_GE(snapshot_generation(next), now_ != nullptr ? snapshot_generation(now_) : 1);
        snapshot_free(now_);
        now_ = next;
        if (!history_.empty())
            NoteTouched(in_force_, world);
        in_force_ = world;
        history_.push_back({clock_, world});
        size_t count = 0;
        for (auto &[name, section] : world.sections)
            count += section.mailboxes.Count();
        EXPECT_EQ(snapshot_mailbox_count(now_), count);
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
    // Read again, perhaps with batches meanwhile.
    void Reload()
    {
        bool force = random_() % 4 == 0;
        struct snapshot_summary summary;
        std::vector<std::string> errors;
        Write();
        struct snapshot *made = Make(now_, force, &summary, &errors);
        if (ShrinksTooMuch() && !force) {
            seen["shrunk"]++;
            EXPECT_THAT(errors,
                        testing::Contains(testing::HasSubstr("entries; allowed: max_shrink")));
            files_ = in_force_;
            return;
        }
        EXPECT_THAT(errors, testing::IsEmpty());
        ASSERT_NE(made, nullptr);
        Compare(summary, in_force_, files_);
        seen["reloaded"]++;
        if (now_ == nullptr) {
            snapshot_seal(made, 1);
            Take(made, files_);
            return;
        }
        NoteTouched(in_force_, files_); // a batch may undo it before anybody sees it
        struct snapshot *before = snapshot_ref(now_);
        for (unsigned n = random_() % 4; n > 0; n--)
            Amend(true);
        struct snapshot *next = snapshot_remade(made, before, now_, clock_);
        snapshot_free(made);
        snapshot_free(before);
        Take(next, files_);
    }
    void Restart()
    {
        struct snapshot_summary summary;
        std::vector<std::string> errors;
        Write();
        struct snapshot *made = Make(nullptr, false, &summary, &errors);
        ASSERT_THAT(errors, testing::IsEmpty());
        snapshot_seal(made, snapshot_generation(now_));
        Take(made, files_);
        seen["restarted"]++;
    }
    static int SideIn(const World &w, const std::string &name, const std::string &local)
    {
        auto section = w.sections.find(name);
        if (section == w.sections.end())
            return -1;
        auto entry = section->second.mailboxes.exact.find(local);
        return entry == section->second.mailboxes.exact.end() ? -1 : (int)entry->second.second;
    }
    static void Compare(const struct snapshot_summary &summary, const World &before,
                        const World &after)
    {
        uint64_t added = 0, removed = 0, turned = 0;
        for (auto &[name, section] : after.sections)
            for (auto &[local, entry] : section.mailboxes.exact) {
                int was = SideIn(before, name, local);
                added += was < 0;
                turned += was >= 0 && was != (int)entry.second;
            }
        for (auto &[name, section] : before.sections)
            for (auto &[local, entry] : section.mailboxes.exact)
                removed += SideIn(after, name, local) < 0;
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
        std::vector<std::string> errors;
        Make(now_, true, &summary, &errors);
        EXPECT_THAT(errors, testing::Contains(testing::HasSubstr("/" + name + ":"))) << line;
        written_.erase(name);
        files_ = in_force_;
        seen["spoiled"]++;
    }

    // ---------------------------------------------------------------------------------- batch --

    // Entered in both: what is in force, and what the files say.
    struct change RandomChange(World *world)
    {
        auto section =
            std::next(world->sections.begin(), (ptrdiff_t)(random_() % world->sections.size()));
        Local local = random_() % 3 ? Known() : RandomLocal();
        std::string name = section->first, canonical = Canonical(local);
        struct change c = {};
        c.address = Address(local, *section->second.name);
        c.side = random_() % 2 ? BOOK_LOCAL : random_() % 2 ? BOOK_EXTERNAL : BOOK_NONE;
        if (section->second.mailboxes.Count() == 1)
            c.side = BOOK_LOCAL; // a file without an entry is refused
        known_.push_back(local);
        for (World *w : {world, &files_}) {
            if (w->sections.count(name) == 0)
                continue;
            auto &exact = w->sections.at(name).mailboxes.exact;
            exact.erase(canonical);
            if (c.side != BOOK_NONE)
                exact[canonical] = {local, c.side == BOOK_EXTERNAL};
        }
        return c;
    }
    struct address Address(const Local &local, const DomainName &name)
    {
        struct address a = {};
        std::string spelled = Spell(random_, local), domain = SpellDomain(random_, name);
        EXPECT_EQ(address_canonical(Span(spelled), spelled[0] == '"', Span(domain), &a),
                  ADDRESS_OK);
        return a;
    }
    // `under_way`: a reload has read its files already.
    void Amend(bool under_way)
    {
        if (random_() % 6 == 0) {
            AmendInVain(under_way);
            return;
        }
        World after = in_force_;
        std::map<std::string, struct change> batch; // the last one of each address
        for (unsigned n = 1 + random_() % (random_() % 4 ? 5 : 300); n > 0; n--) {
            struct change c = RandomChange(&after);
            batch[std::string(c.address.key, address_key_len(&c.address))] = c;
        }
        std::vector<struct change> list;
        for (auto &[key, change] : batch)
            list.insert(list.end(), random_() % 8 ? 1 : 2, change);
        std::shuffle(list.begin(), list.end(), random_);
        struct snapshot_summary summary;
        char *why = nullptr;
        struct snapshot *next = snapshot_amend(now_, list.data(), (uint32_t)list.size(), under_way,
                                               clock_, &summary, &why);
        ASSERT_EQ(why, nullptr) << why;
        if (!under_way)
            Compare(summary, in_force_, after);
        Write();
        Take(next, after);
        seen["amended"]++;
    }
    void AmendInVain(bool under_way)
    {
        World after = in_force_, files = files_;
        std::vector<struct change> list;
        for (unsigned n = 1 + random_() % 5; n > 0; n--)
            list.push_back(RandomChange(&after));
        files_ = files;
        struct change bad = list[0];
        if (random_() % 2)
            bad.side = bad.side == BOOK_LOCAL ? BOOK_NONE : BOOK_LOCAL;
        else
            bad.address = Address(RandomLocal(), OneOf(random_, kStrangers));
        list.insert(list.begin() + (ptrdiff_t)(random_() % list.size()), bad);
        struct snapshot_summary summary;
        char *why = nullptr;
        EXPECT_EQ(snapshot_amend(now_, list.data(), (uint32_t)list.size(), under_way, clock_,
                                 &summary, &why),
                  nullptr);
        EXPECT_NE(why, nullptr);
        free(why);
        seen["refused batch"]++;
    }
    // Into the compiled set, perhaps with batches meanwhile.
    void Fold()
    {
        for (unsigned n = random_() % 3; n > 0; n--)
            Amend(false);
        char *why = nullptr;
        struct snapshot *before = snapshot_ref(now_), *folded = snapshot_fold(before, clock_, &why);
        ASSERT_NE(folded, nullptr) << why;
        unsigned meanwhile = random_() % 3;
        for (unsigned n = meanwhile; n > 0; n--)
            Amend(false);
        Take(snapshot_folded(folded, before, now_), in_force_);
        if (meanwhile == 0) {
            EXPECT_EQ(snapshot_size(now_).overlay, 0u);
        }
        snapshot_free(folded);
        snapshot_free(before);
        seen["folded"]++;
    }

    // ---------------------------------------------------------------------------------- grace --

    void NoteTouched(const World &before, const World &after)
    {
        std::set<std::string> names;
        for (const World *w : {&before, &after})
            for (auto &[name, section] : w->sections)
                names.insert(name);
        for (const std::string &name : names) {
            auto was = before.sections.find(name), is = after.sections.find(name);
            if (was == before.sections.end() || is == after.sections.end() ||
                was->second.delimiter != is->second.delimiter ||
                !SameRules(was->second.mailboxes, is->second.mailboxes)) {
                touched_.insert("@" + name);
                continue;
            }
            for (auto *m : {&was->second.mailboxes, &is->second.mailboxes})
                for (auto &[local, entry] : m->exact)
                    if (SideIn(before, name, local) != SideIn(after, name, local))
                        touched_.insert(local + "@" + name);
        }
    }
    // Has it changed sides within move_grace? Where only what its subaddress falls under has, the
    // mailbox itself stayed.
    bool HasMoved(const std::string &local, const std::string &name) const
    {
        for (size_t i = history_.size(); i > 1 && history_[i - 1].first + 24 * kHour > clock_;
             i--) {
            const World &before = history_[i - 2].second, &after = history_[i - 1].second;
            auto was = before.sections.find(name), is = after.sections.find(name);
            if (was == before.sections.end() || is == after.sections.end() ||
                was->second.postmaster_external != is->second.postmaster_external ||
                was->second.split != is->second.split)
                continue;
            Side from = before.SideOf(local, name), to = after.SideOf(local, name);
            if (from != to && from != Side::kOutside && to != Side::kOutside)
                return true;
        }
        return false;
    }
    void CheckGrace(const struct route &r, const std::string &local, const std::string &name)
    {
        auto section = in_force_.sections.find(name);
        if (section == in_force_.sections.end() || r.hop_count == 0)
            return;
        char delimiter = section->second.delimiter;
        size_t cut = delimiter != 0 ? local.find(delimiter) : std::string::npos;
        std::string base = cut != std::string::npos && cut > 0 ? local.substr(0, cut) : local;
        bool moved = HasMoved(local, name) && (base == local || HasMoved(base, name));
        if (section->second.migration || moved) {
            EXPECT_TRUE(r.lagging) << local << "@" << name << " might bounce";
            seen["lagging"]++;
        } else if (touched_.count("@" + name) + touched_.count(local + "@" + name) +
                       touched_.count(base + "@" + name) ==
                   0) {
            EXPECT_FALSE(r.lagging) << local << "@" << name << " never moved";
            seen["not lagging"]++;
        }
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
        if (random_() % 8 == 0)
            CheckGrace(r, canonical, name.canonical);
    }
    std::string Story(const std::string &local, const std::string &domain, const char *client)
    {
        return local + "@" + domain + " from " + client + " in generation " +
               std::to_string(snapshot_generation(now_)) + " of\n" + in_force_.Ini(random_);
    }

    Random random_;
    struct ip_addr own_;
    TemporaryDirectory dir_;
    unsigned many_;
    World files_, in_force_;
    std::vector<Local> known_;                        // whoever has been in a file
    std::map<std::string, Mailboxes> written_;        // to files, as far as that is known
    std::vector<std::pair<uint64_t, World>> history_; // whatever was in force, and since when
    std::set<std::string> touched_;                   // entries that changed; "@DOMAIN": any
    struct snapshot *now_ = nullptr;
    uint64_t clock_ = 1000000;
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
    for (const char *what : {"reloaded", "spoiled", "restarted", "shrunk", "amended",
                             "refused batch", "folded", "lagging", "not lagging"})
        EXPECT_GT(Life::seen[what], lives / 10) << what << " was hardly tested";
    for (auto &[what, count] : Life::seen)
        RecordProperty(what, std::to_string(count));
}

} // namespace
