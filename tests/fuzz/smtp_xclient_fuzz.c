/* SPDX-License-Identifier: BSD-3-Clause */
/* XCLIENT arguments: what comes out is printable, ends in a NUL and belongs to what was given. */
#include <string.h>

#include "app/smtp/xclient.h"
#include "fuzz.h"

static void check_text(const char *text, bool given)
{
    size_t len = strnlen(text, SMTP_DOMAIN_MAX + 1);
    FUZZ_CHECK(len <= SMTP_DOMAIN_MAX && (given || len == 0));
    for (size_t i = 0; i < len; i++)
        FUZZ_CHECK(text[i] >= ' ' && text[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_xclient x;
    char *copy = calloc(1, size > 0 ? size : 1);
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, data, size);
    if (smtp_xclient_parse((struct span){copy, size}, &x)) {
        FUZZ_CHECK(x.given != 0 && x.given < 1u << SMTP_ATTRIBUTE_COUNT);
        check_text(x.name, (x.given & 1u << SMTP_ATTRIBUTE_NAME) != 0);
        check_text(x.helo, (x.given & 1u << SMTP_ATTRIBUTE_HELO) != 0);
        FUZZ_CHECK(x.name[0] == '\0' || smtp_is_domain((struct span){x.name, strlen(x.name)}));
        FUZZ_CHECK(x.client.port == 0 || (x.given & 1u << SMTP_ATTRIBUTE_PORT) != 0);
        FUZZ_CHECK(ip_addr_is_any(&x.client.addr) || (x.given & 1u << SMTP_ATTRIBUTE_ADDR) != 0);
    }
    free(copy);
    return 0;
}
