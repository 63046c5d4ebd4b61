/* SPDX-License-Identifier: BSD-3-Clause */
/* Regular expressions over local parts. */
#include "app/route/expressions.h"

#include <errno.h>
#include <hs/hs.h>
#include <stdlib.h>
#include <string.h>

#include "app/route/compiler.h"
#include "app/route/references.h"
#include "config/config.h"
#include "config/memory.h"

struct expressions {
    uint32_t references;
    hs_database_t *database;
    unsigned count;
    struct expression list[];
};

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/*
 * ASCII expressions are without case, as ASCII local parts are. Others are in UTF-8, where
 * Hyperscan's idea of case would take U+017F for an s; they must be in lower case, as what they are
 * matched with is.
 */
static unsigned flags_of(const char *text)
{
    return HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY |
           (is_ascii(text) ? HS_FLAG_CASELESS : HS_FLAG_UTF8);
}

static bool has_capital(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' && text[1] != '\0')
            text++;
        else if (*text >= 'A' && *text <= 'Z')
            return true;
    }
    return false;
}

/* A thousand rules take less than a second of them, and some tens of megabytes. */
static const struct compiler_limits usual_limits = {.seconds = 10, .mebibytes = 512};

struct compilation {
    const struct expression *list;
    const char *const *texts;
    const unsigned *flags;
    unsigned count;
    const char *file;
    struct compiler_limits limits;
    struct config_errors *errors;
};

static void on_refused(void *context, unsigned index, const char *why)
{
    struct compilation *c = context;
    config_error_in(c->errors, c->file, index < c->count ? c->list[index].line : 0,
                    "the expression does not compile: %s", why);
}

static enum compiler_verdict run(struct compilation *c, unsigned first, unsigned count,
                                 hs_database_t **out)
{
    struct compilation part = *c;
    part.list += first;
    part.count = count;
    struct compiler_job job = {.texts = c->texts + first,
                               .flags = c->flags + first,
                               .count = count,
                               .limits = c->limits,
                               .refused = on_refused,
                               .context = &part};
    return compiler_run(&job, out);
}

static void complain(const struct compilation *c, unsigned line, enum compiler_verdict verdict)
{
    const char *what = line != 0 ? "the expression" : "the expressions together";
    if (verdict == COMPILER_TOO_LONG)
        config_error_in(c->errors, c->file, line, "%s: compiling takes more than %u s", what,
                        c->limits.seconds);
    else if (verdict == COMPILER_TOO_LARGE)
        config_error_in(c->errors, c->file, line, "%s: compiling takes more than %u MiB", what,
                        c->limits.mebibytes);
    else if (verdict == COMPILER_DIED)
        config_error_in(c->errors, c->file, line, "%s: the compiler does not survive it", what);
    else
        config_error_in(c->errors, c->file, line, "%s: no process to compile in: %s", what,
                        strerror(errno));
}

/* Which of them it is that does not stay within the limits; or all of them together. */
static void find_culprit(struct compilation *c, enum compiler_verdict verdict)
{
    for (unsigned i = 0; i < c->count && verdict != COMPILER_UNAVAILABLE; i++) {
        hs_database_t *database;
        enum compiler_verdict alone = run(c, i, 1, &database);
        hs_free_database(database);
        if (alone != COMPILER_DONE && alone != COMPILER_REFUSED)
            complain(c, c->list[i].line, alone);
        if (alone != COMPILER_DONE)
            return;
    }
    complain(c, 0, verdict);
}

static hs_database_t *compile(const struct expression *list, unsigned count, const char *file,
                              struct compiler_limits limits, struct config_errors *errors)
{
    const char **texts = memory_new(count, sizeof(*texts));
    unsigned *flags = memory_new(count, sizeof(*flags));
    for (unsigned i = 0; i < count; i++) {
        texts[i] = list[i].text;
        flags[i] = flags_of(list[i].text);
    }
    struct compilation c = {list, texts, flags, count, file, limits, errors};
    hs_database_t *database;
    enum compiler_verdict verdict = run(&c, 0, count, &database);
    if (verdict != COMPILER_DONE && verdict != COMPILER_REFUSED)
        find_culprit(&c, verdict);
    free(texts);
    free(flags);
    return database;
}

static bool check(const struct expression *e, const char *file, struct config_errors *errors)
{
    if (is_ascii(e->text) || !has_capital(e->text))
        return true;
    config_error_in(errors, file, e->line,
                    "an expression with letters beyond ASCII must be in lower case");
    return false;
}

struct expressions *expressions_build(const struct expression *list, unsigned count,
                                      const char *file, struct config_errors *errors)
{
    return expressions_build_within(list, count, file, usual_limits, errors);
}

struct expressions *expressions_build_within(const struct expression *list, unsigned count,
                                             const char *file, struct compiler_limits limits,
                                             struct config_errors *errors)
{
    bool ok = true;
    for (unsigned i = 0; i < count; i++)
        ok = check(&list[i], file, errors) && ok;
    hs_database_t *database = ok && count > 0 ? compile(list, count, file, limits, errors) : NULL;
    if (database == NULL)
        return NULL;
    struct expressions *x = memory_new(1, sizeof(*x) + count * sizeof(struct expression));
    x->references = 1;
    x->database = database;
    x->count = count;
    for (unsigned i = 0; i < count; i++) {
        x->list[i] = list[i];
        x->list[i].text = memory_copy_text(list[i].text, strlen(list[i].text));
    }
    return x;
}

struct expressions *expressions_ref(struct expressions *x)
{
    if (x != NULL)
        reference_take(&x->references);
    return x;
}

void expressions_free(struct expressions *x)
{
    if (x == NULL || !reference_drop(&x->references))
        return;
    for (unsigned i = 0; i < x->count; i++)
        free(x->list[i].text);
    hs_free_database(x->database);
    free(x);
}

unsigned expressions_count(const struct expressions *x)
{
    return x != NULL ? x->count : 0;
}

bool expressions_equal(const struct expressions *a, const struct expressions *b)
{
    if (a == b)
        return true;
    if (expressions_count(a) != expressions_count(b))
        return false;
    for (unsigned i = 0; i < expressions_count(a); i++)
        if (a->list[i].external != b->list[i].external ||
            strcmp(a->list[i].text, b->list[i].text) != 0)
            return false;
    return true;
}

bool expressions_scratch(const struct expressions *x, struct hs_scratch **scratch)
{
    return x == NULL || hs_alloc_scratch(x->database, scratch) == HS_SUCCESS;
}

struct search {
    const struct expressions *x;
    const struct expression *found;
};

static bool decides(const struct expression *e, const struct expression *instead_of)
{
    if (instead_of == NULL || e->external != instead_of->external)
        return instead_of == NULL || e->external;
    return e < instead_of; /* matches come in any order: the file's decides */
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *context)
{
    (void)from;
    (void)to;
    (void)flags;
    struct search *s = context;
    if (decides(&s->x->list[id], s->found))
        s->found = &s->x->list[id];
    return 0;
}

bool expressions_find(const struct expressions *x, struct hs_scratch *scratch, const char *local,
                      size_t len, const struct expression **out)
{
    struct search s = {x, NULL};
    *out = NULL;
    if (x == NULL)
        return true;
    if (hs_scan(x->database, local, (unsigned)len, 0, scratch, on_match, &s) != HS_SUCCESS)
        return false;
    *out = s.found;
    return true;
}
