/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the bytes that matter to the content scanner are in a block of 64: bit i of a mask stands
 * for byte i. One function per instruction set; all yield the same.
 */
#ifndef SPLITMX_SMTP_BLOCK_H
#define SPLITMX_SMTP_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#define BLOCK 64

struct block {
    uint64_t cr, lf, dot;
    uint64_t nul, high; /* high: above 127 */
};

#define BLOCK_INLINE static inline __attribute__((always_inline))

/* Without its first n bytes, n < 64. */
BLOCK_INLINE struct block block_shift(struct block b, uint64_t n)
{
    return (struct block){b.cr >> n, b.lf >> n, b.dot >> n, b.nul >> n, b.high >> n};
}

/* For machines without vectors that we know. */
BLOCK_INLINE struct block block_plain(const uint8_t *data)
{
    struct block b = {0};
    for (unsigned i = 0; i < BLOCK; i++) {
        b.cr |= (uint64_t)(data[i] == '\r') << i;
        b.lf |= (uint64_t)(data[i] == '\n') << i;
        b.dot |= (uint64_t)(data[i] == '.') << i;
        b.nul |= (uint64_t)(data[i] == '\0') << i;
        b.high |= (uint64_t)(data[i] > 127) << i;
    }
    return b;
}

#ifdef __x86_64__
#include <immintrin.h>

BLOCK_INLINE uint64_t sse2_equal(const __m128i v[4], char c)
{
    const __m128i key = _mm_set1_epi8(c);
    uint64_t mask = 0;
    for (unsigned i = 0; i < 4; i++)
        mask |= (uint64_t)(uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[i], key)) << 16 * i;
    return mask;
}

BLOCK_INLINE struct block block_sse2(const uint8_t *data)
{
    __m128i v[4];
    uint64_t high = 0;
    for (unsigned i = 0; i < 4; i++) {
        v[i] = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i));
        high |= (uint64_t)(uint16_t)_mm_movemask_epi8(v[i]) << 16 * i;
    }
    return (struct block){
        .cr = sse2_equal(v, '\r'),
        .lf = sse2_equal(v, '\n'),
        .dot = sse2_equal(v, '.'),
        .nul = sse2_equal(v, '\0'),
        .high = high,
    };
}

#define TARGET_AVX2 __attribute__((target("avx2,bmi")))

TARGET_AVX2 BLOCK_INLINE uint64_t avx2_equal(__m256i a, __m256i b, char c)
{
    const __m256i key = _mm256_set1_epi8(c);
    uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, key));
    uint32_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, key));
    return (uint64_t)high << 32 | low;
}

TARGET_AVX2 BLOCK_INLINE struct block block_avx2(const uint8_t *data)
{
    const __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)data);
    const __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(data + 32));
    return (struct block){
        .cr = avx2_equal(a, b, '\r'),
        .lf = avx2_equal(a, b, '\n'),
        .dot = avx2_equal(a, b, '.'),
        .nul = avx2_equal(a, b, '\0'),
        .high =
            (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32 | (uint32_t)_mm256_movemask_epi8(a),
    };
}

#define TARGET_AVX512 __attribute__((target("avx512bw,bmi")))

TARGET_AVX512 BLOCK_INLINE struct block block_avx512(const uint8_t *data)
{
    const __m512i v = _mm512_loadu_si512(data);
    return (struct block){
        .cr = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\r')),
        .lf = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n')),
        .dot = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('.')),
        .nul = _mm512_testn_epi8_mask(v, v),
        .high = _mm512_movepi8_mask(v),
    };
}
#endif

#endif
