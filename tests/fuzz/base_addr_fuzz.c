/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses: whatever parses is formatted to a text that parses to the same. */
#include <string.h>

#include "drivers/base/addr.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    char buf[ADDR_TEXT_SIZE];

    struct ip_addr a, b;
    if (ip_addr_parse(text, size, &a)) {
        ip_addr_format(&a, buf);
        FUZZ_CHECK(ip_addr_parse(buf, strlen(buf), &b) && ip_addr_equal(&a, &b));
    }

    struct endpoint e, f;
    if (endpoint_parse(text, size, 0, &e)) {
        endpoint_format(&e, buf);
        FUZZ_CHECK(endpoint_parse(buf, strlen(buf), 0, &f) && endpoint_equal(&e, &f));
    }

    struct ip_prefix p, q;
    if (ip_prefix_parse(text, size, false, &p)) {
        FUZZ_CHECK(ip_prefix_contains(&p, &p.addr));
        ip_prefix_format(&p, buf);
        FUZZ_CHECK(ip_prefix_parse(buf, strlen(buf), true, &q));
        FUZZ_CHECK(p.len == q.len && ip_addr_equal(&p.addr, &q.addr));
    }
    return 0;
}
