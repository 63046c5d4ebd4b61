/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses that are arguments, and what becomes of them. */
#include "app/route/explain.h"

#include "app/route/parse.h"
#include "app/route/route.h"

void route_explain(const struct snapshot *s, const char *address, FILE *out)
{
    struct smtp_path path;
    struct route r = {.verdict = VERDICT_BAD_ADDRESS};
    char hop[ADDR_TEXT_SIZE] = "-";
    if (route_parse_address(address, &path))
        route_recipient(s, 0, &path, NULL, &r);
    if (r.hop_count > 0)
        endpoint_format(&r.hops[0].server, hop);
    fprintf(out, "%s\t%s\t%s\n", address, verdict_text(r.verdict), hop);
}
