/* SPDX-License-Identifier: BSD-3-Clause */
/* An operator's address goes through the parser that RCPT goes through. */
#include "app/route/parse.h"

#include <string.h>

/* RCPT knows no bytes beyond ASCII yet; any letter stands in for them while the line is cut. */
static char stand_in(char c)
{
    return (unsigned char)c < 0x80 ? c : 'x';
}

static struct span moved(struct span s, const char *from, const char *to)
{
    return (struct span){to + (s.at - from), s.len};
}

bool route_parse_address(const char *text, struct smtp_path *out)
{
    static const char prefix[] = "RCPT TO:<";
    char line[SMTP_LINE_MAX];
    size_t len = strlen(text), at = strlen(prefix);
    struct smtp_command command;
    if (len >= 2 && text[0] == '<' && text[len - 1] == '>') {
        text++;
        len -= 2;
    }
    if (at + len + 1 > sizeof(line))
        return false;
    memcpy(line, prefix, at);
    for (size_t i = 0; i < len; i++)
        line[at + i] = stand_in(text[i]);
    line[at + len] = '>';
    /* Without extensions nothing may follow the path: what ends at the last '>' is all of it. */
    if (smtp_command_parse(line, at + len + 1, false, &command) != SMTP_COMMAND_OK)
        return false;
    *out = command.path;
    out->address = moved(command.path.address, line + at, text);
    out->local = moved(command.path.local, line + at, text);
    out->domain = moved(command.path.domain, line + at, text);
    return true;
}
