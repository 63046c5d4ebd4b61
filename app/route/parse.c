/* SPDX-License-Identifier: BSD-3-Clause */
/* An operator's address goes through the parser that RCPT goes through. */
#include "app/route/parse.h"

#include <string.h>

/* RCPT knows nothing beyond ASCII yet. While the line is cut, a letter stands in for each such
 * character: limits are those of the canonical form, which address_canonical() judges. */
struct line {
    char text[SMTP_LINE_MAX];
    size_t len;
    const char *from[SMTP_LINE_MAX + 1]; /* where in the operator's text each character began */
};

/* Not its first byte. What is not UTF-8 has its bytes counted one by one. */
static bool is_inside_character(struct span s, size_t i)
{
    return i > 0 && ((unsigned char)s.at[i] & 0xc0) == 0x80 && (unsigned char)s.at[i - 1] >= 0x80;
}

static bool append(struct line *l, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (is_inside_character(s, i))
            continue;
        if (l->len == sizeof(l->text))
            return false;
        l->from[l->len] = s.at + i;
        l->text[l->len++] = (unsigned char)c < 0x80 ? c : 'x';
    }
    l->from[l->len] = s.at + s.len;
    return true;
}

static struct span moved(const struct line *l, struct span s)
{
    size_t at = (size_t)(s.at - l->text);
    return (struct span){l->from[at], (size_t)(l->from[at + s.len] - l->from[at])};
}

bool route_parse_address(const char *text, struct smtp_path *out)
{
    static const char before[] = "RCPT TO:<", after[] = ">";
    struct line line = {.len = 0};
    struct smtp_command command;
    struct span address = {text, strlen(text)};
    if (address.len >= 2 && text[0] == '<' && text[address.len - 1] == '>')
        address = (struct span){text + 1, address.len - 2};
    if (!append(&line, (struct span){before, strlen(before)}) || !append(&line, address))
        return false;
    const char *end = line.from[line.len];
    if (!append(&line, (struct span){after, strlen(after)}))
        return false;
    line.from[line.len - 1] = end;
    /* Without extensions nothing may follow the path: what ends at the last '>' is all of it. */
    if (smtp_command_parse(line.text, line.len, 0, &command) != SMTP_COMMAND_OK)
        return false;
    *out = command.path;
    out->address = moved(&line, command.path.address);
    out->local = moved(&line, command.path.local);
    out->domain = moved(&line, command.path.domain);
    return true;
}
