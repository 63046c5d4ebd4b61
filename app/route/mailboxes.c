/* SPDX-License-Identifier: BSD-3-Clause */
/* Mailbox files become canonical keys, expressions and a catch-all. */
#include "app/route/mailboxes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/route/address.h"
#include "config/file.h"
#include "config/memory.h"

#define FILE_MAX_SIZE ((size_t)4 << 30)

struct parser {
    struct mailboxes *m;
    const char *path, *domain;
    struct config_errors *errors;
    struct file_lines lines;
    unsigned entries; /* lines that were meant to be one */
};

#define FAIL(p, ...) config_error_in((p)->errors, (p)->path, (p)->lines.number, __VA_ARGS__)

/* The character that closes what at[0] opened, or NULL. A backslash takes the next one's meaning
 * away. */
static const char *closing(const char *at, const char *end)
{
    for (const char *c = at + 1; c < end; c++) {
        if (*c == '\\')
            c++;
        else if (*c == at[0])
            return c;
    }
    return NULL;
}

/* Nothing may follow an entry but a comment behind a blank. */
static bool ends_here(struct parser *p, const char *at, const char *end)
{
    const char *rest = at;
    while (rest < end && file_is_blank(*rest))
        rest++;
    if (rest == end || (rest > at && *rest == '#'))
        return true;
    FAIL(p, CONFIG_QUOTED " after the entry; allowed: a # behind a blank",
         CONFIG_QUOTE(rest, (size_t)(end - rest)));
    return false;
}

static void add_expression(struct parser *p, const char *at, const char *end, bool external)
{
    const char *close = closing(at, end);
    if (close == NULL) {
        FAIL(p, "the expression has no / at its end");
        return;
    }
    if (!ends_here(p, close + 1, end))
        return;
    if (!address_is_composed((struct span){at + 1, (size_t)(close - at - 1)})) {
        FAIL(p, "the expression is not in Unicode form NFC, as what it is matched with is");
        return;
    }
    struct mailboxes *m = p->m;
    m->expressions = memory_grow(m->expressions, m->expression_count, sizeof(*m->expressions));
    m->expressions[m->expression_count++] =
        (struct expression){.text = memory_copy_text(at + 1, (size_t)(close - at - 1)),
                            .line = p->lines.number,
                            .external = external};
}

static void add_catch_all(struct parser *p, bool external)
{
    struct mailboxes *m = p->m;
    enum catch_all value = external ? CATCH_ALL_EXTERNAL : CATCH_ALL_LOCAL;
    if (m->catch_all != CATCH_ALL_NONE && m->catch_all != value) {
        FAIL(p, "contradicts line %u: * is on one side only", m->catch_all_line);
        return;
    }
    m->catch_all = value;
    m->catch_all_line = p->lines.number;
}

static void add_key(struct mailboxes *m, const struct address *a, unsigned line, bool external)
{
    size_t len = address_key_len(a);
    if (m->keys_len + len > m->keys_room) {
        m->keys_room = 2 * m->keys_room + ADDRESS_KEY_MAX;
        m->keys = memory_must(realloc(m->keys, m->keys_room));
    }
    memcpy(m->keys + m->keys_len, a->key, len);
    m->entries = memory_grow(m->entries, m->entry_count, sizeof(*m->entries));
    m->entries[m->entry_count++] =
        (struct mailbox_entry){m->keys_len, (uint16_t)len, external, line};
    m->keys_len += len;
}

/* Whether the domain of a whole address is this file's. */
static bool is_ours(struct parser *p, struct span domain)
{
    char canonical[ADDRESS_DOMAIN_MAX + 1];
    uint16_t len;
    enum address_error error = address_domain_canonical(domain, canonical, &len);
    if (error != ADDRESS_OK) {
        FAIL(p, CONFIG_QUOTED ": %s", CONFIG_QUOTE(domain.at, domain.len),
             address_error_text(error));
        return false;
    }
    if (strcmp(canonical, p->domain) == 0)
        return true;
    FAIL(p, "%s is another domain; allowed: addresses of %s", canonical, p->domain);
    return false;
}

/* A local part and what follows it: @ and this domain, or nothing. */
static void add_address(struct parser *p, struct span local, bool quoted, const char *at,
                        const char *end, bool external)
{
    const char *stop = at;
    while (stop < end && !file_is_blank(*stop))
        stop++;
    if (!ends_here(p, stop, end))
        return;
    if (at < stop && *at != '@') {
        FAIL(p, CONFIG_QUOTED " after the local part; allowed: @%s",
             CONFIG_QUOTE(at, (size_t)(stop - at)), p->domain);
        return;
    }
    if (at < stop && !is_ours(p, (struct span){at + 1, (size_t)(stop - at - 1)}))
        return;
    if (!quoted && local.len == 1 && local.at[0] == '*') {
        add_catch_all(p, external);
        return;
    }
    struct address a;
    enum address_error error =
        address_canonical(local, quoted, (struct span){p->domain, strlen(p->domain)}, &a);
    if (error == ADDRESS_NO_LOCAL_PART)
        FAIL(p, "there is no local part; everybody is *");
    else if (error != ADDRESS_OK)
        FAIL(p, CONFIG_QUOTED ": %s", CONFIG_QUOTE(local.at, local.len), address_error_text(error));
    else if (!quoted && memchr(local.at, '*', local.len) != NULL)
        FAIL(p,
             CONFIG_QUOTED
             ": * stands for everybody, and only alone; write an expression, or quote it",
             CONFIG_QUOTE(local.at, local.len));
    else
        add_key(p->m, &a, p->lines.number, external);
}

static void add_entry(struct parser *p, const char *at, const char *end)
{
    bool external = *at == '!';
    at += external;
    if (at < end && *at == '/') {
        add_expression(p, at, end, external);
    } else if (at < end && *at == '"') {
        const char *close = closing(at, end);
        if (close == NULL)
            FAIL(p, "the local part has no quote at its end");
        else
            add_address(p, (struct span){at, (size_t)(close + 1 - at)}, true, close + 1, end,
                        external);
    } else if (external && at < end && *at == '!') {
        FAIL(p, "two ! in front; quote the local part if the second one belongs to it");
    } else {
        const char *stop = at;
        while (stop < end && *stop != '@' && !file_is_blank(*stop))
            stop++;
        add_address(p, (struct span){at, (size_t)(stop - at)}, false, stop, end, external);
    }
}

static void parse_lines(struct parser *p)
{
    const char *at, *end, *control;
    while (file_next_line(&p->lines, &at, &end)) {
        if (at == end || *at == '#')
            continue;
        p->entries++;
        if ((control = file_find_control(at, end)) != NULL)
            FAIL(p, "control character 0x%02x; allowed: text", (unsigned char)*control);
        else if (!address_is_utf8((struct span){at, (size_t)(end - at)}))
            FAIL(p, "not valid UTF-8");
        else
            add_entry(p, at, end);
    }
}

static int by_key(const void *a, const void *b, void *context)
{
    const struct mailbox_entry *x = a, *y = b;
    const char *keys = context;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = memcmp(keys + x->key, keys + y->key, len);
    return order != 0           ? order
           : x->len != y->len   ? (x->len < y->len ? -1 : 1)
           : x->line != y->line ? (x->line < y->line ? -1 : 1)
                                : 0;
}

static bool same_key(const struct mailboxes *m, const struct mailbox_entry *a,
                     const struct mailbox_entry *b)
{
    return a->len == b->len && memcmp(m->keys + a->key, m->keys + b->key, a->len) == 0;
}

/* Keep the first of each key. A mailbox that is on both sides is a mistake that only its operator
 * can mend. */
static void sort_entries(struct parser *p)
{
    struct mailboxes *m = p->m;
    uint32_t kept = 0;
    if (m->entry_count == 0)
        return;
    qsort_r(m->entries, m->entry_count, sizeof(*m->entries), by_key, m->keys);
    for (uint32_t i = 1; i < m->entry_count; i++) {
        const struct mailbox_entry *first = &m->entries[kept], *e = &m->entries[i];
        if (!same_key(m, first, e))
            m->entries[++kept] = *e;
        else if (e->external != first->external)
            config_error_in(p->errors, p->path, e->line,
                            "contradicts line %u: %.*s is on one side only", first->line,
                            (int)e->len - 2, m->keys + e->key + 1);
    }
    m->entry_count = kept + 1;
}

static int by_text(const void *a, const void *b)
{
    const struct expression *const *x = a, *const *y = b;
    int order = strcmp((*x)->text, (*y)->text);
    return order != 0 ? order : (*x)->line < (*y)->line ? -1 : 1;
}

static void check_expressions(struct parser *p)
{
    unsigned count = p->m->expression_count;
    const struct expression **sorted = memory_new(count, sizeof(*sorted));
    for (unsigned i = 0; i < count; i++)
        sorted[i] = &p->m->expressions[i];
    qsort(sorted, count, sizeof(*sorted), by_text);
    for (unsigned i = 1; i < count; i++)
        if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0 &&
            sorted[i - 1]->external != sorted[i]->external)
            config_error_in(p->errors, p->path, sorted[i]->line,
                            "contradicts line %u: the same expression for both sides",
                            sorted[i - 1]->line);
    free(sorted);
}

bool mailboxes_parse(struct mailboxes *m, const char *path, const char *data, size_t len,
                     const char *domain, struct config_errors *errors)
{
    struct parser p = {m, path, domain, errors, file_lines(data, len), 0};
    unsigned before = config_errors_count(errors);
    parse_lines(&p);
    sort_entries(&p);
    check_expressions(&p);
    if (p.entries == 0)
        config_error_in(errors, path, 0,
                        "holds no entry: an empty file would send all mail to the other side");
    return config_errors_count(errors) == before;
}

bool mailboxes_load(struct mailboxes *m, const char *path, const char *domain,
                    struct config_errors *errors)
{
    size_t len;
    char *data = file_read(path, FILE_MAX_SIZE, &len);
    if (data == NULL) {
        config_error_in(errors, path, 0, "cannot be read: %s", strerror(errno));
        return false;
    }
    bool ok = mailboxes_parse(m, path, data, len, domain, errors);
    free(data);
    return ok;
}

void mailboxes_free(struct mailboxes *m)
{
    for (unsigned i = 0; i < m->expression_count; i++)
        free(m->expressions[i].text);
    free(m->expressions);
    free(m->entries);
    free(m->keys);
    memset(m, 0, sizeof(*m));
}
