/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsing of paths and mailboxes: one function per rule of RFC 5321 §4.1.2 and §4.1.3. */
#include "app/smtp/path.h"

#include "app/smtp/chars.h"
#include "drivers/base/addr.h"

/* Each rule takes what it matches from the front of `rest`; what it leaves behind when it fails is
 * unspecified. */

static bool take(struct span *rest, char c)
{
    if (rest->len == 0 || rest->at[0] != c)
        return false;
    span_take(rest, 1);
    return true;
}

static struct span between(const char *from, const struct span *rest)
{
    return (struct span){from, (size_t)(rest->at - from)};
}

/* Characters of a class, and what lies beyond ASCII (RFC 6531 §3.3). */
static struct span take_while_utf8(struct span *rest, bool (*is)(char))
{
    const char *from = rest->at;
    size_t beyond;
    do {
        span_take_while(rest, is);
        beyond = char_utf8(*rest);
        span_take(rest, beyond);
    } while (beyond > 0);
    return between(from, rest);
}

/* sub-domain = Let-dig [Ldh-str], or a U-label: its own limit is that of its A-label. */
static bool take_label(struct span *rest)
{
    struct span label = take_while_utf8(rest, char_is_ldh);
    return label.len > 0 && (label.len <= SMTP_LABEL_MAX || !span_is_ascii(label)) &&
           label.at[0] != '-' && label.at[label.len - 1] != '-';
}

/* Domain = sub-domain *("." sub-domain) */
static bool take_domain(struct span *rest)
{
    do {
        if (!take_label(rest))
            return false;
    } while (take(rest, '.'));
    return true;
}

/* IPv4-address-literal / IPv6-address-literal / General-address-literal */
static bool is_literal_content(struct span text)
{
    struct ip_addr a;
    const char *colon = memchr(text.at, ':', text.len);
    if (colon == NULL)
        return ip_addr_parse(text.at, text.len, &a);
    struct span tag = {text.at, (size_t)(colon - text.at)};
    struct span value = {colon + 1, text.len - tag.len - 1};
    if (span_is(tag, "IPv6"))
        return memchr(value.at, ':', value.len) != NULL && ip_addr_parse(value.at, value.len, &a);
    return value.len > 0 && tag.len > 0 && span_is_all(tag, char_is_ldh) &&
           tag.at[tag.len - 1] != '-';
}

/* address-literal = "[" ... "]" */
static bool take_literal(struct span *rest)
{
    if (!take(rest, '['))
        return false;
    return is_literal_content(span_take_while(rest, char_is_dcontent)) && take(rest, ']');
}

/* Quoted-string = DQUOTE *QcontentSMTP DQUOTE */
static bool take_quoted_string(struct span *rest)
{
    if (!take(rest, '"'))
        return false;
    for (;;) {
        take_while_utf8(rest, char_is_qtext);
        if (take(rest, '"'))
            return true;
        if (!take(rest, '\\') || rest->len == 0 || !char_is_print(rest->at[0]))
            return false;
        span_take(rest, 1);
    }
}

/* Dot-string, with dots anywhere. */
static bool is_dot_atext(char c)
{
    return char_is_atext(c) || c == '.';
}

/* Local-part = Dot-string / Quoted-string */
static bool take_local_part(struct span *rest, struct smtp_path *out)
{
    const char *local = rest->at;
    out->quoted = rest->len > 0 && rest->at[0] == '"';
    if (out->quoted ? !take_quoted_string(rest) : take_while_utf8(rest, is_dot_atext).len == 0)
        return false;
    out->local = between(local, rest);
    return true;
}

/* Mailbox = Local-part "@" ( Domain / address-literal ), or the postmaster without a domain. */
static bool take_mailbox(struct span *rest, struct smtp_path *out)
{
    const char *address = rest->at;
    if (!take_local_part(rest, out))
        return false;
    if (take(rest, '@')) {
        const char *domain = rest->at;
        bool literal = rest->len > 0 && rest->at[0] == '[';
        if (literal ? !take_literal(rest) : !take_domain(rest))
            return false;
        out->domain = between(domain, rest);
    } else {
        if (!span_is(out->local, "postmaster"))
            return false;
        out->domain = (struct span){rest->at, 0};
    }
    out->address = between(address, rest);
    return true;
}

/* A-d-l ":" where A-d-l = At-domain *( "," At-domain ): recognised and ignored (RFC 5321 appendix
 * C). */
static bool take_source_route(struct span *rest)
{
    do {
        if (!take(rest, '@') || !take_domain(rest))
            return false;
    } while (take(rest, ','));
    return take(rest, ':');
}

size_t smtp_path_parse(const char *text, size_t len, struct smtp_path *out)
{
    struct span rest = {text, len};
    *out = (struct smtp_path){0};
    if (!take(&rest, '<'))
        return 0;
    if (rest.len > 0 && rest.at[0] == '>') {
        out->address = out->local = out->domain = (struct span){rest.at, 0};
    } else {
        out->source_route = rest.len > 0 && rest.at[0] == '@';
        if (out->source_route && !take_source_route(&rest))
            return 0;
        if (!take_mailbox(&rest, out))
            return 0;
    }
    if (!take(&rest, '>'))
        return 0;
    struct span whole = between(text, &rest);
    out->utf8 = !span_is_ascii(whole);
    return whole.len;
}

bool smtp_is_domain(struct span text)
{
    return text.len > 0 && span_is_ascii(text) && take_domain(&text) && text.len == 0;
}

bool smtp_is_address_literal(struct span text)
{
    return take_literal(&text) && text.len == 0;
}

bool smtp_is_utf8_address(struct span text)
{
    struct smtp_path path;
    return text.len == 0 || (take_mailbox(&text, &path) && text.len == 0);
}

bool smtp_is_address(struct span text)
{
    return span_is_ascii(text) && smtp_is_utf8_address(text);
}

bool smtp_mailbox_parse(const char *text, size_t len, struct smtp_path *out)
{
    struct span rest = {text, len};
    *out = (struct smtp_path){0};
    return span_is_ascii(rest) && take_mailbox(&rest, out) && rest.len == 0 &&
           out->domain.len > 0 && out->local.len <= SMTP_LOCAL_PART_MAX &&
           out->domain.len <= SMTP_DOMAIN_MAX && len + strlen("<>") <= SMTP_PATH_MAX;
}
