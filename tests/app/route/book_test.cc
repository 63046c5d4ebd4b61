// SPDX-License-Identifier: BSD-3-Clause
// Editions of a book against a map.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "tests/config/loaded.h"

extern "C" {
#include "app/route/book.h"
}

namespace
{
using Model = std::map<std::string, enum book_side>;

struct span Span(const std::string &text)
{
    return {text.data(), text.size()};
}

struct book *Build(const std::string &text)
{
    struct mailboxes m = {};
    struct config_errors *errors = config_errors_new();
    EXPECT_TRUE(mailboxes_parse(&m, "m", text.data(), text.size(), "example.com", errors));
    struct book *b = book_build(&m);
    mailboxes_free(&m);
    config_errors_free(errors);
    return b;
}

Model Content(const struct book *b)
{
    Model all;
    std::string last;
    struct book_cursor c = {b, 0, 0};
    struct book_entry e;
    while (book_next(&c, &e)) {
        std::string local(e.local.at, e.local.len);
        EXPECT_LT(last, local);
        last = local;
        all[local] = e.side;
    }
    return all;
}

struct book *Apply(const struct book *b, const Model &changes)
{
    std::vector<struct book_entry> list;
    for (auto &[local, side] : changes)
        list.push_back({Span(local), side, 0});
    std::shuffle(list.begin(), list.end(), std::mt19937(1));
    return book_apply(b, list.data(), (uint32_t)list.size());
}

Model Difference(const struct book *a, const struct book *b)
{
    Model all;
    book_compare(
        a, b,
        [](void *context, const struct book_entry *was, const struct book_entry *is) {
            EXPECT_NE(was->side, is->side);
            EXPECT_EQ(std::string(was->local.at, was->local.len),
                      std::string(is->local.at, is->local.len));
            (*(Model *)context)[std::string(is->local.at, is->local.len)] = is->side;
        },
        &all);
    return all;
}

TEST(Book, HoldsTheExactEntriesOfAFileWithTheirLines)
{
    struct book *b = Build("bob\n!al-ice\n/x+/\n\"a@\"\nal\n*\n");
    EXPECT_EQ(book_count(b), 4u);
    EXPECT_EQ(Content(b), (Model{{"a@", BOOK_LOCAL},
                                 {"al", BOOK_LOCAL},
                                 {"al-ice", BOOK_EXTERNAL},
                                 {"bob", BOOK_LOCAL}}));
    EXPECT_EQ(book_find(b, Span("a@")).line, 4u);
    EXPECT_EQ(book_find(b, Span("bob")).line, 1u);
    EXPECT_EQ(book_find(b, Span("al-ice")).side, BOOK_EXTERNAL);
    EXPECT_EQ(book_find(b, Span("ali")).side, BOOK_NONE);
    EXPECT_EQ(book_find(b, Span("")).side, BOOK_NONE);
    book_unref(b);
}

TEST(Book, AnEmptyOneKnowsNobody)
{
    struct book *b = Build("/x+/\n");
    EXPECT_EQ(book_count(b), 0u);
    EXPECT_EQ(book_find(b, Span("x")).side, BOOK_NONE);
    struct book *with = Apply(b, {{"x", BOOK_LOCAL}, {"y", BOOK_NONE}});
    EXPECT_EQ(Content(with), (Model{{"x", BOOK_LOCAL}}));
    EXPECT_EQ(Difference(NULL, with), Content(with));
    EXPECT_EQ(Difference(with, NULL), (Model{{"x", BOOK_NONE}}));
    book_unref(b);
    book_unref(with);
}

TEST(Book, EditionsAgreeWithAMapThroughRandomChanges)
{
    std::mt19937 random(1);
    for (int round = 0; round < 20; round++) {
        std::string text = "/never/\n";
        Model model;
        for (unsigned i = random() % 3000; i > 0; i--) {
            std::string local = "u" + std::to_string(random() % 5000);
            model[local] = BOOK_LOCAL;
        }
        for (auto &[local, side] : model)
            text += local + "\n";
        struct book *b = Build(text);
        for (int edition = 0; edition < 20; edition++) {
            Model changes, expected;
            unsigned count = random() % (edition % 4 == 0 ? 3000 : 30);
            for (unsigned i = 0; i < count; i++)
                changes["u" + std::to_string(random() % 5000)] =
                    (enum book_side)(edition % 5 == 3 ? 0 : random() % 3);
            struct book *next = Apply(b, changes);
            for (auto &[local, side] : changes) {
                auto was = model.find(local);
                if (side != (was == model.end() ? BOOK_NONE : was->second))
                    expected[local] = side;
                if (side == BOOK_NONE)
                    model.erase(local);
                else
                    model[local] = side;
            }
            ASSERT_EQ(Content(next), model);
            ASSERT_EQ(book_count(next), model.size());
            ASSERT_EQ(Difference(b, next), expected);
            for (int i = 0; i < 100; i++) {
                std::string local = "u" + std::to_string(random() % 5000);
                auto is = model.find(local);
                ASSERT_EQ(book_find(next, Span(local)).side,
                          is == model.end() ? BOOK_NONE : is->second);
            }
            book_unref(b);
            b = next;
        }
        book_unref(b);
    }
}

TEST(Book, AnEditionSharesWhatDidNotChange)
{
    std::string text;
    for (int i = 0; i < 100000; i++)
        text += "user" + std::to_string(i) + "\n";
    struct book *b = Build(text);
    struct book *next = Apply(b, {{"user500", BOOK_NONE}, {"user777", BOOK_EXTERNAL}});
    unsigned seen = 0;
    book_compare(
        b, next,
        [](void *context, const struct book_entry *, const struct book_entry *) {
            ++*(unsigned *)context;
        },
        &seen);
    EXPECT_EQ(seen, 2u);
    EXPECT_LT(book_bytes(b), 100000u * 24u);
    book_unref(b);
    EXPECT_EQ(book_find(next, Span("user501")).side, BOOK_LOCAL); /* its chunk was shared */
    EXPECT_EQ(book_count(next), 99999u);
    book_unref(next);
}
} // namespace
