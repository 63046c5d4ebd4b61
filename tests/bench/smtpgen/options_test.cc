// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <getopt.h>
#include <sysexits.h>

#include <sstream>
#include <string>
#include <vector>

extern "C" {
#include "bench/smtpgen/options.h"
}

namespace
{

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::internal::CaptureStderr;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStderr;
using ::testing::internal::GetCapturedStdout;

const char kPort[] = "--port net_null0 --address 192.0.2.1/24 ";
const char kServer[] = " 192.0.2.2:25";

struct Options : ::testing::Test {
    struct options o = {};
    int code = -1;
    std::string complaint;
    ~Options() override
    {
        options_free(&o);
    }
    // Words are parted by blanks.
    bool Parse(enum role role, const std::string &line)
    {
        options_free(&o);
        words_ = {"smtpgen"};
        std::istringstream in(line);
        for (std::string word; in >> word;)
            words_.push_back(word);
        argv_.clear();
        for (std::string &word : words_)
            argv_.push_back(word.data());
        argv_.push_back(nullptr);
        optind = 0; // getopt begins anew
        CaptureStderr();
        bool good = options_parse(&o, role, int(words_.size()), argv_.data(), &code);
        complaint = GetCapturedStderr();
        return good;
    }
    bool Source(const std::string &line)
    {
        return Parse(ROLE_SOURCE, kPort + line + kServer);
    }
    bool Sink(const std::string &line)
    {
        return Parse(ROLE_SINK, kPort + line);
    }

  private:
    std::vector<std::string> words_;
    std::vector<char *> argv_;
};

TEST_F(Options, LeaveOneMessageToOneServer)
{
    ASSERT_TRUE(Source("")) << complaint;
    EXPECT_STREQ(o.engine.device, "net_null0");
    EXPECT_EQ(o.source.server.port, 25);
    EXPECT_EQ(o.source.messages, 1u);
    EXPECT_EQ(o.source.sessions, 1u);
    EXPECT_EQ(o.source.sizes.size[0], 1024u);
    EXPECT_EQ(o.source.to->classes[TARGET_ANY].count, 1u);
}

TEST_F(Options, OfASourceAreThoseOfSmtpSource)
{
    ASSERT_TRUE(Source("-s 20 -m 3000 -l 10k -r 5 -f a@b.example -t c@d.example -d -M me.example"))
        << complaint;
    EXPECT_EQ(o.source.sessions, 20u);
    EXPECT_EQ(o.source.messages, 3000u);
    EXPECT_EQ(o.source.sizes.size[0], 10240u);
    EXPECT_EQ(o.source.recipients, 5u);
    EXPECT_STREQ(o.source.from, "a@b.example");
    EXPECT_STREQ(o.source.hostname, "me.example");
    EXPECT_TRUE(o.source.keep);
}

TEST_F(Options, OfASinkAreThoseOfSmtpSink)
{
    ASSERT_TRUE(Sink("-h mx.example -8 -p -f MAIL:20,RCPT -r DATA -W .:2 --listen 192.0.2.1:2525"))
        << complaint;
    EXPECT_STREQ(o.sink.hostname, "mx.example");
    EXPECT_TRUE(o.sink.no_8bitmime);
    EXPECT_TRUE(o.sink.no_pipelining);
    EXPECT_EQ(o.sink.faults.odds[FAULT_AT_MAIL][FAULT_HARD], 200000u);
    EXPECT_EQ(o.sink.faults.odds[FAULT_AT_RCPT][FAULT_HARD], 1000000u);
    EXPECT_EQ(o.sink.faults.odds[FAULT_AT_DATA][FAULT_SOFT], 1000000u);
    EXPECT_EQ(o.sink.faults.delay[FAULT_AT_DOT], 2 * NSEC_PER_SEC);
    ASSERT_EQ(o.sink.listen_count, 1u);
    EXPECT_EQ(o.sink.listen[0].port, 2525);
}

TEST_F(Options, LetASinkListenToPort25OfEveryAddress)
{
    ASSERT_TRUE(Sink("")) << complaint;
    ASSERT_EQ(o.sink.listen_count, 1u);
    EXPECT_EQ(o.sink.listen[0].port, 25);
}

TEST_F(Options, OfBothGiveLettersToTheSource)
{
    ASSERT_TRUE(Parse(ROLE_BOTH, kPort + std::string("-r 2 --sink-soft RCPT --verify") + kServer))
        << complaint;
    EXPECT_EQ(o.source.recipients, 2u);
    EXPECT_EQ(o.sink.faults.odds[FAULT_AT_RCPT][FAULT_SOFT], 1000000u);
    EXPECT_TRUE(o.verify);
}

TEST_F(Options, WithADurationSetNoLimitOfMessages)
{
    ASSERT_TRUE(Source("--duration 2.5"));
    EXPECT_EQ(o.source.duration, 2500 * NSEC_PER_MSEC);
    EXPECT_EQ(o.source.messages, 0u);
    ASSERT_TRUE(Source("--duration 2.5 -m 7"));
    EXPECT_EQ(o.source.messages, 7u);
}

TEST_F(Options, MayNameSeveralSizes)
{
    ASSERT_TRUE(Source("--sizes 1k:70,10k:20,1m:10")) << complaint;
    ASSERT_EQ(o.source.sizes.count, 3u);
    EXPECT_THAT(std::vector<uint64_t>(o.source.sizes.size, o.source.sizes.size + 3),
                ElementsAre(1024, 10240, 1 << 20));
    EXPECT_THAT(std::vector<unsigned>(o.source.sizes.weight, o.source.sizes.weight + 3),
                ElementsAre(70, 20, 10));
}

TEST_F(Options, MayShareMessagesAmongClasses)
{
    ASSERT_TRUE(
        Source("--local a%@x.example:1-3 --external b@x.example --share local=3,external=1"))
        << complaint;
    EXPECT_EQ(o.to.classes[TARGET_LOCAL].count, 3u);
    EXPECT_EQ(o.to.shares[TARGET_LOCAL], 3u);
    EXPECT_EQ(o.to.shares[TARGET_EXTERNAL], 1u);
    EXPECT_FALSE(Source("--local a@x.example --share external=1"));
    EXPECT_THAT(complaint, HasSubstr("a class without recipients"));
}

TEST_F(Options, ReserveAConnectionForEverySessionUnlessToldOtherwise)
{
    ASSERT_TRUE(Source("-s 1000 --idle-sessions 5000"));
    EXPECT_GE(o.engine.connections, 6000u);
    ASSERT_TRUE(Source("-s 1000 --connections 77"));
    EXPECT_EQ(o.engine.connections, 77u);
}

TEST_F(Options, SayTheirUsageWhenAsked)
{
    CaptureStdout();
    EXPECT_FALSE(Parse(ROLE_SOURCE, "--help"));
    EXPECT_EQ(code, EX_OK);
    EXPECT_THAT(GetCapturedStdout(), HasSubstr("usage: smtpgen source"));
}

struct WrongOptions : Options, ::testing::WithParamInterface<const char *> {
};

TEST_P(WrongOptions, AreRefusedWithAWordOnWhy)
{
    EXPECT_FALSE(Source(GetParam()));
    EXPECT_EQ(code, EX_USAGE);
    EXPECT_THAT(complaint, HasSubstr("smtpgen: "));
}
INSTANTIATE_TEST_SUITE_P(
    Each, WrongOptions,
    ::testing::Values("-s 0", "-s", "-s 1x", "-s -1", "-m 1e3", "-l 255", "-l 2g",
                      "-l 99999999999k", "-t a@b@", "--rate 0", "--rate x", "--duration -1",
                      "--sizes 1k", "--sizes 1k:0", "--pipelining maybe", "--address 192.0.2.1",
                      "--cpu 1.5", "--listen 192.0.2.1:25", "--share local", "--unheard-of"));

TEST_F(Options, NeedAPortAndAServer)
{
    EXPECT_FALSE(Parse(ROLE_SOURCE, "192.0.2.2:25"));
    EXPECT_THAT(complaint, HasSubstr("--port and --address"));
    EXPECT_FALSE(Parse(ROLE_SOURCE, kPort));
    EXPECT_EQ(code, EX_USAGE);
    EXPECT_FALSE(Parse(ROLE_SINK, kPort + std::string(kServer)));
    EXPECT_EQ(code, EX_USAGE);
}

} // namespace
