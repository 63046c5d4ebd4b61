// SPDX-License-Identifier: BSD-3-Clause
// Mailbox files, edited by batches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

extern "C" {
#include "app/control/mailbox_file.h"
#include "app/control/replacement.h"
#include "app/route/mailboxes.h"
}

namespace
{

const char kDomain[] = "example.com";

class MailboxFile : public ::testing::Test
{
  protected:
    void SetUp() override
    {
        char name[] = "/tmp/splitmx-mailboxes-XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        directory_ = name;
        path_ = directory_ + "/boxes";
    }

    void TearDown() override
    {
        EXPECT_NE(access((path_ + ".new").c_str(), F_OK), 0) << "something was left behind";
        for (const char *file : {"/boxes", "/link"})
            unlink((directory_ + file).c_str());
        EXPECT_EQ(rmdir(directory_.c_str()), 0);
    }

    void Write(const std::string &text)
    {
        std::ofstream(path_) << text;
    }

    std::string Read() const
    {
        std::stringstream text;
        text << std::ifstream(path_).rdbuf();
        return text.str();
    }

    struct change Change(const std::string &local, book_side side, bool quoted = false)
    {
        struct change c = {};
        c.side = side;
        EXPECT_EQ(address_canonical({local.data(), local.size()}, quoted,
                                    {kDomain, strlen(kDomain)}, &c.address),
                  ADDRESS_OK);
        return c;
    }

    bool Edit(const std::vector<struct change> &changes, const std::string &path)
    {
        char *why = nullptr;
        struct replacement r;
        bool good = mailbox_file_prepare(path.c_str(), kDomain, changes.data(),
                                         static_cast<uint32_t>(changes.size()), &r, &why) &&
                    replacement_commit(&r, &why);
        why_ = why != nullptr ? why : "";
        free(why);
        return good;
    }

    std::string Edited(const std::string &text, const std::vector<struct change> &changes)
    {
        Write(text);
        EXPECT_TRUE(Edit(changes, path_)) << why_;
        return Read();
    }

    std::string directory_, path_, why_;
};

TEST_F(MailboxFile, GetsNewEntriesAtItsEnd)
{
    EXPECT_EQ(
        Edited("# ours\nalice\n", {Change("bob", BOOK_LOCAL), Change("carol", BOOK_EXTERNAL)}),
        "# ours\nalice\nbob\n!carol\n");
    EXPECT_EQ(Edited("alice", {Change("bob", BOOK_LOCAL)}), "alice\nbob\n");
}

TEST_F(MailboxFile, LosesTheLinesOfThoseThatGoAndNoOthers)
{
    EXPECT_EQ(Edited("# bob is gone soon\nalice\n\nbob   # until May\n/bob/\n*\n!dave\n",
                     {Change("bob", BOOK_NONE), Change("dave", BOOK_NONE)}),
              "# bob is gone soon\nalice\n\n/bob/\n*\n");
}

TEST_F(MailboxFile, TurnsAnEntryWhereItStandsAndKeepsItsComment)
{
    EXPECT_EQ(Edited("  alice # here\n!bob\t# there\ncarol\n",
                     {Change("alice", BOOK_EXTERNAL), Change("bob", BOOK_LOCAL)}),
              "  !alice # here\nbob\t# there\ncarol\n");
}

TEST_F(MailboxFile, KeepsItsByteOrderMarkInFront)
{
    EXPECT_EQ(Edited("\xef\xbb\xbf"
                     "alice\nbob\n",
                     {Change("alice", BOOK_EXTERNAL)}),
              "\xef\xbb\xbf!alice\nbob\n");
    EXPECT_EQ(Edited("\xef\xbb\xbf!alice\nbob\n", {Change("alice", BOOK_LOCAL)}), "\xef\xbb\xbf"
                                                                                  "alice\nbob\n");
    EXPECT_EQ(Edited("\xef\xbb\xbf"
                     "alice\nbob\n",
                     {Change("alice", BOOK_NONE)}),
              "\xef\xbb\xbf"
              "bob\n");
}

TEST_F(MailboxFile, NamesWhoIsNamedTwiceOnce)
{
    EXPECT_EQ(Edited("alice\n", {Change("Bob", BOOK_LOCAL), Change("bob", BOOK_LOCAL)}),
              "alice\nbob\n");
}

TEST_F(MailboxFile, DoesNotRepeatWhatItSaysAlready)
{
    const std::string text = "alice\n!bob\n";
    EXPECT_EQ(Edited(text, {Change("alice", BOOK_LOCAL), Change("bob", BOOK_EXTERNAL)}), text);
}

TEST_F(MailboxFile, KnowsAnEntryInEverySpelling)
{
    EXPECT_EQ(
        Edited("ALICE@Example.COM\n\"bob\"\n\"john doe\"@example.com\n\"d\\\"q\"\nj\xc3\xb6rg\n",
               {Change("alice", BOOK_NONE), Change("bob", BOOK_NONE),
                Change("\"john doe\"", BOOK_NONE, true), Change("\"d\\\"q\"", BOOK_NONE, true),
                Change("jo\xcc\x88rg", BOOK_NONE)}),
        "");
}

TEST_F(MailboxFile, QuotesWhatWouldReadAsSomethingElse)
{
    for (const char *local : {"\"#a\"", "\"!a\"", "\"/a/\"", "\"*\"", "\"a b\"", "\"a@b\"",
                              "\".a\"", "\"a\\\\b\"", "\"q\\\"q\""}) {
        struct change c = Change(local, BOOK_LOCAL, true);
        std::string text = Edited("", {c});
        struct mailboxes m = {};
        struct config_errors *errors = config_errors_new();
        EXPECT_TRUE(mailboxes_parse(&m, "f", text.data(), text.size(), kDomain, errors)) << text;
        ASSERT_EQ(m.entry_count, 1u) << text;
        EXPECT_EQ(std::string(m.keys + m.entries[0].key, m.entries[0].len),
                  std::string(c.address.key, address_key_len(&c.address)))
            << text;
        EXPECT_FALSE(m.entries[0].external);
        mailboxes_free(&m);
        config_errors_free(errors);
    }
}

// What the loader reads out of the edited file is what a map says after the same changes.
TEST_F(MailboxFile, SaysAfterManyBatchesWhatAMapSays)
{
    std::mt19937 random(1);
    std::map<std::string, bool> model; // external?
    Write("# kept\n/rule-.*/\n");
    for (int round = 0; round < 60; round++) {
        std::vector<struct change> changes;
        for (unsigned k = 0; k < 1 + random() % 20; k++) {
            std::string local = "user" + std::to_string(k * 7 + random() % 7);
            auto side = static_cast<book_side>(random() % 3);
            changes.push_back(Change(local, side));
            if (side == BOOK_NONE)
                model.erase(local);
            else
                model[local] = side == BOOK_EXTERNAL;
        }
        ASSERT_TRUE(Edit(changes, path_)) << why_;
    }
    std::string text = Read();
    EXPECT_EQ(text.find("# kept\n/rule-.*/\n"), 0u);
    struct mailboxes m = {};
    struct config_errors *errors = config_errors_new();
    ASSERT_TRUE(mailboxes_parse(&m, "f", text.data(), text.size(), kDomain, errors));
    std::map<std::string, bool> read;
    for (uint32_t i = 0; i < m.entry_count; i++) {
        std::string key(m.keys + m.entries[i].key, m.entries[i].len);
        read[key.substr(1, key.find('@') - 1)] = m.entries[i].external;
    }
    EXPECT_EQ(read, model);
    mailboxes_free(&m);
    config_errors_free(errors);
}

TEST_F(MailboxFile, KeepsItsModeAndTheNameThatLeadsToIt)
{
    Write("alice\n");
    chmod(path_.c_str(), 0640);
    std::string link = directory_ + "/link";
    ASSERT_EQ(symlink("boxes", link.c_str()), 0);
    ASSERT_TRUE(Edit({Change("bob", BOOK_LOCAL)}, link)) << why_;
    struct stat s;
    ASSERT_EQ(lstat(link.c_str(), &s), 0);
    EXPECT_TRUE(S_ISLNK(s.st_mode));
    ASSERT_EQ(stat(path_.c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 07777, 0640u);
    EXPECT_EQ(Read(), "alice\nbob\n");
}

TEST_F(MailboxFile, StaysAsItIsUntilItsSuccessorIsInPlace)
{
    Write("alice\n");
    struct change c = Change("bob", BOOK_LOCAL);
    struct replacement r;
    char *why = nullptr;
    ASSERT_TRUE(mailbox_file_prepare(path_.c_str(), kDomain, &c, 1, &r, &why));
    EXPECT_EQ(Read(), "alice\n");
    replacement_discard(&r);
    EXPECT_EQ(Read(), "alice\n");
}

TEST_F(MailboxFile, KeepsWhatSomebodyElseWroteMeanwhile)
{
    Write("alice\n");
    struct change c = Change("bob", BOOK_LOCAL);
    struct replacement r;
    char *why = nullptr;
    ASSERT_TRUE(mailbox_file_prepare(path_.c_str(), kDomain, &c, 1, &r, &why));
    Write("alice\ncarol\n");
    EXPECT_FALSE(replacement_commit(&r, &why));
    EXPECT_THAT(why, testing::HasSubstr("boxes was changed by somebody else"));
    free(why);
    EXPECT_EQ(Read(), "alice\ncarol\n");
    EXPECT_NE(access((path_ + ".new").c_str(), F_OK), 0);
}

TEST_F(MailboxFile, SaysWhatItCannotDo)
{
    EXPECT_FALSE(Edit({Change("bob", BOOK_LOCAL)}, path_));
    EXPECT_NE(why_.find("boxes: No such file"), std::string::npos) << why_;
    Write("alice\n");
    ASSERT_EQ(mkdir((path_ + ".new").c_str(), 0700), 0);
    EXPECT_FALSE(Edit({Change("bob", BOOK_LOCAL)}, path_));
    EXPECT_NE(why_.find("boxes.new"), std::string::npos) << why_;
    EXPECT_EQ(Read(), "alice\n");
    rmdir((path_ + ".new").c_str());
}

} // namespace
