/* SPDX-License-Identifier: BSD-3-Clause */
/* Scratch memory for those who match. */
#include "app/route/scratch.h"

#include <hs/hs.h>
#include <stdlib.h>

#include "app/route/domains.h"
#include "app/route/references.h"
#include "app/route/set.h"
#include "config/memory.h"

static size_t size_of(const struct hs_scratch *scratch)
{
    size_t size = 0;
    if (scratch != NULL && hs_scratch_size(scratch, &size) != HS_SUCCESS)
        abort();
    return size;
}

/* A copy of the old model grows as far as it must. */
static bool make_model(const struct set *set, const struct domains *domains,
                       const struct scratch *old, struct hs_scratch **model)
{
    *model = NULL;
    bool ok =
        old == NULL || old->model == NULL || hs_clone_scratch(old->model, model) == HS_SUCCESS;
    ok = ok && set_scratch(set, model);
    for (unsigned i = 0; i < domains->count && ok; i++)
        ok = expressions_scratch(domains->list[i].expressions, model);
    return ok;
}

struct scratch *scratch_make(const struct set *set, const struct domains *domains, unsigned count,
                             struct scratch *old)
{
    struct hs_scratch *model;
    bool ok = make_model(set, domains, old, &model);
    if (ok && old != NULL && size_of(model) == size_of(old->model)) {
        hs_free_scratch(model);
        return scratch_ref(old);
    }
    struct scratch *s = memory_new(1, sizeof(*s));
    s->references = 1;
    s->count = count;
    s->model = model;
    s->of = memory_new(count, sizeof(struct hs_scratch *));
    for (unsigned i = 0; i < count && ok && model != NULL; i++)
        ok = hs_clone_scratch(model, &s->of[i]) == HS_SUCCESS;
    if (ok)
        return s;
    scratch_unref(s);
    return NULL;
}

struct scratch *scratch_ref(struct scratch *s)
{
    reference_take(&s->references);
    return s;
}

void scratch_unref(struct scratch *s)
{
    if (s == NULL || !reference_drop(&s->references))
        return;
    for (unsigned i = 0; i < s->count; i++)
        hs_free_scratch(s->of[i]);
    hs_free_scratch(s->model);
    free(s->of);
    free(s);
}
