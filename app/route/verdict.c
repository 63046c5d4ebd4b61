/* SPDX-License-Identifier: BSD-3-Clause */
/* Verdicts and sides in words. */
#include "app/route/verdict.h"

#define VERDICT_ROW_TEXT(name, text, reply)  [name] = text,
#define VERDICT_ROW_REPLY(name, text, reply) [name] = reply,

const char *verdict_text(enum verdict v)
{
    static const char *const texts[] = {ROUTE_VERDICTS(VERDICT_ROW_TEXT)};
    return texts[v];
}

const char *verdict_reply(enum verdict v)
{
    static const char *const replies[] = {ROUTE_VERDICTS(VERDICT_ROW_REPLY)};
    return replies[v];
}

const char *side_text(enum side s)
{
    static const char *const texts[] = {
        [SIDE_OUTSIDE] = "outside", [SIDE_LOCAL] = "local", [SIDE_EXTERNAL] = "external"};
    return texts[s];
}
