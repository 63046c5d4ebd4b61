/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The regular expressions of one mailbox file, in one Hyperscan database. Each matches the whole of
 * a canonical local part or nothing.
 */
#ifndef SPLITMX_ROUTE_EXPRESSIONS_H
#define SPLITMX_ROUTE_EXPRESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/route/compiler.h"
#include "drivers/base/check.h"

struct hs_scratch;
struct config_errors;

struct expression {
    char *text; /* between the slashes */
    unsigned line;
    bool external; /* `!` in front */
};

struct expressions;

/* Compile, in another process and within limits (compiler.h); the texts are copied. Those that
 * Hyperscan refuses are reported in its own words with their lines, and so is one that takes too
 * much time or memory, and the result is NULL; it is NULL too, without an error, if there are none.
 */
struct expressions *expressions_build(const struct expression *list, unsigned count,
                                      const char *file, struct config_errors *errors);

/* The same within other limits than the usual ones. */
struct expressions *expressions_build_within(const struct expression *list, unsigned count,
                                             const char *file, struct compiler_limits limits,
                                             struct config_errors *errors);

/* References are counted; expressions_free() gives one up. NULL is allowed. */
struct expressions *expressions_ref(struct expressions *x);
void expressions_free(struct expressions *x);

/* Do they decide alike: the same texts for the same sides in the same order? NULL: there are none.
 */
bool expressions_equal(const struct expressions *a, const struct expressions *b);
unsigned expressions_count(const struct expressions *x);

MUST_CHECK bool expressions_scratch(const struct expressions *x, struct hs_scratch **scratch);

/* The expression that decides: of those that match, the first with `!`, or else the first; so the
 * side does not depend on their order, only which of them is named. NULL if
 * none does. False if Hyperscan refused to search. No allocation. */
MUST_CHECK bool expressions_find(const struct expressions *x, struct hs_scratch *scratch,
                                 const char *local, size_t len, const struct expression **out);

#endif
