/* SPDX-License-Identifier: BSD-3-Clause */
/* The sum of long runs of bytes: one loop, compiled for what the machine may have. */
#include "drivers/base/sum.h"

static inline __attribute__((always_inline)) uint64_t add_words(const uint8_t *data, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, data + i * sizeof(word), sizeof(word));
        sum += word;
    }
    return sum;
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static uint64_t words_avx2(const uint8_t *data, size_t count)
{
    return add_words(data, count);
}
#endif

uint64_t sum_words(const uint8_t *data, size_t count)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        return words_avx2(data, count);
#endif
    return add_words(data, count);
}
