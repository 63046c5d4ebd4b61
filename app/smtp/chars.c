/* SPDX-License-Identifier: BSD-3-Clause */
/* The classes of all characters, worked out by the compiler, and what lies beyond ASCII. */
#include "app/smtp/chars.h"

#define DIGIT(c)  ((c) >= '0' && (c) <= '9')
#define LETTER(c) (((c) >= 'a' && (c) <= 'z') || ((c) >= 'A' && (c) <= 'Z'))
#define ALNUM(c)  (DIGIT(c) || LETTER(c))
#define PRINT(c)  ((c) >= ' ' && (c) <= '~')
#define GRAPH(c)  ((c) > ' ' && (c) <= '~')
#define SPECIAL(c)                                                                                 \
    ((c) == '!' || ((c) >= '#' && (c) <= '\'') || (c) == '*' || (c) == '+' || (c) == '-' ||        \
     (c) == '/' || (c) == '=' || (c) == '?' || ((c) >= '^' && (c) <= '`') ||                       \
     ((c) >= '{' && (c) <= '~'))
#define CLASSES(c)                                                                                 \
    ((DIGIT(c) ? CHAR_DIGIT : 0) | (ALNUM(c) ? CHAR_ALNUM : 0) | (PRINT(c) ? CHAR_PRINT : 0) |     \
     (GRAPH(c) ? CHAR_GRAPH : 0) | (ALNUM(c) || SPECIAL(c) ? CHAR_ATEXT : 0) |                     \
     (PRINT(c) && (c) != '"' && (c) != '\\' ? CHAR_QTEXT : 0) |                                    \
     (GRAPH(c) && (c) != '[' && (c) != '\\' && (c) != ']' ? CHAR_DCONTENT : 0) |                   \
     (ALNUM(c) || (c) == '-' || (c) == '_' ? CHAR_LDH : 0))
#define FOUR(c)    CLASSES(c), CLASSES((c) + 1), CLASSES((c) + 2), CLASSES((c) + 3)
#define SIXTEEN(c) FOUR(c), FOUR((c) + 4), FOUR((c) + 8), FOUR((c) + 12)

const uint8_t char_classes[256] = {
    SIXTEEN(0),  SIXTEEN(16), SIXTEEN(32), SIXTEEN(48),
    SIXTEEN(64), SIXTEEN(80), SIXTEEN(96), SIXTEEN(112),
};

static bool continues(struct span s, size_t at)
{
    return at < s.len && ((uint8_t)s.at[at] & 0xc0) == 0x80;
}

size_t char_utf8(struct span s)
{
    uint8_t first = s.len > 0 ? (uint8_t)s.at[0] : 0;
    if (first < 0xc2 || first > 0xf4 || !continues(s, 1))
        return 0;
    uint8_t second = (uint8_t)s.at[1];
    if (first < 0xe0)
        return 2;
    if (!continues(s, 2))
        return 0;
    if (first < 0xf0) /* neither overlong nor a surrogate */
        return (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ? 0 : 3;
    if (!continues(s, 3))
        return 0; /* neither overlong nor beyond U+10FFFF */
    return (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f) ? 0 : 4;
}
