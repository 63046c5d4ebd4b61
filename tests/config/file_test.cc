// SPDX-License-Identifier: BSD-3-Clause
// Whole files and their lines.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

extern "C" {
#include "config/file.h"
}

namespace
{

struct Temporary {
    char name[32] = "/tmp/splitmx-test-XXXXXX";
    explicit Temporary(const std::string &text)
    {
        int fd = mkstemp(name);
        EXPECT_EQ(write(fd, text.data(), text.size()), (ssize_t)text.size());
        close(fd);
    }
    ~Temporary()
    {
        unlink(name);
    }
};

TEST(File, IsReadWholeWhateverItsSize)
{
    for (size_t size : {0u, 1u, 65535u, 65536u, 65537u, 131072u, 1000000u}) {
        std::string text(size, 'x');
        if (size > 0)
            text[size - 1] = 'y';
        Temporary file(text);
        size_t len;
        char *data = file_read(file.name, size, &len);
        ASSERT_NE(data, nullptr) << size;
        EXPECT_EQ(std::string(data, len), text);
        free(data);
    }
}

TEST(File, ThatIsTooLargeIsNotCutButRefused)
{
    for (size_t size : {11u, 65536u, 70000u}) {
        Temporary file(std::string(size, 'x'));
        size_t len;
        EXPECT_EQ(file_read(file.name, size - 1, &len), nullptr);
        EXPECT_EQ(errno, EFBIG);
    }
}

// Its lines as "NUMBER:TEXT|".
std::string LinesOf(const std::string &text)
{
    std::string all;
    struct file_lines lines = file_lines(text.data(), text.size());
    for (const char *at, *end; file_next_line(&lines, &at, &end);)
        all += std::to_string(lines.number) + ":" + std::string(at, end) + "|";
    return all;
}

TEST(Lines, AreTrimmedAndCounted)
{
    EXPECT_EQ(LinesOf(""), "");
    EXPECT_EQ(LinesOf("a"), "1:a|");
    EXPECT_EQ(LinesOf("a\n"), "1:a|");
    EXPECT_EQ(LinesOf("a\n\nb"), "1:a|2:|3:b|");
    EXPECT_EQ(LinesOf(" a \t\r\n\tb\r\n\r\n"), "1:a|2:b|3:|");
    EXPECT_EQ(LinesOf("\xef\xbb\xbf"
                      "a\n\xef\xbb\xbf"
                      "b"),
              "1:a|2:\xef\xbb\xbf"
              "b|");
    EXPECT_EQ(LinesOf(std::string("a\0b\n", 4)), std::string("1:a\0b|", 6));
    EXPECT_EQ(LinesOf("a\rb\n"), "1:a\rb|");
}

} // namespace
