/* SPDX-License-Identifier: BSD-3-Clause */
/* How long a look-up takes, for each way in which look-ups may come. */
#ifndef SPLITMX_BENCH_LOOKUPS_H
#define SPLITMX_BENCH_LOOKUPS_H

#include "bench/mailboxes/names.h"
#include "bench/mailboxes/subject.h"

/* Who is looked up next. */
#define LOOKUPS_PATTERNS(X)                                                                        \
    X(LOOKUPS_HOT, "hot", "64 mailboxes over and over")                                            \
    X(LOOKUPS_COLD, "cold", "any, and other memory was walked through before")                     \
    X(LOOKUPS_UNIFORM, "uniform", "any, each as often")                                            \
    X(LOOKUPS_ZIPF, "zipf", "any, the r-th as often as 1/r")
#define LOOKUPS_PATTERN_ENUM(name, word, sentence) name,
enum lookups_pattern { LOOKUPS_PATTERNS(LOOKUPS_PATTERN_ENUM) LOOKUPS_PATTERN_COUNT };

const char *lookups_pattern_name(enum lookups_pattern pattern);

/* The median time of one look-up in nanoseconds, of keys of `who`. `found` is whether they must be
 * there; a wrong answer ends the program. */
double lookups_measure(const struct subject *s, const struct names *who,
                       enum lookups_pattern pattern, bool burst, bool found);

#endif
