// SPDX-License-Identifier: BSD-3-Clause
// One run told three ways.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

extern "C" {
#include "bench/smtpgen/report.h"
}

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

namespace
{

using Report = std::unique_ptr<struct report>;

Report TwoSeconds()
{
    static const char *const arguments[] = {"source", "-s", "10", nullptr};
    Report r(new struct report());
    r->role = "source";
    r->arguments = arguments;
    r->run = 0xbeef;
    r->seconds = 2;
    r->counts.connections = 10;
    r->counts.messages_accepted = 1234567;
    r->counts.messages_refused = 3;
    r->counts.content_bytes = 1234567000;
    r->replies[451] = 3;
    r->stream_errors[STREAM_RESET] = 1;
    for (unsigned i = 1; i <= 100; i++)
        histogram_record(&r->latency[REPORT_MESSAGE], i * 1000);
    return r;
}

template <typename Print> std::string Printed(Print print)
{
    char *text = nullptr;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    print(out);
    fclose(out);
    std::string said(text, size);
    free(text);
    return said;
}

std::string Table(const struct report &r)
{
    return Printed([&](FILE *out) { report_print(&r, out); });
}

std::string Progress(struct report &r, double seconds)
{
    return Printed([&](FILE *out) { report_progress(&r, seconds, out); });
}

struct JsonDeleter {
    void operator()(json_t *json) const
    {
        json_decref(json);
    }
};

json_t *At(json_t *json, std::initializer_list<const char *> path)
{
    for (const char *name : path)
        json = json_object_get(json, name);
    return json;
}

TEST(Report, TableSaysCountsExactlyAndRatesWithoutFalsePrecision)
{
    std::string table = Table(*TwoSeconds());
    EXPECT_THAT(table,
                ContainsRegex("messages answered 2xx after their content +1,234,567 +617,000\n"));
    EXPECT_THAT(table, HasSubstr("617,000 messages/s, 4.94 Gbit/s of content\n"));
    EXPECT_THAT(table, ContainsRegex("reply 451 +3\n"));
    EXPECT_THAT(table, ContainsRegex("connection reset by peer +1\n"));
    EXPECT_THAT(table, ContainsRegex("whole message +100 +50\\.5 "));
}

TEST(Report, TableLeavesOutWhatWasNotMeasured)
{
    std::string table = Table(*TwoSeconds());
    EXPECT_THAT(table, Not(HasSubstr("packets")));
    EXPECT_THAT(table, Not(HasSubstr("busy")));
    EXPECT_THAT(table, Not(HasSubstr("354")));
}

TEST(Report, TableColumnsAreAligned)
{
    Report r = TwoSeconds();
    r->wire = {.packets_in = 5, .packets_out = 6000000};
    r->cycles_total = 100;
    r->cycles_busy = 63;
    std::string table = Table(*r);
    EXPECT_THAT(table, HasSubstr(", busy 63 %\n"));
    size_t heading = table.find("per second"), line = table.find("\n", heading);
    size_t begin = table.rfind("\n", heading) + 1;
    size_t next = table.find("\n", line + 1);
    EXPECT_EQ(line - begin, next - line - 1);
}

TEST(Report, CorrectsClosedLoopsForWaitingAndOpenLoopsNot)
{
    Report r = TwoSeconds();
    EXPECT_THAT(Table(*r), HasSubstr("corrected"));
    r->open_loop = true;
    EXPECT_THAT(Table(*r), Not(HasSubstr("corrected")));
}

TEST(Report, JsonHasTheSameFigures)
{
    Report r = TwoSeconds();
    std::unique_ptr<json_t, JsonDeleter> json(report_json(r.get()));
    EXPECT_STREQ(json_string_value(At(json.get(), {"run"})), "0000beef");
    EXPECT_EQ(json_array_size(At(json.get(), {"arguments"})), 3u);
    EXPECT_EQ(json_integer_value(At(json.get(), {"counts", "messages_accepted"})), 1234567);
    EXPECT_EQ(json_integer_value(At(json.get(), {"failures", "replies", "451"})), 3);
    EXPECT_EQ(json_integer_value(At(json.get(), {"failures", "connections", "STREAM_RESET"})), 1);
    EXPECT_DOUBLE_EQ(json_real_value(At(json.get(), {"rates", "messages_per_second"})), 617283.5);
    EXPECT_DOUBLE_EQ(json_real_value(At(json.get(), {"latency_us", "message", "max"})), 100);
    EXPECT_NEAR(json_real_value(At(json.get(), {"latency_us", "message", "p50"})), 50, 50.0 / 64);
    EXPECT_EQ(json_integer_value(At(json.get(), {"latency_us", "data", "samples"})), 0);
    EXPECT_EQ(At(json.get(), {"latency_us", "data", "p50"}), nullptr);
}

TEST(Report, ProgressSaysWhatHappenedSinceTheLastLine)
{
    Report r = TwoSeconds();
    Progress(*r, 2);
    r->counts.messages_accepted += 1000;
    r->sessions_now = 10;
    std::string line = Progress(*r, 3);
    EXPECT_THAT(line, HasSubstr("   3 s source: 1,000 messages/s, 0 connections/s"));
    EXPECT_THAT(line, HasSubstr("10 open"));
    EXPECT_THAT(line, Not(HasSubstr("refused")));
}

TEST(Report, RestartForgetsTheWarmUpAndNotTheRun)
{
    Report r = TwoSeconds();
    r->waiting_now = 4;
    r->sessions_now = 10;
    Progress(*r, 2);
    report_restart(r.get());
    EXPECT_EQ(r->counts.messages_accepted, 0u);
    EXPECT_EQ(r->replies[451], 0u);
    EXPECT_EQ(histogram_count(&r->latency[REPORT_MESSAGE]), 0u);
    EXPECT_EQ(r->run, 0xbeefu);
    EXPECT_EQ(r->waiting_max, 4u);
    r->counts.messages_accepted = 500;
    EXPECT_THAT(Progress(*r, 3), HasSubstr(" 500 messages/s"));
}

} // namespace
