/* SPDX-License-Identifier: BSD-3-Clause */
/* The classes of all characters, worked out by the compiler. */
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
