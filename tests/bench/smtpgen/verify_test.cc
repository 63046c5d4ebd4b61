// SPDX-License-Identifier: BSD-3-Clause
// Accepted is delivered, or it is named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

extern "C" {
#include "bench/smtpgen/verify.h"
}

using ::testing::HasSubstr;
using ::testing::Not;

namespace
{

FILE *File(const std::string &text)
{
    FILE *f = tmpfile();
    fwrite(text.data(), 1, text.size(), f);
    rewind(f);
    return f;
}

// Files are given by their lines, with spaces for tabs and commas for spaces.
std::string Lines(const char *heading, std::initializer_list<std::string> lines)
{
    std::string text = std::string(heading) + "\n";
    for (std::string line : lines) {
        for (char &c : line)
            c = c == ' ' ? '\t' : c == ',' ? ' ' : c;
        text += line + "\n";
    }
    return text;
}

class Verify : public ::testing::Test
{
  protected:
    Verify() : v(verify_new())
    {
    }
    ~Verify() override
    {
        verify_free(v);
    }

    std::string Read(bool (*read)(struct verify *, FILE *, const char *, FILE *),
                     const std::string &text)
    {
        char *said = nullptr;
        size_t size = 0;
        FILE *complaints = open_memstream(&said, &size);
        bool ok = read(v, File(text), "file", complaints);
        fclose(complaints);
        std::string complaint(said, size);
        free(said);
        EXPECT_EQ(ok, complaint.empty());
        return complaint;
    }
    void Sent(std::initializer_list<std::string> lines)
    {
        EXPECT_EQ(Read(verify_sent, Lines("id\tcrc\tsize\tcode\ttime_us\trecipients", lines)), "");
    }
    void Received(std::initializer_list<std::string> lines)
    {
        EXPECT_EQ(Read(verify_received, Lines("id\tcrc\tsize\tlistener\trecipients", lines)), "");
    }

    // Exactly these faults, and the rest 0.
    void ExpectFaults(std::initializer_list<std::pair<enum verify_fault, uint64_t>> faults)
    {
        uint64_t expected[VERIFY_FAULT_COUNT] = {};
        for (auto [fault, count] : faults)
            expected[fault] = count;
        verify_finish(v, &result);
        for (unsigned i = 0; i < VERIFY_FAULT_COUNT; i++)
            EXPECT_EQ(result.faults[i], expected[i]) << "fault " << i;
        EXPECT_EQ(verify_holds(&result), faults.size() == 0);
    }
    uint64_t Fact(enum verify_fact fact) const
    {
        return result.facts[fact];
    }
    std::string Table()
    {
        char *said = nullptr;
        size_t size = 0;
        FILE *out = open_memstream(&said, &size);
        verify_print(&result, out);
        fclose(out);
        std::string table(said, size);
        free(said);
        return table;
    }

    struct verify *v;
    struct verify_result result;
};

TEST_F(Verify, HoldsWhenAllThatWasAcceptedArrivedOnce)
{
    Sent({"00000001-00000000000001 aaaaaaaa 10 250 1 a@b",
          "00000001-00000000000002 bbbbbbbb 20 250 1 a@b,c@d"});
    Received({"00000001-00000000000002 bbbbbbbb 20 192.0.2.1:25 a@b,c@d",
              "00000001-00000000000001 aaaaaaaa 10 192.0.2.1:25 a@b"});
    ExpectFaults({});
    EXPECT_EQ(Fact(VERIFY_FACT_accepted), 2u);
    EXPECT_EQ(Fact(VERIFY_FACT_recipients), 3u);
    EXPECT_EQ(Fact(VERIFY_FACT_delivered), 3u);
    EXPECT_THAT(Table(), HasSubstr("accepted = delivered\n"));
}

TEST_F(Verify, JoinsAMessageThatWentToTwoSinks)
{
    ASSERT_TRUE(verify_expect(v, "local", "192.0.2.1:25"));
    ASSERT_TRUE(verify_expect(v, "external", "[2001:db8:0::1]:2525"));
    Sent({"00000001-00000000000001 aaaaaaaa 10 250 1 local:a@b,external:c@d"});
    Received({"00000001-00000000000001 aaaaaaaa 10 192.0.2.1:25 a@b",
              "00000001-00000000000001 aaaaaaaa 10 [2001:db8::1]:2525 c@d"});
    ExpectFaults({});
}

TEST_F(Verify, JoinsSeveralRuns)
{
    Sent({"00000001-00000000000001 aaaaaaaa 10 250 1 a@b"});
    Sent({"00000002-00000000000001 bbbbbbbb 10 250 1 a@b"});
    Received({"00000002-00000000000001 bbbbbbbb 10 192.0.2.1:25 a@b"});
    Received({"00000001-00000000000001 aaaaaaaa 10 192.0.2.1:25 a@b"});
    ExpectFaults({});
}

TEST_F(Verify, NamesWhatWasLost)
{
    Sent({"00000001-00000000000001 aaaaaaaa 10 250 1 a@b,c@d",
          "00000001-00000000000002 aaaaaaaa 10 250 1 a@b"});
    Received({"00000001-00000000000001 aaaaaaaa 10 192.0.2.1:25 c@d"});
    ExpectFaults({{VERIFY_FAULT_lost, 2}});
    EXPECT_THAT(Table(), HasSubstr("    00000001-00000000000001\n    00000001-00000000000002\n"));
    EXPECT_THAT(Table(), HasSubstr("FAULTS\n"));
}

TEST_F(Verify, LosesEverythingWhereNothingWasReceived)
{
    Sent({"00000001-00000000000001 aaaaaaaa 10 250 1 a@b"});
    ExpectFaults({{VERIFY_FAULT_lost, 1}});
}

TEST_F(Verify, CountsEveryFurtherDelivery)
{
    Sent({"00000001-00000000000001 aaaaaaaa 10 250 1 a@b",
          "00000001-00000000000002 aaaaaaaa 10 0 1 a@b"});
    Received({"00000001-00000000000001 aaaaaaaa 10 192.0.2.1:25 a@b",
              "00000001-00000000000001 aaaaaaaa 10 192.0.2.1:25 a@b",
              "00000001-00000000000001 aaaaaaaa 10 192.0.2.2:25 a@b",
              "00000001-00000000000002 aaaaaaaa 10 192.0.2.1:25 a@b",
              "00000001-00000000000002 aaaaaaaa 10 192.0.2.1:25 a@b"});
    ExpectFaults({{VERIFY_FAULT_duplicate, 3}});
}

TEST_F(Verify, ExpectsARecipientThatWasGivenTwiceTwice)
{
    Sent({"00000001-00000000000001 aaaaaaaa 10 250 1 a@b,a@b"});
    Received({"00000001-00000000000001 aaaaaaaa 10 192.0.2.1:25 a@b,a@b"});
    ExpectFaults({});
}

TEST_F(Verify, KnowsWrongDestinations)
{
    ASSERT_TRUE(verify_expect(v, "local", "192.0.2.1:25"));
    ASSERT_TRUE(verify_expect(v, "unknown", "none"));
    Sent({"00000001-00000000000001 aaaaaaaa 10 250 1 local:a@b",
          "00000001-00000000000002 aaaaaaaa 10 250 1 unknown:a@b",
          "00000001-00000000000003 aaaaaaaa 10 250 1 external:a@b"});
    Received({"00000001-00000000000001 aaaaaaaa 10 192.0.2.1:2525 a@b",
              "00000001-00000000000002 aaaaaaaa 10 192.0.2.1:25 a@b",
              "00000001-00000000000003 aaaaaaaa 10 192.0.2.9:25 a@b"});
    ExpectFaults({{VERIFY_FAULT_misdirected, 2}});
}

TEST_F(Verify, KnowsRecipientsThatWereNotAccepted)
{
    Sent({"00000001-00000000000001 aaaaaaaa 10 250 1 a@b"});
    Received({"00000001-00000000000001 aaaaaaaa 10 192.0.2.1:25 a@b,x@y"});
    ExpectFaults({{VERIFY_FAULT_stray, 1}});
}

TEST_F(Verify, ComparesSizesAndDigests)
{
    Sent({"00000001-00000000000001 aaaaaaaa 10 250 1 a@b",
          "00000001-00000000000002 aaaaaaaa 10 250 1 a@b",
          "00000001-00000000000003 aaaaaaaa 10 0 1 a@b"});
    Received({"00000001-00000000000001 aaaaaaab 10 192.0.2.1:25 a@b",
              "00000001-00000000000002 aaaaaaab 11 192.0.2.1:25 a@b",
              "00000001-00000000000003 baaaaaaa 10 192.0.2.1:25 a@b"});
    ExpectFaults({{VERIFY_FAULT_altered, 2}, {VERIFY_FAULT_resized, 1}});
}

TEST_F(Verify, AllowsDeliveryOfWhatIsTriedAgain)
{
    Sent({"00000001-00000000000001 aaaaaaaa 10 0 1 a@b",
          "00000001-00000000000002 aaaaaaaa 10 451 1 a@b,c@d",
          "00000001-00000000000003 aaaaaaaa 10 451 1 a@b"});
    Received({"00000001-00000000000001 aaaaaaaa 10 192.0.2.1:25 a@b",
              "00000001-00000000000002 aaaaaaaa 10 192.0.2.1:25 c@d"});
    ExpectFaults({});
    EXPECT_EQ(Fact(VERIFY_FACT_in_doubt), 1u);
    EXPECT_EQ(Fact(VERIFY_FACT_refused), 2u);
    EXPECT_EQ(Fact(VERIFY_FACT_perhaps), 2u);
}

TEST_F(Verify, DoesNotAllowDeliveryOfWhatWasRefusedForGood)
{
    Sent({"00000001-00000000000001 aaaaaaaa 10 550 1 a@b"});
    Received({"00000001-00000000000001 aaaaaaaa 10 192.0.2.1:25 a@b"});
    ExpectFaults({{VERIFY_FAULT_bounced, 1}});
}

TEST_F(Verify, CountsApartWhatNoRecordSaysWasSent)
{
    Sent({"00000001-00000000000001 aaaaaaaa 10 250 1 a@b"});
    Received({"00000001-00000000000001 aaaaaaaa 10 192.0.2.1:25 a@b",
              "00000002-00000000000001 aaaaaaaa 10 192.0.2.1:25 a@b",
              "- aaaaaaaa 10 192.0.2.1:25 a@b"});
    ExpectFaults({});
    EXPECT_EQ(Fact(VERIFY_FACT_received), 3u);
    EXPECT_EQ(Fact(VERIFY_FACT_unrecorded), 1u);
    EXPECT_EQ(Fact(VERIFY_FACT_foreign), 1u);
}

TEST_F(Verify, KnowsMessagesThatWereRecordedTwice)
{
    Sent({"00000001-00000000000001 aaaaaaaa 10 451 1 a@b",
          "00000001-00000000000001 aaaaaaaa 10 451 1 a@b"});
    Received({});
    ExpectFaults({{VERIFY_FAULT_sent_twice, 1}});
}

TEST_F(Verify, FindsTheLostOnesAmongAHundredThousand)
{
    std::string sent = "id\tcrc\tsize\tcode\ttime_us\trecipients\n";
    std::string received = "id\tcrc\tsize\tlistener\trecipients\n";
    for (unsigned i = 0; i < 100000; i++) {
        char id[32];
        snprintf(id, sizeof(id), "%08x-%014x", i % 3, i * 7);
        std::string user = "user" + std::to_string(i) + "@example.com";
        sent += std::string(id) + "\t00000000\t1\t250\t1\t" + user + "\n";
        if (i % 1000 != 999)
            received += std::string(id) + "\t00000000\t1\t192.0.2.1:25\t" + user + "\n";
    }
    EXPECT_EQ(Read(verify_sent, sent), "");
    EXPECT_EQ(Read(verify_received, received), "");
    ExpectFaults({{VERIFY_FAULT_lost, 100}});
    EXPECT_EQ(Fact(VERIFY_FACT_delivered), 99900u);
}

TEST_F(Verify, SaysFileAndLineOfWhatIsNoRecord)
{
    EXPECT_EQ(Read(verify_sent, "id\tcrc\tsize\tcode\ttime_us\trecipients\nx\n"),
              "file:2: has another number of fields than the heading\n");
    EXPECT_EQ(Read(verify_received, "hello\n"), "file:1: is not the heading of such a file\n");
}

TEST_F(Verify, CountsFilesThatWereCutOff)
{
    EXPECT_EQ(Read(verify_sent, "id\tcrc\tsize\tcode\ttime_us\trecipients\n00000001-1\t"), "");
    ExpectFaults({});
    EXPECT_EQ(Fact(VERIFY_FACT_cut), 1u);
}

TEST_F(Verify, TakesEachLabelOnceAndOnlyEndpoints)
{
    EXPECT_TRUE(verify_expect(v, "local", "192.0.2.1:25"));
    EXPECT_FALSE(verify_expect(v, "local", "192.0.2.2:25"));
    EXPECT_FALSE(verify_expect(v, "external", "192.0.2.1"));
    EXPECT_FALSE(verify_expect(v, "Extern", "192.0.2.1:25"));
    EXPECT_FALSE(verify_expect(v, std::string(40, 'a').c_str(), "192.0.2.1:25"));
}

TEST_F(Verify, JsonHasTheSameFigures)
{
    Sent({"00000001-00000000000001 aaaaaaaa 10 250 1 a@b"});
    ExpectFaults({{VERIFY_FAULT_lost, 1}});
    json_t *json = verify_json(&result);
    EXPECT_TRUE(json_is_false(json_object_get(json, "holds")));
    EXPECT_EQ(json_integer_value(json_object_get(json, "accepted")), 1);
    EXPECT_EQ(json_integer_value(json_object_get(json_object_get(json, "faults"), "lost")), 1);
    json_t *lost = json_object_get(json_object_get(json, "examples"), "lost");
    EXPECT_STREQ(json_string_value(json_array_get(lost, 0)), "00000001-00000000000001");
    json_decref(json);
}

} // namespace
