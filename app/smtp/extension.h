/* SPDX-License-Identifier: BSD-3-Clause */
/* The extensions of SMTP that are offered, to clients and by destinations, as a set of bits. */
#ifndef SPLITMX_SMTP_EXTENSION_H
#define SPLITMX_SMTP_EXTENSION_H

#include <stdint.h>

/* name, keyword of EHLO; in the order in which we offer them */
#define SMTP_EXTENSIONS(X)                                                                         \
    X(SMTP_PIPELINING, "PIPELINING")              /* RFC 2920 */                                   \
    X(SMTP_SIZE, "SIZE")                          /* RFC 1870 */                                   \
    X(SMTP_8BITMIME, "8BITMIME")                  /* RFC 6152 */                                   \
    X(SMTP_SMTPUTF8, "SMTPUTF8")                  /* RFC 6531 */                                   \
    X(SMTP_ENHANCED_CODES, "ENHANCEDSTATUSCODES") /* RFC 2034 */                                   \
    X(SMTP_DSN, "DSN")                            /* RFC 3461 */                                   \
    X(SMTP_LIMITS, "LIMITS")                      /* RFC 9422 */                                   \
    X(SMTP_CHUNKING, "CHUNKING")                  /* RFC 3030 */                                   \
    X(SMTP_BINARYMIME, "BINARYMIME")              /* RFC 3030 */
#define SMTP_EXTENSION_ENUM(name, keyword) name,
enum smtp_extension { SMTP_EXTENSIONS(SMTP_EXTENSION_ENUM) SMTP_EXTENSION_COUNT };

typedef uint32_t smtp_extension_set;

static inline smtp_extension_set smtp_set(enum smtp_extension extension)
{
    return UINT32_C(1) << extension;
}

#define SMTP_EXTENSIONS_ALL ((smtp_extension_set)((UINT32_C(1) << SMTP_EXTENSION_COUNT) - 1))

const char *smtp_extension_keyword(enum smtp_extension extension);

#endif
