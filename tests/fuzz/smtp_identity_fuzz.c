/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names of strangers on their way to a destination. The input is what a server offers, a NUL, HELO,
 * a NUL, the name in DNS. However they look, what goes out is one line of printable bytes, and is
 * understood as what it was.
 */
#include <string.h>

#include "app/smtp/command.h"
#include "app/smtp/identity.h"
#include "app/smtp/xclient.h"
#include "fuzz.h"

/* Up to a NUL; returns what follows it. */
static size_t take_text(const uint8_t *data, size_t size, char text[SMTP_DOMAIN_MAX + 1])
{
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    size_t len = nul != NULL ? (size_t)(nul - data) : size;
    size_t kept = len < SMTP_DOMAIN_MAX ? len : SMTP_DOMAIN_MAX;
    if (kept > 0)
        memcpy(text, data, kept);
    text[kept] = '\0';
    return nul != NULL ? len + 1 : len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char offer[SMTP_DOMAIN_MAX + 1], line[SMTP_COMMAND_LINE_MAX];
    struct smtp_identity id = {.client = {ip_addr_from_v4(0x01020304), 25}};
    struct smtp_xclient x;
    size_t used = take_text(data, size, offer);
    used += take_text(data + used, size - used, id.helo);
    take_text(data + used, size - used, id.name);
    uint32_t offered = smtp_identity_offered((struct span){offer, strlen(offer)});
    FUZZ_CHECK(offered < 1u << SMTP_ATTRIBUTE_COUNT);
    size_t len = smtp_format_identity(line, sizeof(line), IDENTITY_XCLIENT, offered, &id);
    FUZZ_CHECK((len == 0) == (offered == 0) && len <= sizeof(line));
    if (len == 0)
        return 0;
    FUZZ_CHECK(memcmp(line, "XCLIENT ", 8) == 0 && memcmp(line + len - 2, "\r\n", 2) == 0);
    for (size_t i = 0; i + 2 < len; i++)
        FUZZ_CHECK(line[i] >= ' ' && line[i] <= '~');
    struct span name = {id.name, strlen(id.name)};
    if (name.len > 0 && !smtp_is_domain(name))
        return 0; /* such a name never gets that far */
    FUZZ_CHECK(smtp_xclient_parse((struct span){line + 8, len - 10}, &x));
    FUZZ_CHECK(x.given == offered);
    if ((x.given & 1u << SMTP_ATTRIBUTE_NAME) != 0)
        FUZZ_CHECK(x.name[0] == '\0' || strcmp(x.name, id.name) == 0);
    return 0;
}
