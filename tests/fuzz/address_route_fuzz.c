/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses, all the way to their verdict. Nothing leaves for a domain that is not configured, and
 * nothing that is a routed address goes anywhere unless the file names it. Another spelling goes
 * where the first one went.
 */
#include <string.h>
#include <unistd.h>

#include "app/route/address.h"
#include "app/route/parse.h"
#include "app/route/route.h"
#include "app/route/snapshot.h"
#include "fuzz.h"

static const char ini[] = "[appliance]\nhostname = mx.example.net\n"
                          "[port wan]\ndevice = d\naddress = 192.0.2.25/24\n"
                          "[listener smtp]\nport = wan\n"
                          "[domain example.com]\nmailboxes = %s\n"
                          "mailbox_server = 192.0.2.10\nexternal_mail_server = 198.51.100.7\n"
                          "verification_address = a@example.com\nsplit_domain_routing = yes\n"
                          "subaddress_delimiter = +\n";
static const char mailboxes[] = "alice\n\"per%cent\"\n/sales-.*/\n!/.*x/\n!bob\n";

static struct snapshot *build(void)
{
    char path[] = "/tmp/splitmx-fuzz-XXXXXX", text[sizeof(ini) + sizeof(path)];
    int fd = mkstemp(path);
    FUZZ_CHECK(fd >= 0 && write(fd, mailboxes, strlen(mailboxes)) == (ssize_t)strlen(mailboxes));
    close(fd);
    int len = snprintf(text, sizeof(text), ini, path);
    struct config_errors *errors = config_errors_new();
    struct config *c = config_parse("x.ini", text, (size_t)len, errors);
    struct snapshot *s = snapshot_build(c, NULL, 0, 1, errors);
    config_errors_print(errors, stderr);
    FUZZ_CHECK(s != NULL);
    config_free(c);
    config_errors_free(errors);
    unlink(path);
    return s;
}

static void check_hop(const struct smtp_path *path, const struct route *r)
{
    static const char percent[] = "\nper%cent@example.com\n";
    struct address a;
    FUZZ_CHECK(r->hop_count == 1 && verdict_reply(r->verdict)[0] == '\0');
    FUZZ_CHECK((r->verdict == VERDICT_LOCAL) == (r->hops[0].side == SIDE_LOCAL));
    if (path->domain.len == 0)
        return; /* <postmaster> */
    FUZZ_CHECK(address_canonical(path->local, path->quoted, path->domain, &a) == ADDRESS_OK);
    FUZZ_CHECK(span_is(address_domain(&a), "example.com"));
    if (address_is_routed(&a))
        FUZZ_CHECK(r->verdict == VERDICT_LOCAL && address_key_len(&a) == strlen(percent) &&
                   memcmp(a.key, percent, strlen(percent)) == 0);
}

static void check_spelling(const struct snapshot *s, const struct smtp_path *path,
                           const struct route *r)
{
    struct address a;
    struct smtp_path again;
    struct route other;
    char text[ADDRESS_FORMAT_SIZE];
    if (path->domain.len == 0 || path->domain.at[0] == '[' ||
        address_canonical(path->local, path->quoted, path->domain, &a) != ADDRESS_OK ||
        !route_parse_address(address_format(&a, text), &again))
        return; /* with backslashes it may be too long for RCPT */
    route_recipient(s, 0, &again, NULL, &other);
    FUZZ_CHECK(other.verdict == r->verdict && other.hop_count == r->hop_count &&
               strcmp(other.rule, r->rule) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct snapshot *s;
    static char text[4096];
    struct smtp_path path;
    struct route r;
    if (s == NULL)
        s = build();
    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (!route_parse_address(text, &path))
        return 0;
    route_recipient(s, 0, &path, NULL, &r);
    FUZZ_CHECK(r.verdict < VERDICT_FAILED && memchr(r.rule, '\0', sizeof(r.rule)) != NULL);
    check_spelling(s, &path, &r);
    if (r.verdict == VERDICT_LOCAL || r.verdict == VERDICT_EXTERNAL)
        check_hop(&path, &r);
    else
        FUZZ_CHECK(r.hop_count == 0 && verdict_reply(r.verdict)[0] == '5');
    return 0;
}
