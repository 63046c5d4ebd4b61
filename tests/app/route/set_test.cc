// SPDX-License-Identifier: BSD-3-Clause
// The set against std::map, with neighbours that differ in one byte.
#include <gtest/gtest.h>

#include <map>
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

class Set
{
  public:
    explicit Set(const std::map<std::string, bool> &keys)
    {
        std::vector<struct set_entry> entries;
        for (auto &[key, external] : keys)
            entries.push_back({key.data(), (uint16_t)key.size(), external});
        char *why = nullptr;
        set_ = set_build(entries.data(), (uint32_t)entries.size(), &why);
        EXPECT_NE(set_, nullptr) << why;
        EXPECT_TRUE(set_scratch(set_, &scratch_));
    }
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

  private:
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

TEST(Set, AgreesWithAMapWhateverItsSize)
{
    std::mt19937 random(3);
    for (unsigned size : {1u, 15u, 16u, 64u, 500u, 5000u, 50000u}) {
        std::map<std::string, bool> keys;
        while (keys.size() < size) {
            std::string local;
            for (unsigned n = 1 + random() % 7; n > 0; n--)
                local += "abc.-"[random() % 5];
            keys[Key(local + "@" + (random() % 2 ? "a.example" : "b.example"))] = random() % 4 == 0;
        }
        Set s(keys);
        for (auto &[key, external] : keys)
            ASSERT_EQ(s.Find(key), external ? SET_EXTERNAL : SET_LOCAL);
        for (int i = 0; i < 20000; i++) {
            std::string local;
            for (unsigned n = 1 + random() % 7; n > 0; n--)
                local += "abc.-"[random() % 5];
            std::string key = Key(local + "@a.example");
            auto it = keys.find(key);
            enum set_answer want = it == keys.end() ? SET_MISS
                                   : it->second     ? SET_EXTERNAL
                                                    : SET_LOCAL;
            ASSERT_EQ(s.Find(key), want) << key;
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
