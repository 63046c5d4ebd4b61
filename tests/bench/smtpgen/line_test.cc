// SPDX-License-Identifier: BSD-3-Clause
#include "tests/drivers/tcp/script.h"

extern "C" {
#include "bench/smtpgen/line.h"
}

namespace
{

// The peer talks, nobody reads.
struct Line : Script {
    char buf[LINE_MAX_BYTES];
    const char *line = nullptr;
    void SetUp() override
    {
        Script::SetUp();
        accepted();
        app.reads = false;
    }
    void Hear(const std::string &text)
    {
        for (size_t at = 0; at < text.size(); at += 1460)
            send(A, text.substr(at, 1460));
        heard_ += text.size();
        ASSERT_EQ(app.stream->readable, heard_);
        ignore();
    }
    std::string First(size_t skip = 0)
    {
        size_t len = line_peek(app.stream, skip, buf, &line);
        return len > 0 ? std::string(line, len) : "";
    }
    // The first reply's code and length; {0, 0}: it is not complete.
    std::pair<unsigned, size_t> Reply()
    {
        unsigned code = 0;
        size_t len = line_peek_reply(app.stream, &code);
        return {len > 0 ? code : 0, len};
    }
    unsigned Slices()
    {
        struct slice slices[8];
        return stream_peek(app.stream, 0, slices, 8);
    }

  private:
    size_t heard_ = 0;
};

using Answer = std::pair<unsigned, size_t>;

TEST_F(Line, IsThereWhenItsLfIs)
{
    EXPECT_EQ(First(), "");
    Hear("NOOP\r");
    EXPECT_EQ(First(), "");
    Hear("\nQUIT\r\n");
    EXPECT_EQ(First(), "NOOP\r\n");
    EXPECT_EQ(First(6), "QUIT\r\n");
    EXPECT_EQ(First(12), "");
}

TEST_F(Line, IsCopiedOnlyWhereItSpansSlices)
{
    std::string one = std::string(1400, 'a') + "\r\n", two = std::string(1500, 'b') + "\r\n";
    Hear(one + two);
    ASSERT_GT(Slices(), 1u);
    EXPECT_EQ(First(), one);
    EXPECT_NE(line, buf);
    EXPECT_EQ(First(one.size()), two);
    EXPECT_EQ(line, buf);
}

TEST_F(Line, AsAReplyIsWholeWithItsLastLine)
{
    Hear("250-mx.example\r\n250-PIPELINING\r\n250");
    EXPECT_EQ(Reply(), Answer(0, 0));
    Hear(" 8BITMIME\r\n354 go on\r\n");
    EXPECT_EQ(Reply(), Answer(250, 46));
    stream_consume(app.stream, 46);
    EXPECT_EQ(Reply(), Answer(354, 11));
}

TEST_F(Line, AsAReplyMaySpanSlices)
{
    std::string first = "250-" + std::string(1450, 'x') + "\r\n";
    std::string last = "250 " + std::string(1450, 'y') + "\r\n";
    Hear(first + last);
    ASSERT_GT(Slices(), 1u);
    EXPECT_EQ(Reply(), Answer(250, first.size() + last.size()));
}

TEST_F(Line, AsAReplyMayBeACodeAlone)
{
    Hear("250\r\n");
    EXPECT_EQ(Reply(), Answer(250, 5));
}

struct NoReply : Line, ::testing::WithParamInterface<const char *> {
};

TEST_P(NoReply, HasNoCode)
{
    Hear(GetParam());
    EXPECT_EQ(Reply(), Answer(0, strlen(GetParam())));
}
INSTANTIATE_TEST_SUITE_P(Texts, NoReply,
                         ::testing::Values("\r\n", "hello\r\n", "25 ok\r\n", "2500 ok\r\n",
                                           "150 ok\r\n", "650 ok\r\n", "2x0 ok\r\n", "250\n"));

} // namespace
