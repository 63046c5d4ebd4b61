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

/* One label by IDNA2008 (RFC 5891 §5), without the mappings of UTS #46: a fullwidth letter is not
 * the ASCII one that it looks like. */
static int look_up(const uint8_t *label, uint8_t **ascii)
{
    return idn2_lookup_u8(label, ascii, IDN2_NFC_INPUT | IDN2_NO_TR46);
}

/* IDNA2008 knows lower case only (RFC 5895 §2 step 1), but for the capitals of Cherokee, which
 * Unicode had long before it had their small letters: so what is a label as it stands stays. */
static int look_up_without_case(const uint8_t *label, uint8_t **ascii)
{
    uint8_t lower[ADDRESS_TEXT_MAX];
    size_t len = sizeof(lower) - 1;
    int code = look_up(label, ascii);
    if (code == IDN2_OK || code == IDN2_MALLOC)
        return code;
    uint8_t *result = u8_tolower(label, u8_strlen(label), "", UNINORM_NFC, lower, &len);
    if (result != lower) {
        free(result);
        return result != NULL ? IDN2_TOO_BIG_LABEL : IDN2_MALLOC;
    }
    lower[len] = '\0';
    return look_up(lower, ascii);
}

static enum address_error append_label(struct span label, char *out, size_t room, size_t *at)
{
    uint8_t text[ADDRESS_TEXT_MAX + 1], *ascii = NULL;
    memcpy(text, label.at, label.len);
    text[label.len] = '\0';
    int code = is_ascii(label) ? IDN2_OK : look_up_without_case(text, &ascii);
    if (code != IDN2_OK)
        return code == IDN2_MALLOC ? ADDRESS_NO_MEMORY : ADDRESS_DOMAIN_IDNA;
    const char *written = ascii != NULL ? (const char *)ascii : (const char *)text;
    size_t len = strlen(written);
    bool fits = len < room - *at;
    if (fits)
        memcpy(out + *at, written, len);
    *at += len;
    idn2_free(ascii);
    return fits ? ADDRESS_OK : ADDRESS_DOMAIN_TOO_LONG;
}

/* Label by label, so that none depends on its neighbours (the two small sigmas of Greek), and an
 * A-label is taken as it is among others as it is alone. */
static enum address_error unicode_domain(struct span s, char *out, uint16_t *len)
{
    char ascii[ADDRESS_TEXT_MAX];
    size_t at = 0;
    enum address_error error = check_utf8(s);
    for (const char *end = s.at + s.len, *label = s.at; error == ADDRESS_OK && label <= end;) {
        const char *dot = memchr(label, '.', (size_t)(end - label));
        size_t label_len = (size_t)((dot != NULL ? dot : end) - label);
        error = append_label((struct span){label, label_len}, ascii, sizeof(ascii), &at);
        if (dot != NULL && error == ADDRESS_OK)
            ascii[at++] = '.'; /* append_label() left room for it */
        label += label_len + 1;
    }
    return error != ADDRESS_OK ? error : ascii_domain((struct span){ascii, at}, out, len);
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

bool address_is_composed(struct span text)
{
    const uint8_t *bytes = (const uint8_t *)text.at;
    size_t len;
    if (is_ascii(text))
        return true;
    uint8_t *composed = u8_normalize(UNINORM_NFC, bytes, text.len, NULL, &len);
    bool same = composed != NULL && len == text.len && memcmp(composed, bytes, len) == 0;
    free(composed);
    return same;
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
