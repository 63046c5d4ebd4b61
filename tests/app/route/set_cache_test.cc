// SPDX-License-Identifier: BSD-3-Clause
// Sets that went through a file; files that must not be believed.
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

extern "C" {
#include <hs/hs.h>

#include "app/route/set_cache.h"
#include "app/route/set_compare.h"
}

namespace
{

using Keys = std::map<std::string, bool>;

Keys People(int count, int each_external = 3)
{
    Keys keys;
    for (int i = 0; i < count; i++)
        keys["\nuser" + std::to_string(i) + "@example.com\n"] = i % each_external == 0;
    return keys;
}

std::vector<struct set_entry> Entries(const Keys &keys)
{
    std::vector<struct set_entry> entries;
    for (auto &[key, external] : keys)
        entries.push_back({key.data(), (uint16_t)key.size(), external});
    return entries;
}

struct set *Build(const Keys &keys)
{
    char *why = nullptr;
    auto entries = Entries(keys);
    return set_build(entries.data(), (uint32_t)entries.size(), &why);
}

void Agrees(const struct set *s, const Keys &keys)
{
    ASSERT_NE(s, nullptr);
    struct hs_scratch *scratch = nullptr;
    ASSERT_TRUE(set_scratch(s, &scratch));
    EXPECT_EQ(set_count(s), keys.size());
    for (auto &[key, external] : keys)
        EXPECT_EQ(set_find(s, scratch, key.data(), key.size()),
                  external ? SET_EXTERNAL : SET_LOCAL);
    std::string stranger = "\nnobody@example.com\n";
    EXPECT_EQ(set_find(s, scratch, stranger.data(), stranger.size()), SET_MISS);
    hs_free_scratch(scratch);
}

class SetCache : public testing::Test
{
  protected:
    SetCache()
    {
        char name[] = "/tmp/splitmx-test-XXXXXX";
        directory_ = mkdtemp(name);
        char *path = set_cache_path(directory_.c_str(), "mx.example.net");
        path_ = path;
        free(path);
    }
    ~SetCache() override
    {
        std::filesystem::remove_all(directory_);
    }
    void Save(const Keys &keys)
    {
        struct set *s = Build(keys);
        char *why = nullptr;
        ASSERT_TRUE(set_cache_save(path_.c_str(), s, &why)) << why;
        set_free(s);
    }
    // Why the file is of no use; "" if it is.
    std::string Refused()
    {
        char *why = nullptr;
        struct set *s = set_cache_load(path_.c_str(), &why);
        std::string text = why != nullptr ? why : s != nullptr ? "" : "there is none";
        set_free(s);
        free(why);
        return text;
    }
    std::string Read()
    {
        std::ifstream in(path_, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void Write(const std::string &bytes)
    {
        std::ofstream(path_, std::ios::binary) << bytes;
    }
    // The set for `keys` by way of the file, and what was said about it.
    std::string BuildBy(const Keys &keys)
    {
        char *why = nullptr;
        auto entries = Entries(keys);
        testing::internal::CaptureStderr();
        struct set *s =
            set_cache_build(path_.c_str(), entries.data(), (uint32_t)entries.size(), &why);
        std::string said = testing::internal::GetCapturedStderr();
        Agrees(s, keys);
        set_free(s);
        return said;
    }

    std::string directory_, path_;
};

TEST_F(SetCache, GivesBackWhatWasSaved)
{
    for (int count : {0, 1, 20, 3000}) {
        Save(People(count));
        char *why = nullptr;
        struct set *s = set_cache_load(path_.c_str(), &why);
        ASSERT_EQ(why, nullptr) << why;
        Agrees(s, People(count));
        set_free(s);
    }
    struct stat st;
    ASSERT_EQ(stat(path_.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0600u);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1)
        << "nothing is left beside it";
}

TEST_F(SetCache, SaysNothingWhereThereIsNoFile)
{
    EXPECT_EQ(Refused(), "there is none");
    EXPECT_EQ(BuildBy(People(10)), "");
}

TEST_F(SetCache, FoldsWhatHasChangedSince)
{
    Save(People(3000));
    Keys now = People(3100, 4);
    now.erase("\nuser17@example.com\n");
    now.erase("\nuser2999@example.com\n");
    EXPECT_EQ(BuildBy(now), "");
    EXPECT_EQ(BuildBy(People(3000)), "");
    EXPECT_EQ(BuildBy(People(5)), "");
    EXPECT_EQ(BuildBy({}), "");
}

TEST_F(SetCache, ComparesASetWithWhatIsWanted)
{
    Keys keys = People(2000);
    struct set *s = Build(keys);
    struct set_difference d;
    auto same = Entries(keys);
    set_compare(s, same.data(), (uint32_t)same.size(), &d);
    EXPECT_EQ(d.put_count + d.gone_count, 0u);
    set_difference_free(&d);

    keys.erase("\nuser5@example.com\n");
    auto fewer = Entries(keys);
    set_compare(s, fewer.data(), (uint32_t)fewer.size(), &d);
    EXPECT_EQ(d.gone_count, d.put_count + 1);
    EXPECT_LT(d.gone_count, 60u) << "one row";
    set_difference_free(&d);
    set_free(s);
}

TEST_F(SetCache, RefusesAFileThatLostOrGainedAByte)
{
    Save(People(100));
    std::string good = Read();
    Write(good.substr(0, good.size() - 1));
    EXPECT_EQ(Refused(), "it does not end with its SHA-256");
    Write(good + "x");
    EXPECT_EQ(Refused(), "it does not end with its SHA-256");
    Write(good.substr(0, good.size() / 2));
    EXPECT_EQ(Refused(), "it ends early");
    Write("");
    EXPECT_EQ(Refused(), "it ends early");
    Write(good);
    EXPECT_EQ(Refused(), "");
}

TEST_F(SetCache, RefusesAFileWithAnyByteChanged)
{
    Save(People(12));
    std::string good = Read();
    for (size_t i = 0; i < good.size(); i += i < 300 ? 1 : 37) {
        std::string bad = good;
        bad[i] = (char)(bad[i] ^ 0x21);
        Write(bad);
        ASSERT_NE(Refused(), "") << "byte " << i;
    }
}

TEST_F(SetCache, RefusesAnotherHyperscanAndAnotherCpu)
{
    Save(People(12));
    std::string good = Read(), other = good;
    other[16] = '4';
    Write(other);
    EXPECT_EQ(Refused(), "another version of Hyperscan made it");
    other = good;
    other[16 + 64] = (char)(other[16 + 64] ^ 4);
    Write(other);
    EXPECT_EQ(Refused(), "it was made for another CPU");
    other = good;
    other[0] = 'X';
    Write(other);
    EXPECT_EQ(Refused(), "it is of another kind");
}

TEST_F(SetCache, RefusesAFileThatOthersMayWriteTo)
{
    Save(People(12));
    chmod(path_.c_str(), 0620);
    EXPECT_EQ(Refused(), "others may write to it (mode 0620)");
    chmod(path_.c_str(), 0602);
    EXPECT_EQ(Refused(), "others may write to it (mode 0602)");
    chmod(path_.c_str(), 0644);
    EXPECT_EQ(Refused(), "");
}

TEST_F(SetCache, RefusesAnotherUsersFile)
{
    if (geteuid() != 0)
        GTEST_SKIP() << "only root can give files away";
    Save(People(12));
    ASSERT_EQ(chown(path_.c_str(), 12345, 12345), 0);
    EXPECT_EQ(Refused(), "it belongs to user 12345");
}

TEST_F(SetCache, RefusesLinksAndWhatIsNotAFile)
{
    Save(People(12));
    std::filesystem::rename(path_, directory_ + "/real");
    std::filesystem::create_symlink("real", path_);
    EXPECT_NE(Refused(), "");
    std::filesystem::remove(path_);
    ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
    EXPECT_EQ(Refused(), "it is not a file");
}

TEST_F(SetCache, CompilesAnewWhatItRefusesAndSaysWhy)
{
    Save(People(100));
    Write(Read() + "x");
    EXPECT_EQ(BuildBy(People(100)), "splitmx: " + path_ +
                                        ": ignored, and the mailboxes are compiled anew: "
                                        "it does not end with its SHA-256\n");
}

TEST_F(SetCache, KeepsWhatTookLongToCompileAndNotWhatDidNot)
{
    EXPECT_EQ(BuildBy(People(500)), "");
    EXPECT_FALSE(std::filesystem::exists(path_));
    EXPECT_EQ(BuildBy(People(20000)), "");
    EXPECT_TRUE(std::filesystem::exists(path_));
    auto written = std::filesystem::last_write_time(path_);
    EXPECT_EQ(BuildBy(People(20010)), "");
    EXPECT_EQ(std::filesystem::last_write_time(path_), written);
}

TEST_F(SetCache, KeepsWhatWasFoldedSince)
{
    char *why = nullptr;
    Keys keys = People(20000), turned_keys = People(20000, 2);
    auto entries = Entries(keys);
    struct set *s = set_cache_build(path_.c_str(), entries.data(), 20000, &why);
    auto turned = Entries(turned_keys);
    struct set *folded = set_fold(s, turned.data(), 20000, nullptr, 0, &why);
    set_free(s);
    set_cache_keep(folded);
    set_free(folded);
    s = set_cache_load(path_.c_str(), &why);
    Agrees(s, turned_keys);
    set_free(s);
}

TEST_F(SetCache, SaysOnceThatItCannotWrite)
{
    path_ = directory_ + "/missing/mx.set";
    EXPECT_EQ(BuildBy(People(20000)), "splitmx: " + path_ +
                                          ": compiled mailboxes are not kept for the next start: "
                                          "No such file or directory\n");
    EXPECT_EQ(BuildBy(People(20000)), "");
}

TEST_F(SetCache, HasOneFileForEachHostname)
{
    char *path = set_cache_path("/var/cache/splitmx", "mx/../../x");
    EXPECT_STREQ(path, "/var/cache/splitmx/mx_.._.._x.set");
    free(path);
}

} // namespace
