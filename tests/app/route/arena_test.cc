// SPDX-License-Identifier: BSD-3-Clause
// Pieces do not overlap, are aligned, and memory goes when they do.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <vector>

extern "C" {
#include "app/route/arena.h"
}

namespace
{

struct Piece {
    char *at;
    size_t front, size;
    char mark;
};

Piece Take(struct arena *a, size_t front, size_t size, char mark)
{
    Piece p = {static_cast<char *>(arena_take(a, front, size)), front, size, mark};
    memset(p.at - front, mark, front + size);
    return p;
}

bool Whole(const Piece &p)
{
    for (const char *at = p.at - p.front; at < p.at + p.size; at++)
        if (*at != p.mark)
            return false;
    return reinterpret_cast<uintptr_t>(p.at) % ARENA_ALIGN == 0;
}

void GiveBack(const Piece &p)
{
    arena_give_back(p.at, p.front, p.size);
}

// Pages of this process, in total.
size_t Mapped()
{
    size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages * 4096;
}

TEST(Arena, KeepsPiecesApartAndAligned)
{
    struct arena *a = arena_new();
    std::vector<Piece> pieces;
    for (unsigned i = 0; i < 5000; i++)
        pieces.push_back(Take(a, i * 7 % 900, 1 + i * 13 % 4000, (char)i));
    pieces.push_back(Take(a, ARENA_PIECE_MAX - 1, 1, 'x'));
    pieces.push_back(Take(a, 0, ARENA_PIECE_MAX, 'y'));
    for (const Piece &p : pieces)
        ASSERT_TRUE(Whole(p));
    arena_free(a);
    for (const Piece &p : pieces)
        ASSERT_TRUE(Whole(p)) << "pieces outlive their arena";
    for (const Piece &p : pieces)
        GiveBack(p);
}

TEST(Arena, GivesMemoryBackWithTheLastPieceOfAChunk)
{
    size_t before = Mapped();
    struct arena *a = arena_new();
    std::vector<Piece> pieces;
    for (unsigned i = 0; i < 64; i++)
        pieces.push_back(Take(a, 0, ARENA_PIECE_MAX, 'x'));
    EXPECT_GE(Mapped(), before + 64 * ARENA_PIECE_MAX);
    for (const Piece &p : pieces)
        GiveBack(p);
    EXPECT_LE(Mapped(), before + 4 * ARENA_PIECE_MAX) << "but for the chunk that is being filled";
    arena_free(arena_ref(a));
    GiveBack(Take(a, 0, 100, 'y'));
    arena_free(a);
    EXPECT_LE(Mapped(), before + ARENA_PIECE_MAX);
}

TEST(Arena, CallsAChunkSparseWhenHalfOfItIsGivenBack)
{
    struct arena *a = arena_new();
    std::vector<Piece> pieces;
    for (unsigned i = 0; i < 30; i++)
        pieces.push_back(Take(a, 0, ARENA_PIECE_MAX / 8, 'x')); // 15 to a chunk
    for (unsigned i = 0; i < 7; i++)
        GiveBack(pieces[i]);
    EXPECT_FALSE(arena_is_sparse(pieces[14].at));
    GiveBack(pieces[7]);
    EXPECT_TRUE(arena_is_sparse(pieces[14].at));
    EXPECT_FALSE(arena_is_sparse(pieces[29].at)) << "it is still being filled";
    for (unsigned i = 8; i < 30; i++)
        GiveBack(pieces[i]);
    arena_free(a);
}

} // namespace
