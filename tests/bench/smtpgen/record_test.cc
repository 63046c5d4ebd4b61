// SPDX-License-Identifier: BSD-3-Clause
// What was written is what is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

extern "C" {
#include "bench/smtpgen/record.h"
#include "bench/smtpgen/record_reader.h"
}

using ::testing::ElementsAre;

namespace
{

const char sent_heading[] = "id\tcrc\tsize\tcode\ttime_us\trecipients\n";
const char received_heading[] = "id\tcrc\tsize\tlistener\trecipients\n";

struct span Span(const std::string &text)
{
    return {text.data(), text.size()};
}

std::string Text(struct span s)
{
    return std::string(s.at, s.len);
}

using Recipients = std::vector<std::pair<std::string, std::string>>; // class, address

void Write(struct record_file *f, const struct record &r, const Recipients &to)
{
    std::vector<struct record_recipient> list;
    for (const auto &[name, address] : to)
        list.push_back({Span(name), Span(address)});
    record_write(f, &r, list.data(), (unsigned)list.size());
}

std::string Contents(struct record_file *f)
{
    FILE *in = record_reread(f);
    std::string text;
    for (int c; (c = getc(in)) != EOF;)
        text += (char)c;
    fclose(in);
    return text;
}

enum record_error Parse(enum record_kind kind, const std::string &line)
{
    struct record r;
    return record_parse(kind, Span(line), &r);
}

struct record_reader *Reader(enum record_kind kind, const std::string &text)
{
    FILE *in = tmpfile();
    fwrite(text.data(), 1, text.size(), in);
    rewind(in);
    return record_reader_new(in, kind);
}

TEST(Record, IsALineOfFieldsBetweenTabs)
{
    struct record_file *sent = record_open(nullptr, RECORD_SENT);
    Write(
        sent,
        {.run = 0xbeef, .number = 7, .crc = 0x8f3a0c11, .size = 1024, .code = 250, .time_us = 1840},
        {{"local", "user1@example.com"}, {"", "bob@example.com"}});
    Write(sent, {.run = 1, .number = UINT32_MAX, .size = UINT32_MAX, .time_us = UINT64_MAX}, {});
    EXPECT_EQ(Contents(sent),
              std::string(sent_heading) +
                  "0000beef-00000000000007\t8f3a0c11\t1024\t250\t1840\tlocal:user1@example.com "
                  "bob@example.com\n"
                  "00000001-000000ffffffff\t00000000\t4294967295\t0\t18446744073709551615\t\n");
    EXPECT_TRUE(record_close(sent));

    struct record_file *received = record_open(nullptr, RECORD_RECEIVED);
    std::string listener = "192.0.2.10:25";
    Write(received, {.run = 0xbeef, .number = 7, .crc = 1, .size = 2, .listener = Span(listener)},
          {{"", "a@b"}});
    Write(received, {.foreign = true, .listener = Span(listener)}, {{"", "a@b"}});
    EXPECT_EQ(Contents(received), std::string(received_heading) +
                                      "0000beef-00000000000007\t00000001\t2\t192.0.2.10:25\ta@b\n"
                                      "-\t00000000\t0\t192.0.2.10:25\ta@b\n");
    EXPECT_TRUE(record_close(received));
}

TEST(Record, KeepsAddressesThatHoldSpacesTabsAndColonsInOnePiece)
{
    struct record_file *f = record_open(nullptr, RECORD_SENT);
    Write(f, {.run = 1, .number = 1}, {{"x", "\"a b\\\"\"@[IPv6:::1]"}, {"", "t\tn\n\xc3\xbc@b"}});
    EXPECT_EQ(Contents(f), std::string(sent_heading) +
                               "00000001-00000000000001\t00000000\t0\t0\t0\t"
                               "x:\"a\\20b\\5c\"\"@[IPv6\\3a\\3a\\3a1] t\\09n\\0a\\c3\\bc@b\n");
    EXPECT_TRUE(record_close(f));
}

TEST(Record, GivesBackItsRecipients)
{
    struct record r;
    std::string line = "00000001-00000000000001\t00000000\t0\t250\t0\tlocal:a@b c@d ext-2:e@f";
    ASSERT_EQ(record_parse(RECORD_SENT, Span(line), &r), RECORD_OK);
    std::vector<std::string> all;
    struct record_recipient to;
    while (record_next_recipient(&r.recipients, &to))
        all.push_back(Text(to.label) + "|" + Text(to.address));
    EXPECT_THAT(all, ElementsAre("local|a@b", "|c@d", "ext-2|e@f"));
}

TEST(Record, IdsAreWrittenInOneWayOnly)
{
    uint32_t run, number;
    char buf[RECORD_ID_SIZE];
    record_id_format(0xffffffff, UINT32_MAX, buf);
    EXPECT_EQ(std::string(buf, sizeof(buf)), "ffffffff-000000ffffffff");
    EXPECT_TRUE(record_id_parse(Span("0000beef-0000000000000c"), &run, &number));
    EXPECT_EQ(run, 0xbeefu);
    EXPECT_EQ(number, 12u);
    for (const char *bad :
         {"", "-", "0000beef", "beef-1", "0000BEEF-0000000000000c", "0000beef-000000000000c",
          "0000beef-00000100000000", "0000beef-0000000000000c ", "0000beef_0000000000000c"})
        EXPECT_FALSE(record_id_parse(Span(bad), &run, &number)) << bad;
}

TEST(Record, RefusesWhatItWouldNotHaveWritten)
{
    const std::string id = "00000001-00000000000001\t", rest = "00000000\t0\t250\t0\t";
    EXPECT_EQ(Parse(RECORD_SENT, id + rest), RECORD_OK);
    EXPECT_EQ(Parse(RECORD_SENT, id + rest + "a@b"), RECORD_OK);
    EXPECT_EQ(Parse(RECORD_SENT, ""), RECORD_BAD_FIELDS);
    EXPECT_EQ(Parse(RECORD_SENT, id + "00000000\t0\t250\t0"), RECORD_BAD_FIELDS);
    EXPECT_EQ(Parse(RECORD_SENT, id + rest + "a@b\t"), RECORD_BAD_FIELDS);
    EXPECT_EQ(Parse(RECORD_SENT, "-\t" + rest), RECORD_BAD_ID);
    EXPECT_EQ(Parse(RECORD_SENT, id + "0\t0\t250\t0\t"), RECORD_BAD_CRC);
    EXPECT_EQ(Parse(RECORD_SENT, id + "00000000\t4294967296\t250\t0\t"), RECORD_BAD_NUMBER);
    EXPECT_EQ(Parse(RECORD_SENT, id + "00000000\t-1\t250\t0\t"), RECORD_BAD_NUMBER);
    EXPECT_EQ(Parse(RECORD_SENT, id + "00000000\t0\t1000\t0\t"), RECORD_BAD_NUMBER);
    EXPECT_EQ(Parse(RECORD_SENT, id + "00000000\t0\t250\t18446744073709551616\t"),
              RECORD_BAD_NUMBER);
    for (const char *bad : {" ", "a@b ", " a@b", "a@b  c@d", ":a@b", "local:", "Local:a@b", "a\\b",
                            "a\\2", "a\\2G", "a\\20\\61", "\x80", "a:b:c"})
        EXPECT_EQ(Parse(RECORD_SENT, id + rest + bad), RECORD_BAD_RECIPIENT) << bad;
    EXPECT_EQ(Parse(RECORD_RECEIVED, id + "00000000\t0\t\ta@b"), RECORD_BAD_LISTENER);
    EXPECT_EQ(Parse(RECORD_RECEIVED, id + "00000000\t0\t192.0.2.1:25\tlocal:a@b"),
              RECORD_BAD_RECIPIENT);
    EXPECT_EQ(Parse(RECORD_RECEIVED, "-\t00000000\t0\t192.0.2.1:25\ta@b"), RECORD_OK);
}

TEST(Record, ReadsBackAHundredThousandRecordsThroughItsBuffer)
{
    struct record_file *f = record_open(nullptr, RECORD_SENT);
    for (uint32_t i = 0; i < 100000; i++)
        Write(f, {.run = 1, .number = i, .crc = i * 3, .size = i * 5, .code = 250, .time_us = i},
              {{"local", "user" + std::to_string(i) + "@example.com"}});
    struct record_reader *reader = record_reader_new(record_reread(f), RECORD_SENT);
    struct record r;
    for (uint32_t i = 0; i < 100000; i++) {
        ASSERT_EQ(record_read(reader, &r), RECORD_OK);
        ASSERT_EQ(r.number, i);
        ASSERT_EQ(r.crc, i * 3);
        ASSERT_EQ(r.size, i * 5);
        ASSERT_EQ(Text(r.recipients), "local:user" + std::to_string(i) + "@example.com");
    }
    EXPECT_EQ(record_read(reader, &r), RECORD_END);
    EXPECT_EQ(record_read(reader, &r), RECORD_END);
    EXPECT_EQ(record_reader_line(reader), 100001u);
    EXPECT_FALSE(record_reader_cut(reader));
    record_reader_free(reader);
    EXPECT_TRUE(record_close(f));
}

TEST(Record, SaysWhenItCouldNotBeWritten)
{
    struct record_file *f = record_open("/dev/full", RECORD_SENT);
    ASSERT_NE(f, nullptr);
    EXPECT_EQ(record_reread(f), nullptr);
    EXPECT_FALSE(record_close(f));
    EXPECT_EQ(errno, ENOSPC);
    EXPECT_EQ(record_open("/nonexistent/records", RECORD_SENT), nullptr);
    EXPECT_TRUE(record_close(nullptr));
}

TEST(Record, SaysWhenALineCouldNotBeReadAgain)
{
    struct record_file *f = record_open(nullptr, RECORD_SENT);
    Write(f, {.run = 1, .number = 1}, Recipients(5, {"", std::string(250000, ' ')}));
    Write(f, {.run = 1, .number = 2}, Recipients(6, {"", std::string(250000, ' ')}));
    EXPECT_FALSE(record_close(f));
    EXPECT_EQ(errno, EMSGSIZE);
}

TEST(RecordReader, LeavesOutALineThatWasCutOff)
{
    struct record r;
    struct record_reader *reader =
        Reader(RECORD_SENT,
               sent_heading + std::string("00000001-00000000000001\t00000000\t0\t250\t0\ta@b\n"
                                          "00000001-00000000000002\t00000000\t0\t250\t0\ta@"));
    EXPECT_EQ(record_read(reader, &r), RECORD_OK);
    EXPECT_EQ(record_read(reader, &r), RECORD_END);
    EXPECT_TRUE(record_reader_cut(reader));
    record_reader_free(reader);

    reader = Reader(RECORD_SENT, "");
    EXPECT_EQ(record_read(reader, &r), RECORD_END);
    EXPECT_TRUE(record_reader_cut(reader));
    record_reader_free(reader);
}

TEST(RecordReader, KnowsItsKindOfFileByTheHeading)
{
    struct record r;
    struct record_reader *reader = Reader(RECORD_SENT, received_heading);
    EXPECT_EQ(record_read(reader, &r), RECORD_BAD_HEADING);
    EXPECT_EQ(record_reader_line(reader), 1u);
    record_reader_free(reader);
}

TEST(RecordReader, GivesUpOnALineWithoutEnd)
{
    struct record r;
    struct record_reader *reader =
        Reader(RECORD_SENT, sent_heading + std::string(2 * RECORD_LINE_MAX, 'a') + "\n");
    EXPECT_EQ(record_read(reader, &r), RECORD_LONG_LINE);
    EXPECT_EQ(record_reader_line(reader), 2u);
    record_reader_free(reader);
}

} // namespace
