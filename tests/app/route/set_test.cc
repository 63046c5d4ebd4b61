// SPDX-License-Identifier: BSD-3-Clause
// The set against std::map, with neighbours that differ in one byte.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

extern "C" {
#include <hs/hs.h>

#include "app/route/hash.h"
#include "app/route/set.h"
}

namespace
{

using Keys = std::map<std::string, bool>;

std::vector<struct set_entry> Entries(const Keys &keys)
{
    std::vector<struct set_entry> entries;
    for (auto &[key, external] : keys)
        entries.push_back({key.data(), (uint16_t)key.size(), external});
    return entries;
}

class Set
{
  public:
    explicit Set(const Keys &keys)
    {
        auto entries = Entries(keys);
        char *why = nullptr;
        Have(set_build(entries.data(), (uint32_t)entries.size(), &why), why);
    }
    Set(const Set &old, const Keys &put, const Keys &gone)
    {
        auto puts = Entries(put), gones = Entries(gone);
        char *why = nullptr;
        Have(set_fold(*old, puts.data(), (uint32_t)puts.size(), gones.data(),
                      (uint32_t)gones.size(), &why),
             why);
    }
    Set(const Set &) = delete;
    ~Set()
    {
        hs_free_scratch(scratch_);
        set_free(set_);
    }
    enum set_answer Find(const std::string &key) const
    {
        return set_find(set_, scratch_, key.data(), key.size());
    }
    const struct set *operator*() const
    {
        return set_;
    }
    struct hs_scratch *Scratch() const
    {
        return scratch_;
    }
    // The whole of it, and `strangers`, which are in it only by chance.
    void Agrees(const Keys &keys, const std::vector<std::string> &strangers) const
    {
        ASSERT_EQ(set_count(set_), keys.size());
        for (auto &[key, external] : keys)
            ASSERT_EQ(Find(key), external ? SET_EXTERNAL : SET_LOCAL) << key;
        for (const std::string &key : strangers) {
            auto it = keys.find(key);
            enum set_answer want = it == keys.end() ? SET_MISS
                                   : it->second     ? SET_EXTERNAL
                                                    : SET_LOCAL;
            ASSERT_EQ(Find(key), want) << key;
        }
    }

  private:
    void Have(struct set *set, const char *why)
    {
        set_ = set;
        EXPECT_NE(set_, nullptr) << why;
        EXPECT_TRUE(set_scratch(set_, &scratch_));
    }

    struct set *set_;
    struct hs_scratch *scratch_ = nullptr;
};

std::string Key(const std::string &address)
{
    return "\n" + address + "\n";
}

TEST(Set, KnowsItsMembersAndTheirSides)
{
    Set s({{Key("alice@example.com"), false}, {Key("bob@example.com"), true}});
    EXPECT_EQ(set_count(*s), 2u);
    EXPECT_EQ(s.Find(Key("alice@example.com")), SET_LOCAL);
    EXPECT_EQ(s.Find(Key("bob@example.com")), SET_EXTERNAL);
    EXPECT_EQ(s.Find(Key("carol@example.com")), SET_MISS);
}

TEST(Set, MayBeEmpty)
{
    Set s({});
    EXPECT_EQ(s.Find(Key("alice@example.com")), SET_MISS);
}

TEST(Set, AHitIsTheWholeAddressAndNothingNearIt)
{
    std::map<std::string, bool> keys;
    for (int i = 0; i < 3000; i++)
        keys[Key("user" + std::to_string(i) + "@example.com")] = i % 3 == 0;
    Set s(keys);
    for (auto &[key, external] : keys) {
        ASSERT_EQ(s.Find(key), external ? SET_EXTERNAL : SET_LOCAL) << key;
        std::string text = key.substr(1, key.size() - 2);
        for (const std::string &near :
             {"x" + text, text + "x", text.substr(1), text.substr(0, text.size() - 1), text + "@x",
              "a@" + text, text + text})
            if (keys.count(Key(near)) == 0) {
                ASSERT_EQ(s.Find(Key(near)), SET_MISS) << near;
            }
    }
}

// One of few, so that it comes again.
std::string RandomKey(std::mt19937 &random)
{
    std::string local;
    for (unsigned n = 1 + random() % 7; n > 0; n--)
        local += "abc.-"[random() % 5];
    return Key(local + "@" + (random() % 2 ? "a.example" : "b.example"));
}

std::vector<std::string> RandomKeys(std::mt19937 &random, unsigned count)
{
    std::vector<std::string> keys;
    while (keys.size() < count)
        keys.push_back(RandomKey(random));
    return keys;
}

TEST(Set, AgreesWithAMapWhateverItsSize)
{
    std::mt19937 random(3);
    for (unsigned size : {1u, 15u, 16u, 64u, 500u, 5000u, 50000u}) {
        Keys keys;
        while (keys.size() < size)
            keys[RandomKey(random)] = random() % 4 == 0;
        Set(keys).Agrees(keys, RandomKeys(random, 20000));
    }
}

TEST(Set, FoldsWhatIsPutAndWhatIsGoneIntoANewGeneration)
{
    Keys keys = {{Key("alice@example.com"), false}, {Key("bob@example.com"), false}};
    Set old(keys);
    Set s(old, {{Key("bob@example.com"), true}, {Key("carol@example.com"), false}},
          {{Key("alice@example.com"), true}, {Key("nobody@example.com"), false}});
    s.Agrees({{Key("bob@example.com"), true}, {Key("carol@example.com"), false}},
             {Key("alice@example.com")});
    old.Agrees(keys, {Key("carol@example.com")});
}

TEST(Set, PutsBackWhatIsGoneInTheSameFold)
{
    Set old({{Key("alice@example.com"), false}});
    Set s(old, {{Key("alice@example.com"), true}}, {{Key("alice@example.com"), false}});
    EXPECT_EQ(s.Find(Key("alice@example.com")), SET_EXTERNAL);
    EXPECT_EQ(set_count(*s), 1u);
}

TEST(Set, GrowsFromNothingAndShrinksToNothingByFolds)
{
    Keys keys;
    for (int i = 0; i < 1000; i++)
        keys[Key("user" + std::to_string(i) + "@example.com")] = i % 2 == 0;
    Set empty({}), full(empty, keys, {}), nothing(full, {}, keys);
    full.Agrees(keys, {Key("user1000@example.com")});
    nothing.Agrees({}, {Key("user0@example.com")});
}

TEST(Set, OutlivesTheGenerationThatItSharesWith)
{
    Keys keys;
    for (int i = 0; i < 5000; i++)
        keys[Key("user" + std::to_string(i) + "@example.com")] = false;
    auto old = std::make_unique<Set>(keys);
    Keys moved = {{Key("user7@example.com"), true}};
    Set s(*old, moved, {});
    old.reset();
    keys[Key("user7@example.com")] = true;
    s.Agrees(keys, {});
}

TEST(Set, LivesAsLongAsThereIsAReferenceToIt)
{
    struct set_entry e = {"\na@example.com\n", 15, false};
    char *why = nullptr;
    struct set *s = set_build(&e, 1, &why);
    ASSERT_EQ(set_ref(s), s);
    set_free(s);
    EXPECT_EQ(set_count(s), 1u);
    set_free(s);
}

// Most shards of the first chunks are given back on the way, and the rest move out of them.
TEST(Set, StaysWholeWhenItsMemoryIsTidiedUp)
{
    Keys keys;
    for (int i = 0; i < 40000; i++)
        keys[Key("user" + std::to_string(i) + "@example.com")] = false;
    auto s = std::make_unique<Set>(keys);
    for (int generation = 0; generation < 4; generation++) {
        Keys put;
        for (int i = generation; i < 40000; i += 24)
            put[Key("user" + std::to_string(i) + "@example.com")] = true;
        for (auto &[key, external] : put)
            keys[key] = external;
        s = std::make_unique<Set>(*s, put, Keys());
    }
    s->Agrees(keys, {Key("user40000@example.com")});
}

TEST(Set, AnswersABurstAsItAnswersOneByOne)
{
    std::mt19937 random(7);
    Keys keys;
    while (keys.size() < 3000)
        keys[RandomKey(random)] = random() % 4 == 0;
    Set s(keys);
    for (unsigned count = 0; count <= SET_BURST_MAX; count++) {
        auto text = RandomKeys(random, count);
        if (count > 3)
            text[3] = Key(std::string(SET_KEY_MAX, 'x'));
        std::vector<struct span> burst;
        for (auto &key : text)
            burst.push_back({key.data(), key.size()});
        std::vector<enum set_answer> answers(count + 1, SET_FAILED);
        set_find_burst(*s, s.Scratch(), burst.data(), count, answers.data());
        for (unsigned i = 0; i < count; i++)
            ASSERT_EQ(answers[i], s.Find(text[i])) << text[i];
        ASSERT_EQ(answers[count], SET_FAILED) << "nothing behind the last";
    }
}

TEST(Set, HoldsTheLongestKeyAndMissesLongerOnes)
{
    std::string longest = Key(std::string(SET_KEY_MAX - 2, 'x'));
    Set s({{longest, true}});
    EXPECT_EQ(s.Find(longest), SET_EXTERNAL);
    EXPECT_EQ(s.Find(Key(std::string(SET_KEY_MAX - 1, 'x'))), SET_MISS);
}

// Each generation comes from the one before, is looked at whole, and the one before still is what
// it was.
TEST(Set, AgreesWithAMapThroughManyGenerations)
{
    std::mt19937 random(5);
    for (unsigned start : {0u, 200u, 6000u}) {
        Keys keys;
        while (keys.size() < start)
            keys[RandomKey(random)] = random() % 4 == 0;
        auto s = std::make_unique<Set>(keys);
        for (int generation = 0; generation < 12; generation++) {
            Keys before = keys, put, gone;
            unsigned changes = 1u << random() % 10;
            while (put.size() < changes)
                put[RandomKey(random)] = random() % 4 == 0;
            auto some = keys.begin();
            for (unsigned i = random() % (2 * changes); i > 0 && some != keys.end(); i--, some++)
                gone[some->first] = false;
            for (auto &[key, external] : gone)
                keys.erase(key);
            for (auto &[key, external] : put)
                keys[key] = external;
            auto next = std::make_unique<Set>(*s, put, gone);
            auto strangers = RandomKeys(random, 2000);
            next->Agrees(keys, strangers);
            s->Agrees(before, strangers);
            s = std::move(next);
        }
    }
}

TEST(Set, RefusesKeysThatCouldMatchInsideOthers)
{
    struct set_entry bad = {"\na\nb\n", 5, false};
    char *why = nullptr;
    EXPECT_DEATH((void)set_build(&bad, 1, &why), "");
}

TEST(Hash, SpreadsKeysThatDifferInOneCharacter)
{
    std::map<uint32_t, int> rows;
    std::map<uint16_t, int> fingerprints;
    for (int i = 0; i < 100000; i++) {
        std::string key = Key("user" + std::to_string(i) + "@example.com");
        uint64_t hash = hash_bytes(key.data(), key.size());
        rows[(uint32_t)(((hash >> 32) * 6250) >> 32)]++;
        fingerprints[(uint16_t)hash]++;
    }
    int overfull = 0, most = 0;
    for (auto &[row, count] : rows)
        overfull += count > 31;
    for (auto &[fingerprint, count] : fingerprints)
        most = std::max(most, count);
    EXPECT_LT(overfull, 10) << "one in 8,000 is expected";
    EXPECT_LT(most, 15) << "1.5 on average";
}

} // namespace
