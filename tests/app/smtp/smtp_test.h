// SPDX-License-Identifier: BSD-3-Clause
// What the tests of app/smtp share.
#ifndef SPLITMX_TESTS_SMTP_TEST_H
#define SPLITMX_TESTS_SMTP_TEST_H

#include <string>

extern "C" {
#include "app/smtp/span.h"
}

inline std::string Text(struct span s)
{
    return s.len > 0 ? std::string(s.at, s.len) : std::string();
}

// The span borrows from `s`: string literals and variables, no temporaries.
inline struct span Span(const std::string &s)
{
    return {s.data(), s.size()};
}
struct span Span(std::string &&) = delete;
inline struct span Span(const char *s)
{
    return {s, strlen(s)};
}

#endif
