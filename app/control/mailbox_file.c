/* SPDX-License-Identifier: BSD-3-Clause */
/* Editing mailbox files, line by line. */
#include "app/control/mailbox_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/control/replacement.h"
#include "app/route/mailboxes.h"
#include "config/memory.h"

/* A change, by its canonical local part. */
struct wanted {
    const struct change *change;
    bool present; /* a line says so already, or does now */
};

struct edit {
    const char *domain;
    struct wanted *wanted; /* sorted */
    uint32_t count;
    FILE *out;
};

static int compare_spans(struct span a, struct span b)
{
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int by_local(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;
    return compare_spans(address_local(&x->change->address), address_local(&y->change->address));
}

static struct wanted *find(const struct edit *e, struct span local)
{
    uint32_t low = 0, high = e->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_spans(local, address_local(&e->wanted[middle].change->address));
        if (order == 0)
            return &e->wanted[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* ASCII that no quote or backslash makes something else of: such an entry is its own local part. */
static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("._+=-~^'{}|$%&?`", c) != NULL;
}

/* The exact entry of a line that is not so plain, as the loader reads it. */
static struct wanted *find_parsed(const struct edit *e, const char *line, size_t len)
{
    struct mailboxes m = {0};
    struct config_errors *errors = config_errors_new();
    struct wanted *found = NULL;
    if (mailboxes_parse(&m, "", line, len, e->domain, errors) && m.entry_count == 1) {
        const char *key = m.keys + m.entries[0].key;
        size_t tail = strlen(e->domain) + 2; /* "@DOMAIN\n" */
        found = find(e, (struct span){key + 1, m.entries[0].len - tail - 1});
    }
    mailboxes_free(&m);
    config_errors_free(errors);
    return found;
}

/* Which change a line is about; NULL: none. `line` has its blanks and its `!` taken off. */
static struct wanted *about(const struct edit *e, const char *line, size_t len)
{
    char local[ADDRESS_LOCAL_MAX];
    size_t n = 0;
    if (len == 0 || line[0] == '#' || line[0] == '/')
        return NULL;
    while (n < len && n < sizeof(local) && line[n] != '\0' && is_plain(line[n])) {
        local[n] = char_lower(line[n]);
        n++;
    }
    bool ends = n == len || line[n] == '@' || line[n] == ' ' || line[n] == '\t';
    return n > 0 && ends ? find(e, (struct span){local, n}) : find_parsed(e, line, len);
}

static void edit_line(const struct edit *e, const char *line, size_t len)
{
    size_t blank = strspn(line, " \t");
    const char *entry = line + (blank < len ? blank : len), *end = line + len;
    while (end > entry && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    bool external = entry < end && *entry == '!';
    struct wanted *w = about(e, entry + external, (size_t)(end - entry - external));
    if (w == NULL) {
        fwrite(line, 1, len, e->out);
        return;
    }
    if (w->change->side == BOOK_NONE)
        return;
    w->present = true;
    if (external != (w->change->side == BOOK_EXTERNAL)) {
        fwrite(line, 1, (size_t)(entry - line), e->out);
        if (!external)
            fputc('!', e->out);
        entry += external;
        line = entry;
    }
    fwrite(line, 1, (size_t)(end - line), e->out);
    fputc('\n', e->out);
}

/* An entry of our own: quoted where the file or RFC 5321 would read something else. */
static void add_line(FILE *out, const struct change *c)
{
    struct span local = address_local(&c->address);
    bool plain = local.at[0] != '.' && local.at[local.len - 1] != '.';
    for (size_t i = 0; i < local.len && plain; i++)
        plain = is_plain(local.at[i]) && !(local.at[i] == '.' && local.at[i - 1] == '.');
    if (c->side == BOOK_EXTERNAL)
        fputc('!', out);
    if (plain) {
        fwrite(local.at, 1, local.len, out);
    } else {
        fputc('"', out);
        for (size_t i = 0; i < local.len; i++) {
            if (local.at[i] == '"' || local.at[i] == '\\')
                fputc('\\', out);
            fputc(local.at[i], out);
        }
        fputc('"', out);
    }
    fputc('\n', out);
}

static void edit_all(struct edit *e, FILE *in)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    bool ended = true, first = true;
    while ((len = getline(&line, &room, in)) > 0) {
        /* A byte order mark is the file's, not its first entry's. */
        size_t mark = first && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        first = false;
        fwrite(line, 1, mark, e->out);
        edit_line(e, line + mark, (size_t)len - mark);
        ended = line[len - 1] == '\n';
    }
    free(line);
    if (!ended)
        fputc('\n', e->out);
    for (uint32_t i = 0; i < e->count; i++)
        if (!e->wanted[i].present && e->wanted[i].change->side != BOOK_NONE)
            add_line(e->out, e->wanted[i].change);
}

/* Who is named twice, in two spellings perhaps, is one. */
static void drop_repeated(struct edit *e)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < e->count; i++)
        if (kept == 0 || by_local(&e->wanted[kept - 1], &e->wanted[i]) != 0)
            e->wanted[kept++] = e->wanted[i];
    e->count = kept;
}

bool mailbox_file_prepare(const char *path, const char *domain, const struct change *changes,
                          uint32_t count, struct replacement *r, char **why)
{
    if (!replacement_begin(r, path, why))
        return false;
    struct edit e = {.domain = domain, .count = count, .out = r->fresh};
    e.wanted = memory_new(count, sizeof(*e.wanted));
    for (uint32_t i = 0; i < count; i++)
        e.wanted[i].change = &changes[i];
    qsort(e.wanted, count, sizeof(*e.wanted), by_local);
    drop_repeated(&e);
    edit_all(&e, r->old);
    free(e.wanted);
    return replacement_end(r, why);
}
