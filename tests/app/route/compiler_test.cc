// SPDX-License-Identifier: BSD-3-Clause
// Expressions compiled in another process, and what becomes of those that explode there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

#include <string>
#include <thread>
#include <vector>

#include "tests/config/loaded.h"

extern "C" {
#include <hs/hs.h>

#include "app/route/compiler.h"
#include "app/route/expressions.h"
}

namespace
{

using testing::ElementsAre;
using testing::HasSubstr;

#ifdef __SANITIZE_ADDRESS__
constexpr bool kMemoryIsLimited = false;
#else
constexpr bool kMemoryIsLimited = true;
#endif

constexpr struct compiler_limits kUsual = {10, 512};
// Some seconds of CPU time, and more than 8 MiB.
const std::string kExploding = "(a|b.{1,200}c){60}";

class Compiled
{
  public:
    explicit Compiled(const std::vector<std::string> &texts, struct compiler_limits limits = kUsual)
    {
        std::vector<const char *> at;
        for (auto &text : texts)
            at.push_back(text.c_str());
        std::vector<unsigned> flags(texts.size(), HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY);
        struct compiler_job job = {at.data(), flags.data(), (unsigned)at.size(),
                                   limits,    OnRefused,    this};
        verdict_ = compiler_run(&job, &database_);
    }
    Compiled(const Compiled &) = delete;
    ~Compiled()
    {
        hs_free_database(database_);
    }
    enum compiler_verdict Verdict() const
    {
        return verdict_;
    }
    const std::vector<std::string> &Refusals() const
    {
        return refusals_;
    }
    // The indices of those that match.
    std::vector<unsigned> Matches(const std::string &local) const
    {
        hs_scratch_t *scratch = nullptr;
        std::vector<unsigned> ids;
        EXPECT_EQ(hs_alloc_scratch(database_, &scratch), HS_SUCCESS);
        EXPECT_EQ(
            hs_scan(database_, local.data(), (unsigned)local.size(), 0, scratch, OnMatch, &ids),
            HS_SUCCESS);
        hs_free_scratch(scratch);
        std::sort(ids.begin(), ids.end());
        return ids;
    }

  private:
    static void OnRefused(void *context, unsigned index, const char *why)
    {
        static_cast<Compiled *>(context)->refusals_.push_back(std::to_string(index) + ": " + why);
    }
    static int OnMatch(unsigned id, unsigned long long, unsigned long long, unsigned, void *context)
    {
        static_cast<std::vector<unsigned> *>(context)->push_back(id);
        return 0;
    }
    enum compiler_verdict verdict_;
    struct hs_database *database_ = nullptr;
    std::vector<std::string> refusals_;
};

TEST(Compiler, MakesOneDatabaseOfAll)
{
    Compiled c({"sales-.*", "(a|b)+", ".*"});
    ASSERT_EQ(c.Verdict(), COMPILER_DONE);
    EXPECT_THAT(c.Matches("sales-x"), ElementsAre(0, 2));
    EXPECT_THAT(c.Matches("abba"), ElementsAre(1, 2));
    EXPECT_THAT(c.Matches("xabba"), ElementsAre(2)) << "a match is one of the whole";
}

TEST(Compiler, SaysOfEachThatIsRefusedWhy)
{
    Compiled c({"fine", "a)(b", "also fine", "[z-a]"});
    EXPECT_EQ(c.Verdict(), COMPILER_REFUSED);
    EXPECT_THAT(c.Refusals(), ElementsAre(HasSubstr("1: Unmatched parenthes"), HasSubstr("3: ")));
}

TEST(Compiler, EndsOneThatTakesTooLong)
{
    EXPECT_EQ(Compiled({"fine", kExploding}, {1, 4096}).Verdict(), COMPILER_TOO_LONG);
    EXPECT_EQ(Compiled({"fine"}).Verdict(), COMPILER_DONE) << "another process takes its place";
}

TEST(Compiler, EndsOneThatTakesTooMuchMemory)
{
    if (!kMemoryIsLimited)
        GTEST_SKIP() << "address space cannot be limited under AddressSanitizer";
    EXPECT_EQ(Compiled({kExploding}, {100, 8}).Verdict(), COMPILER_TOO_LARGE);
    EXPECT_EQ(Compiled({"fine"}).Verdict(), COMPILER_DONE);
}

TEST(Compiler, LeavesNoProcessBehind)
{
    EXPECT_EQ(Compiled({"a"}).Verdict(), COMPILER_DONE);
    compiler_rest();
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
    compiler_rest();
    EXPECT_EQ(Compiled({"a"}).Verdict(), COMPILER_DONE);
}

TEST(Compiler, ServesThreadsOneAfterTheOther)
{
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([i] {
            for (int k = 0; k < 10; k++) {
                Compiled c({"x" + std::to_string(i), "y"});
                ASSERT_EQ(c.Verdict(), COMPILER_DONE);
                ASSERT_THAT(c.Matches("x" + std::to_string(i)), ElementsAre(0));
            }
        });
    for (auto &thread : threads)
        thread.join();
    compiler_rest();
}

std::vector<std::string> Complaints(const std::vector<std::string> &texts,
                                    struct compiler_limits limits)
{
    std::vector<struct expression> list;
    for (auto &text : texts)
        list.push_back({const_cast<char *>(text.c_str()), (unsigned)(10 + list.size()), false});
    struct config_errors *errors = config_errors_new();
    struct expressions *x =
        expressions_build_within(list.data(), (unsigned)list.size(), "m", limits, errors);
    std::vector<std::string> lines = Lines(errors);
    EXPECT_EQ(x == nullptr, !lines.empty());
    expressions_free(x);
    config_errors_free(errors);
    compiler_rest();
    return lines;
}

TEST(Expressions, NamesTheLineThatTakesTooLong)
{
    EXPECT_THAT(Complaints({"fine", kExploding, "fine too"}, {1, 4096}),
                ElementsAre("m:11: the expression: compiling takes more than 1 s"));
}

TEST(Expressions, NamesTheLineThatTakesTooMuchMemory)
{
    if (!kMemoryIsLimited)
        GTEST_SKIP() << "address space cannot be limited under AddressSanitizer";
    EXPECT_THAT(Complaints({"fine", "fine too", kExploding}, {100, 8}),
                ElementsAre("m:12: the expression: compiling takes more than 8 MiB"));
}

} // namespace
