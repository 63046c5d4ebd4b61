// SPDX-License-Identifier: BSD-3-Clause
// What a seed decides.
#ifndef SPLITMX_TESTS_SIM_DICE_H
#define SPLITMX_TESTS_SIM_DICE_H

#include <cstdint>
#include <random>

namespace sim
{

struct Dice {
    std::mt19937_64 random;
    uint64_t upto(uint64_t n)
    {
        return random() % n;
    }
    uint64_t between(uint64_t least, uint64_t most)
    {
        return least + upto(most - least + 1);
    }
    bool one_in(uint64_t n)
    {
        return upto(n) == 0;
    }
    double chance(double most)
    {
        return std::uniform_real_distribution<double>(0, most)(random);
    }
};

} // namespace sim

#endif
