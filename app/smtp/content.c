/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The content scanner: 64 bytes at a time, as bit masks (block.h), without a branch that depends on
 * what ordinary content holds. All that crosses from one block to the next is in struct cursor.
 */
#include "app/smtp/content.h"

#include <string.h>

#include "app/smtp/block.h"
#include "app/smtp/content_kernel.h"
#include "app/smtp/header.h"

/* What the last byte was: bits of smtp_content.state. It says how much must be withheld. */
enum {
    AFTER_CR = 1,    /* a CR */
    LINE_START = 2,  /* the LF of a CRLF; also before the first byte */
    AFTER_DOT = 4,   /* a dot at the start of a line */
    AFTER_DOTCR = 8, /* a CR behind such a dot; AFTER_CR is set too */
};

static unsigned withheld(uint8_t state)
{
    return state & AFTER_DOTCR  ? 4
           : state & AFTER_DOT  ? 3
           : state & LINE_START ? 2
           : state & AFTER_CR   ? 1
                                : 0;
}

/* The scanner while it runs. The first four are smtp_content.state, one bit 0 each. */
struct cursor {
    uint64_t cr, start, dot, dotcr;
    uint64_t at;         /* offset of the next block in the content */
    uint64_t line_begin; /* offset of the current line; behind its dot, if it has one */
    uint64_t longest;
    uint64_t nul, high; /* not zero: seen */
    uint64_t first_bare;
    bool bare, ended;
};

static uint64_t lowest(uint64_t mask)
{
    return (uint64_t)__builtin_ctzll(mask);
}

static uint64_t highest(uint64_t mask)
{
    return 63 - (uint64_t)__builtin_clzll(mask);
}

/* The n lowest bits, 1 <= n <= 64. */
static uint64_t bits(uint64_t n)
{
    return ~UINT64_C(0) >> (64 - n);
}

/* The line that ends at bit i of the block becomes the past. */
BLOCK_INLINE void end_line(struct cursor *s, uint64_t i, uint64_t dots)
{
    uint64_t next = s->at + i + 1;
    uint64_t len = next - s->line_begin;
    s->longest = len > s->longest ? len : s->longest;
    s->line_begin = next + (dots >> i >> 1 & 1);
}

/* Lines end at the bits of `crlf`, and begin with dots at the bits of `dots`. */
BLOCK_INLINE void end_lines(struct cursor *s, uint64_t crlf, uint64_t dots)
{
    s->line_begin += dots & s->start;
    if (crlf == 0)
        return;
    end_line(s, lowest(crlf), dots);
    crlf &= crlf - 1;
    /* Lines that lie in one block, and fewer of those that matter with every message. */
    while (crlf != 0 && s->longest < BLOCK) {
        end_line(s, lowest(crlf), dots);
        crlf &= crlf - 1;
    }
    if (crlf != 0) {
        uint64_t last = highest(crlf);
        s->line_begin = s->at + last + 1 + (dots >> last >> 1 & 1);
    }
}

/* Bit i of `wrong` says that byte i is a bare LF, or that the byte before it is a bare CR. */
BLOCK_INLINE void note_bare(struct cursor *s, uint64_t wrong, uint64_t lf)
{
    uint64_t i = lowest(wrong);
    if (!s->bare)
        s->first_bare = s->at + i - (~lf >> i & 1);
    s->bare = true;
}

/*
 * Take the first n bytes of a block, those bits of `b` beyond being zero: returns how many were
 * taken, n or up to the end of data.
 *
 *     byte      x  \r  \n   .  \r  \n
 *     crlf      .   .   1   .   .   1     a line ends here
 *     dots      .   .   .   1   .   .     and the next begins with a dot
 *     dotcr     .   .   .   .   1   .
 *     end       .   .   .   .   .   1
 */
BLOCK_INLINE uint64_t take_block(struct cursor *s, struct block b, uint64_t n)
{
    uint64_t behind_cr = b.cr << 1 | s->cr;
    uint64_t crlf = b.lf & behind_cr;
    uint64_t dots = b.dot & (crlf << 1 | s->start);
    uint64_t dotcr = b.cr & (dots << 1 | s->dot);
    uint64_t end = b.lf & (dotcr << 1 | s->dotcr);
    uint64_t taken = bits(n);
    if (__builtin_expect(end != 0, 0)) {
        n = lowest(end) + 1;
        taken = bits(n);
        s->ended = true;
        crlf &= taken >> 1; /* the final dot is no line */
    }
    s->nul |= b.nul & taken;
    s->high |= b.high & taken;
    uint64_t wrong = (behind_cr ^ b.lf) & taken;
    if (__builtin_expect(wrong != 0, 0))
        note_bare(s, wrong, b.lf);
    end_lines(s, crlf, dots);

    uint64_t last = n - 1;
    s->cr = b.cr >> last & 1;
    s->start = crlf >> last & 1;
    s->dot = dots >> last & 1;
    s->dotcr = dotcr >> last & 1;
    s->at += n;
    return n;
}

/*
 * The same for a whole block without a dot at the start of a line and without bare newlines, that
 * is, for nearly all of them. False, and nothing is taken, if it is not of that kind.
 */
BLOCK_INLINE bool take_ordinary_block(struct cursor *s, struct block b)
{
    uint64_t behind_cr = b.cr << 1 | s->cr;
    uint64_t dots = b.dot & (b.lf << 1 | s->start);
    if (__builtin_expect(((behind_cr ^ b.lf) | dots | s->dot | s->dotcr) != 0, 0))
        return false;
    s->nul |= b.nul;
    s->high |= b.high;
    end_lines(s, b.lf, 0);
    s->cr = b.cr >> 63;
    s->start = b.lf >> 63;
    s->at += BLOCK;
    return true;
}

/*
 * The loop over blocks, once per instruction set. What is left at the end is taken from a block
 * that overlaps the one before, or from a copy if there is none.
 */
#define DEFINE_KERNEL(name, target)                                                                \
    static target size_t scan_##name(struct cursor *cursor, const uint8_t *data, size_t len)       \
    {                                                                                              \
        struct cursor s = *cursor; /* in registers */                                              \
        size_t done = 0;                                                                           \
        while (len - done >= BLOCK && !s.ended) {                                                  \
            struct block b = block_##name(data + done);                                            \
            done += take_ordinary_block(&s, b) ? BLOCK : take_block(&s, b, BLOCK);                 \
        }                                                                                          \
        size_t left = len - done;                                                                  \
        if (left > 0 && !s.ended) {                                                                \
            struct block b;                                                                        \
            if (len >= BLOCK) {                                                                    \
                b = block_shift(block_##name(data + len - BLOCK), BLOCK - left);                   \
            } else {                                                                               \
                uint8_t copy[BLOCK] __attribute__((aligned(BLOCK)));                               \
                memset(copy, ' ', sizeof(copy));                                                   \
                memcpy(copy, data, left);                                                          \
                b = block_##name(copy);                                                            \
            }                                                                                      \
            done += take_block(&s, b, left);                                                       \
        }                                                                                          \
        *cursor = s;                                                                               \
        return done;                                                                               \
    }

typedef size_t scan_fn(struct cursor *s, const uint8_t *data, size_t len);

DEFINE_KERNEL(plain, )
#ifdef __x86_64__
DEFINE_KERNEL(sse2, )
DEFINE_KERNEL(avx2, TARGET_AVX2)
DEFINE_KERNEL(avx512, TARGET_AVX512)
#endif

static bool always(void)
{
    return true;
}

#ifdef __x86_64__
static bool have_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
}

static bool have_avx512(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("bmi");
}
#endif

/* The best first. */
static const struct {
    const char *name;
    bool (*usable)(void);
    scan_fn *scan;
} kernels[] = {
#ifdef __x86_64__
    {"avx512", have_avx512, scan_avx512},
    {"avx2", have_avx2, scan_avx2},
    {"sse2", always, scan_sse2},
#endif
    {"plain", always, scan_plain},
};

const char *smtp_content_kernel_name(unsigned kernel)
{
    return kernel < sizeof(kernels) / sizeof(kernels[0]) ? kernels[kernel].name : NULL;
}

bool smtp_content_kernel_usable(unsigned kernel)
{
    return kernels[kernel].usable();
}

static uint64_t min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static struct cursor cursor_of(const struct smtp_content *c)
{
    return (struct cursor){
        .cr = (c->state & AFTER_CR) != 0,
        .start = (c->state & LINE_START) != 0,
        .dot = (c->state & AFTER_DOT) != 0,
        .dotcr = (c->state & AFTER_DOTCR) != 0,
        .at = c->scanned,
        .line_begin = c->scanned - c->line,
        .longest = c->longest,
        .first_bare = c->safe,
        .bare = c->bare,
    };
}

static void keep(struct smtp_content *c, const struct cursor *s)
{
    c->state = (uint8_t)(s->cr * AFTER_CR | s->start * LINE_START | s->dot * AFTER_DOT |
                         s->dotcr * AFTER_DOTCR);
    c->scanned = s->at;
    c->line = s->ended ? 0 : s->at - s->line_begin;
    c->longest = s->longest;
    c->bare = s->bare;
    c->ended = s->ended;
    c->nul |= s->nul != 0;
    c->eightbit |= s->high != 0;
    /* Before the first byte we are at the start of a line, but no CRLF was seen that could be
     * withheld: hence min(). */
    const unsigned whole = sizeof("\r\n.\r\n") - 1;
    c->safe = s->bare && !c->mended ? s->first_bare
                                    : s->at - min(s->ended ? whole : withheld(c->state), s->at);
}

size_t smtp_content_scan_with(unsigned kernel, struct smtp_content *c, const uint8_t *data,
                              size_t len)
{
    if (c->ended || len == 0)
        return 0;
    struct cursor s = cursor_of(c);
    size_t taken = kernels[kernel].scan(&s, data, len);
    keep(c, &s);
    if (!smtp_header_done(c))
        smtp_header_scan(c, data, taken);
    return taken;
}

size_t smtp_content_scan(struct smtp_content *c, const uint8_t *data, size_t len)
{
    unsigned best = 0;
    while (!kernels[best].usable())
        best++;
    return smtp_content_scan_with(best, c, data, len);
}

void smtp_content_start(struct smtp_content *c)
{
    /* All but the marks and the Message-ID, whose lengths say what of them counts. */
    memset(c, 0, offsetof(struct smtp_content, marks));
    c->state = LINE_START;
}

bool smtp_content_empty(const struct smtp_content *c)
{
    return c->ended && c->scanned == sizeof(".\r\n") - 1;
}
