// SPDX-License-Identifier: BSD-3-Clause
// The data path does not allocate: while a recipient is routed, nobody calls malloc, libraries
// included.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/route/fixture.h"

// Sanitizers bring a malloc of their own.
#if defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#if !SANITIZED

static thread_local int watched, allocations;

extern "C" {
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size)
{
    allocations += watched;
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size)
{
    allocations += watched;
    return __libc_calloc(count, size);
}
void *realloc(void *p, size_t size)
{
    allocations += watched;
    return __libc_realloc(p, size);
}
}

namespace
{

int Allocations(const Routed &r, const std::string &address)
{
    struct smtp_path path;
    struct route out;
    struct ip_addr client = Ip("203.0.113.9");
    EXPECT_TRUE(route_parse_address(address.c_str(), &path)) << address;
    allocations = 0;
    watched = 1;
    route_recipient(*r, 0, &path, &client, &out);
    watched = 0;
    return allocations;
}

TEST(Route, AllocatesNothing)
{
    Routed r(kSplit + "subaddress_delimiter = +\naccept_from = 203.0.113.0/24\n",
             {{"m", "alice\n/sales-.*/\n!/.*x/\n*\n"}});
    ASSERT_THAT(r.Errors(), testing::IsEmpty());
    for (const char *address :
         {"alice@example.com", "ALICE+tag@Example.Com", "\"al\\ice\"@example.com",
          "sales-one@example.com", "xx@example.com", "nobody@example.com", "a%b@example.com",
          "postmaster", "postmaster@example.com", "a@elsewhere.example", "a@[192.0.2.1]"})
        EXPECT_EQ(Allocations(r, address), 0) << address;
}

TEST(Route, AllocatesOnlyBeyondAscii)
{
    Routed r(kSplit, {{"m", "alice\n"}});
    EXPECT_GT(Allocations(r, "a@b\xc3\xbc"
                             "cher.example"),
              0)
        << "or else the test is blind";
}

} // namespace
#endif
