/* SPDX-License-Identifier: BSD-3-Clause */
/* Spellings of addresses become their canonical form. */
#include "app/route/address.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

const char *address_error_text(enum address_error error)
{
#define ADDRESS_ERROR_TEXT(name, sentence) [name] = sentence,
    static const char *const text[] = {ADDRESS_ERRORS(ADDRESS_ERROR_TEXT)};
    return text[error];
}

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

static bool is_let_dig(char c)
{
    return is_alnum(c) || c == '_';
}

/* atext of RFC 5321 §4.1.2, and of RFC 6531 §3.3 beyond ASCII. */
static bool is_atext(char c)
{
    return is_alnum(c) || (unsigned char)c >= 0x80 ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

static bool is_ascii(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] >= 0x80)
            return false;
    return true;
}

/* A local part that needs no quotes. Dots may stand anywhere, as in RCPT (see smtp_path_parse). */
static bool is_dot_string(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] != '.' && !is_atext(s.at[i]))
            return false;
    return s.len > 0;
}

/* UTF-8, and none of the control characters U+0080 to U+009F. */
static enum address_error check_utf8(struct span s)
{
    const uint8_t *bytes = (const uint8_t *)s.at;
    if (u8_check(bytes, s.len) != NULL)
        return ADDRESS_NOT_UTF8;
    for (size_t i = 0; i + 1 < s.len; i++)
        if (bytes[i] == 0xc2 && bytes[i + 1] < 0xa0)
            return ADDRESS_CONTROL;
    return ADDRESS_OK;
}

/* What stands between the quotes, backslashes resolved (RFC 5321 §4.1.2 `Quoted-string`). */
static enum address_error unquote(struct span s, char *out, size_t *len)
{
    *len = 0;
    if (s.len < 2 || s.at[0] != '"')
        return ADDRESS_QUOTES;
    size_t i = 1;
    for (; i < s.len && s.at[i] != '"'; i++) {
        if (s.at[i] == '\\' && (++i == s.len || (unsigned char)s.at[i] >= 0x80))
            return ADDRESS_QUOTES;
        if (is_control(s.at[i]))
            return ADDRESS_CONTROL;
        out[(*len)++] = s.at[i];
    }
    return i + 1 == s.len ? ADDRESS_OK : ADDRESS_QUOTES;
}

static void lower(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        text[i] = ascii_lower(text[i]);
}

static enum address_error compose(const char *in, size_t in_len, char *out, size_t *len)
{
    *len = ADDRESS_TEXT_MAX;
    uint8_t *to = (uint8_t *)out;
    uint8_t *result = u8_normalize(UNINORM_NFC, (const uint8_t *)in, in_len, to, len);
    if (result == to)
        return ADDRESS_OK;
    free(result); /* it did not fit: not an address in any case */
    return result != NULL ? ADDRESS_LOCAL_TOO_LONG : ADDRESS_NO_MEMORY;
}

/* NFC without ASCII case. Composing comes first because it can yield ASCII capitals (U+212A is K),
 * and once more because lower case composes where capitals do not (h U+0331 is U+1E96). */
static enum address_error fold(char *text, size_t *len)
{
    char composed[ADDRESS_TEXT_MAX];
    size_t composed_len;
    enum address_error error = check_utf8((struct span){text, *len});
    if (error == ADDRESS_OK)
        error = compose(text, *len, composed, &composed_len);
    if (error != ADDRESS_OK)
        return error;
    lower(composed, composed_len);
    return compose(composed, composed_len, text, len);
}

/* `out` has room for ADDRESS_LOCAL_MAX. */
static enum address_error local_canonical(struct span local, bool quoted, char *out, uint16_t *len)
{
    char text[ADDRESS_TEXT_MAX];
    size_t text_len = local.len;
    enum address_error error = ADDRESS_OK;
    if (local.len == 0)
        return ADDRESS_NO_LOCAL_PART;
    if (local.len > sizeof(text))
        return ADDRESS_LOCAL_TOO_LONG;
    if (quoted)
        error = unquote(local, text, &text_len);
    else if (is_dot_string(local))
        memcpy(text, local.at, local.len);
    else
        error = ADDRESS_LOCAL_SYNTAX;
    if (error == ADDRESS_OK && text_len == 0)
        error = ADDRESS_NO_LOCAL_PART;
    if (error == ADDRESS_OK && !is_ascii((struct span){text, text_len}))
        error = fold(text, &text_len);
    if (error == ADDRESS_OK && text_len > ADDRESS_LOCAL_MAX)
        error = ADDRESS_LOCAL_TOO_LONG;
    if (error != ADDRESS_OK)
        return error;
    lower(text, text_len);
    memcpy(out, text, text_len);
    *len = (uint16_t)text_len;
    return ADDRESS_OK;
}

/* Letters, digits, inner hyphens (RFC 1123 §2.1) and underscores (as in RCPT), in lower case and
 * without a trailing dot. */
static enum address_error ascii_domain(struct span s, char *out, uint16_t *len)
{
    if (s.len > 0 && s.at[s.len - 1] == '.')
        s.len--;
    if (s.len == 0)
        return ADDRESS_NO_DOMAIN;
    if (s.len > ADDRESS_DOMAIN_MAX)
        return ADDRESS_DOMAIN_TOO_LONG;
    size_t label = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool inner = label > 0 && s.at[i - 1] != '-';
        if (c == '.' ? !inner : !is_let_dig(c) && (c != '-' || label == 0))
            return ADDRESS_DOMAIN_SYNTAX;
        label = c == '.' ? 0 : label + 1;
        if (label > 63)
            return ADDRESS_DOMAIN_SYNTAX;
        out[i] = ascii_lower(c);
    }
    if (label == 0 || s.at[s.len - 1] == '-')
        return ADDRESS_DOMAIN_SYNTAX;
    out[s.len] = '\0';
    *len = (uint16_t)s.len;
    return ADDRESS_OK;
}

/* Lower case in NFC, label by label, so that none depends on its neighbours (the two small sigmas
 * of Greek). IDNA2008 itself knows lower case only (RFC 5895 §2 step 1). */
static enum address_error lower_labels(struct span s, uint8_t *out, size_t room)
{
    size_t at = 0;
    for (const char *end = s.at + s.len, *label = s.at; label <= end;) {
        const char *dot = memchr(label, '.', (size_t)(end - label));
        size_t label_len = (size_t)((dot != NULL ? dot : end) - label), len = room - at - 2;
        uint8_t *result =
            u8_tolower((const uint8_t *)label, label_len, "", UNINORM_NFC, out + at, &len);
        if (result != out + at) {
            free(result);
            return result != NULL ? ADDRESS_DOMAIN_TOO_LONG : ADDRESS_NO_MEMORY;
        }
        at += len;
        out[at++] = dot != NULL ? '.' : '\0';
        if (at + 2 >= room)
            return ADDRESS_DOMAIN_TOO_LONG;
        label += label_len + 1;
    }
    return ADDRESS_OK;
}

static enum address_error unicode_domain(struct span s, char *out, uint16_t *len)
{
    uint8_t labels[ADDRESS_TEXT_MAX], *ascii = NULL;
    enum address_error error = check_utf8(s);
    if (error == ADDRESS_OK)
        error = lower_labels(s, labels, sizeof(labels));
    if (error != ADDRESS_OK)
        return error;
    /* Without the mappings of UTS #46: a fullwidth letter is not the ASCII one it looks like. */
    int code = idn2_lookup_u8(labels, &ascii, IDN2_NFC_INPUT | IDN2_NO_TR46);
    if (code == IDN2_OK)
        error = ascii_domain((struct span){(char *)ascii, strlen((char *)ascii)}, out, len);
    else
        error = code == IDN2_MALLOC           ? ADDRESS_NO_MEMORY
                : code == IDN2_TOO_BIG_DOMAIN ? ADDRESS_DOMAIN_TOO_LONG
                                              : ADDRESS_DOMAIN_IDNA;
    idn2_free(ascii);
    return error;
}

enum address_error address_domain_canonical(struct span domain, char *out, uint16_t *len)
{
    if (domain.len == 0)
        return ADDRESS_NO_DOMAIN;
    if (domain.len > ADDRESS_TEXT_MAX)
        return ADDRESS_DOMAIN_TOO_LONG;
    if (is_ascii(domain))
        return ascii_domain(domain, out, len);
    for (size_t i = 0; i < domain.len; i++)
        if (is_control(domain.at[i]))
            return ADDRESS_CONTROL;
    return unicode_domain(domain, out, len);
}

static void assemble(struct address *a, const char *local, size_t local_len, const char *domain,
                     size_t domain_len)
{
    char *at = a->key;
    *at++ = '\n';
    memcpy(at, local, local_len);
    at += local_len;
    *at++ = '@';
    memcpy(at, domain, domain_len);
    at[domain_len] = '\n';
    a->local_len = (uint16_t)local_len;
    a->domain_len = (uint16_t)domain_len;
}

enum address_error address_canonical(struct span local, bool quoted, struct span domain,
                                     struct address *out)
{
    char local_text[ADDRESS_LOCAL_MAX], domain_text[ADDRESS_DOMAIN_MAX + 1];
    uint16_t local_len, domain_len;
    enum address_error error = local_canonical(local, quoted, local_text, &local_len);
    if (error == ADDRESS_OK)
        error = address_domain_canonical(domain, domain_text, &domain_len);
    if (error == ADDRESS_OK)
        assemble(out, local_text, local_len, domain_text, domain_len);
    return error;
}

bool address_base(const struct address *a, char delimiter, struct address *out)
{
    struct span local = address_local(a), domain = address_domain(a);
    const char *at = memchr(local.at, delimiter, local.len);
    if (at == NULL || at == local.at)
        return false;
    assemble(out, local.at, (size_t)(at - local.at), domain.at, domain.len);
    return true;
}

bool address_is_routed(const struct address *a)
{
    struct span local = address_local(a);
    if (local.at[0] == '/' || local.at[0] == '.')
        return true;
    for (size_t i = 0; i < local.len; i++) {
        char c = local.at[i];
        if (is_control(c) || c == '@' || c == '%' || c == '!' || c == '|' || c == '\\')
            return true;
    }
    return false;
}

bool address_is_utf8(struct span text)
{
    return u8_check((const uint8_t *)text.at, text.len) == NULL;
}

bool address_is_dotless(const struct address *a)
{
    struct span domain = address_domain(a);
    return memchr(domain.at, '.', domain.len) == NULL;
}

const char *address_format(const struct address *a, char *buf)
{
    struct span local = address_local(a), domain = address_domain(a);
    char *at = buf;
    if (is_dot_string(local)) {
        memcpy(at, local.at, local.len);
        at += local.len;
    } else {
        *at++ = '"';
        for (size_t i = 0; i < local.len; i++) {
            if (local.at[i] == '"' || local.at[i] == '\\')
                *at++ = '\\';
            *at++ = local.at[i];
        }
        *at++ = '"';
    }
    *at++ = '@';
    memcpy(at, domain.at, domain.len);
    at[domain.len] = '\0';
    return buf;
}
