// SPDX-License-Identifier: BSD-3-Clause
// The subcommand: files in, table or JSON and an exit code out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sysexits.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

extern "C" {
#include "bench/smtpgen/verify_command.h"
}

using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace
{

class VerifyCommand : public ::testing::Test
{
  protected:
    VerifyCommand()
    {
        char name[] = "/tmp/splitmx-verify-XXXXXX";
        directory = mkdtemp(name);
        const std::string sent = "id\tcrc\tsize\tcode\ttime_us\trecipients\n";
        const std::string received = "id\tcrc\tsize\tlistener\trecipients\n";
        Write("sent1", sent + "00000001-00000000000001\t00000000\t1\t250\t1\tlocal:a@b\n");
        Write("sent2", sent + "00000002-00000000000001\t00000000\t1\t250\t1\tlocal:a@b\n");
        Write("received1", received + "00000001-00000000000001\t00000000\t1\t192.0.2.1:25\ta@b\n");
        Write("received2", received + "00000002-00000000000001\t00000000\t1\t192.0.2.1:25\ta@b\n");
    }
    ~VerifyCommand() override
    {
        std::filesystem::remove_all(directory);
    }
    std::string Path(const std::string &name) const
    {
        return directory + "/" + name;
    }
    void Write(const std::string &name, const std::string &text) const
    {
        std::ofstream(Path(name)) << text;
    }

    // Words that begin with @ are files of the directory.
    int Command(std::vector<std::string> words)
    {
        std::vector<char *> argv;
        words.insert(words.begin(), "verify");
        for (std::string &word : words) {
            if (word[0] == '@')
                word = Path(word.substr(1));
            argv.push_back(word.data());
        }
        argv.push_back(nullptr);
        ::testing::internal::CaptureStdout();
        ::testing::internal::CaptureStderr();
        int code = verify_command((int)words.size(), argv.data());
        out = ::testing::internal::GetCapturedStdout();
        err = ::testing::internal::GetCapturedStderr();
        return code;
    }

    std::string directory, out, err;
};

TEST_F(VerifyCommand, JoinsAllFilesInWhateverOrderTheyAreNamed)
{
    EXPECT_EQ(Command({"--received", "@received1", "@received2", "--sent", "@sent1", "@sent2"}),
              EX_OK);
    EXPECT_THAT(out, HasSubstr("accepted = delivered\n"));
    EXPECT_THAT(err, IsEmpty());
    EXPECT_EQ(Command({"--sent", "@sent1", "--received=" + Path("received1"), "--sent", "@sent2",
                       "--received", "@received2"}),
              EX_OK);
}

TEST_F(VerifyCommand, FailsIfAnythingDoesNotHold)
{
    EXPECT_EQ(Command({"--sent", "@sent1", "@sent2", "--received", "@received1"}), 1);
    EXPECT_THAT(out, HasSubstr("    00000002-00000000000001\n"));
    EXPECT_EQ(
        Command({"--sent", "@sent1", "--received", "@received1", "--expect", "local=192.0.2.2:25"}),
        1);
    EXPECT_EQ(Command({"--sent", "@sent1", "--received", "@received1", "--expect",
                       "external=192.0.2.2:25,local=192.0.2.1:25"}),
              EX_OK);
}

TEST_F(VerifyCommand, WritesJson)
{
    EXPECT_EQ(Command({"--sent", "@sent1", "--received", "@received1", "--json", "-"}), EX_OK);
    EXPECT_THAT(out, HasSubstr("\"holds\": true"));
    EXPECT_EQ(out[0], '{');
    EXPECT_EQ(Command({"--sent", "@sent1", "--received", "@received1", "--json", "@result.json"}),
              EX_OK);
    EXPECT_TRUE(std::filesystem::exists(Path("result.json")));
    EXPECT_EQ(
        Command({"--sent", "@sent1", "--received", "@received1", "--json", "@no/result.json"}),
        EX_CANTCREAT);
}

TEST_F(VerifyCommand, RefusesWhatItCannotRead)
{
    EXPECT_EQ(Command({"--sent", "@none", "--received", "@received1"}), EX_NOINPUT);
    EXPECT_THAT(err, HasSubstr("No such file"));
    EXPECT_EQ(Command({"--sent", "@received1", "--received", "@received1"}), EX_DATAERR);
    EXPECT_THAT(err, HasSubstr("received1:1: is not the heading"));
}

TEST_F(VerifyCommand, RefusesCommandLinesThatItDoesNotUnderstand)
{
    EXPECT_EQ(Command({}), EX_USAGE);
    EXPECT_EQ(Command({"--sent", "@sent1"}), EX_USAGE);
    EXPECT_EQ(Command({"@sent1", "--sent", "@sent1", "--received", "@received1"}), EX_USAGE);
    EXPECT_EQ(Command({"--sent", "@sent1", "--received", "@received1", "--expect", "local"}),
              EX_USAGE);
    EXPECT_EQ(Command({"--what"}), EX_USAGE);
    EXPECT_EQ(Command({"--help"}), EX_OK);
    EXPECT_THAT(out, HasSubstr("usage: smtpgen verify"));
}

} // namespace
