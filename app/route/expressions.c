/* SPDX-License-Identifier: BSD-3-Clause */
/* Regular expressions over local parts. */
#include "app/route/expressions.h"

#include <hs/hs.h>
#include <stdlib.h>
#include <string.h>

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

/* By itself, before it is wrapped: `a)(b` is nothing, and must not become something inside the
 * parentheses. */
static bool check(const struct expression *e, const char *file, struct config_errors *errors)
{
    hs_expr_info_t *info = NULL;
    hs_compile_error_t *why = NULL;
    if (!is_ascii(e->text) && has_capital(e->text)) {
        config_error_in(errors, file, e->line,
                        "an expression with letters beyond ASCII must be in lower case");
        return false;
    }
    if (hs_expression_info(e->text, flags_of(e->text), &info, &why) != HS_SUCCESS) {
        config_error_in(errors, file, e->line, "the expression does not compile: %s", why->message);
        hs_free_compile_error(why);
        return false;
    }
    free(info);
    return true;
}

static char *anchored(const char *text)
{
    char *out;
    if (asprintf(&out, "\\A(?:%s)\\z", text) < 0)
        out = NULL;
    return memory_must(out);
}

static hs_database_t *compile(const struct expression *list, unsigned count, const char *file,
                              struct config_errors *errors)
{
    char **text = memory_new(count, sizeof(*text));
    unsigned *flags = memory_new(count, sizeof(*flags)), *ids = memory_new(count, sizeof(*ids));
    for (unsigned i = 0; i < count; i++) {
        text[i] = anchored(list[i].text);
        flags[i] = flags_of(list[i].text);
        ids[i] = i;
    }
    hs_database_t *database = NULL;
    hs_compile_error_t *why = NULL;
    if (hs_compile_multi((const char *const *)text, flags, ids, count, HS_MODE_BLOCK, NULL,
                         &database, &why) != HS_SUCCESS) {
        config_error_in(errors, file, why->expression >= 0 ? list[why->expression].line : 0,
                        "the expression does not compile: %s", why->message);
        hs_free_compile_error(why);
    }
    for (unsigned i = 0; i < count; i++)
        free(text[i]);
    free(text);
    free(flags);
    free(ids);
    return database;
}

struct expressions *expressions_build(const struct expression *list, unsigned count,
                                      const char *file, struct config_errors *errors)
{
    bool ok = true;
    for (unsigned i = 0; i < count; i++)
        ok = check(&list[i], file, errors) && ok;
    hs_database_t *database = ok && count > 0 ? compile(list, count, file, errors) : NULL;
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
