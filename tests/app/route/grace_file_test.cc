// SPDX-License-Identifier: BSD-3-Clause
// Moves outlive the process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/app/route/fixture.h"

extern "C" {
#include "app/route/grace_file.h"
}

namespace
{
struct grace *Add(struct grace *old, const std::string &key, uint64_t end)
{
    struct keymap_entry e = {key.data(), (uint16_t)key.size(), end};
    struct grace *g = grace_add(old, &e, 1);
    grace_unref(old);
    return g;
}

uint64_t End(const struct grace *g, const std::string &key)
{
    return grace_end(g, key.data(), key.size());
}

TEST(GraceFile, HoldsWhatWasAppendedUntilItEnds)
{
    TemporaryDirectory dir;
    std::string path = dir.Path("moved");
    EXPECT_EQ(grace_file_load(path.c_str(), 1000), nullptr);
    EXPECT_EQ(errno, ENOENT);
    struct grace *one = Add(nullptr, "\na@b\n", 2000), *two = Add(grace_ref(one), "\n@c\n", 3000);
    ASSERT_TRUE(grace_file_append(path.c_str(), one, nullptr));
    ASSERT_TRUE(grace_file_append(path.c_str(), two, one));
    struct grace *both = grace_file_load(path.c_str(), 1000);
    EXPECT_EQ(grace_count(both), 2u) << "each is there once";
    EXPECT_EQ(End(both, "\na@b\n"), 2000u);
    EXPECT_EQ(End(both, "\n@c\n"), 3000u);
    struct grace *late = grace_file_load(path.c_str(), 2000);
    EXPECT_EQ(grace_count(late), 1u);
    EXPECT_EQ(grace_file_load(path.c_str(), 3000), nullptr);
    EXPECT_EQ(errno, 0);
    for (struct grace *g : {one, two, both, late})
        grace_unref(g);
}

TEST(GraceFile, IsWrittenAnewBesideTheOldOne)
{
    TemporaryDirectory dir;
    std::string path = dir.Path("moved");
    struct grace *one = Add(nullptr, "\na@b\n", 2000), *other = Add(nullptr, "\nx@y\n", 4000);
    ASSERT_TRUE(grace_file_append(path.c_str(), one, nullptr));
    ASSERT_TRUE(grace_file_prepare(path.c_str(), other));
    struct grace *before = grace_file_load(path.c_str(), 0);
    EXPECT_EQ(End(before, "\na@b\n"), 2000u);
    ASSERT_TRUE(grace_file_commit(path.c_str()));
    struct grace *after = grace_file_load(path.c_str(), 0);
    EXPECT_EQ(End(after, "\na@b\n"), 0u);
    EXPECT_EQ(End(after, "\nx@y\n"), 4000u);
    for (struct grace *g : {one, other, before, after})
        grace_unref(g);
}

TEST(GraceFile, AMoveBackAndForthHasItsLastEnd)
{
    struct grace *g = grace_file_parse("2000 a@b\n3000 a@b\n", 18, 0);
    EXPECT_EQ(End(g, "\na@b\n"), 3000u);
    grace_unref(g);
}

TEST(GraceFile, CannotBeWrittenWhereThereIsNoDirectory)
{
    TemporaryDirectory dir;
    struct grace *g = Add(nullptr, "\na@b\n", 2000);
    EXPECT_FALSE(grace_file_append(dir.Path("no/moved").c_str(), g, nullptr));
    EXPECT_EQ(errno, ENOENT);
    grace_unref(g);
}
} // namespace
