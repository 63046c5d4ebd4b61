/* SPDX-License-Identifier: BSD-3-Clause */
/* What differs between two versions of a file. */
#include <string.h>

#include "config/config.h"
#include "config/tree.h"

static bool same_entry(const struct config_entry *a, const struct config_entry *b)
{
    if (a->text == NULL || b->text == NULL)
        return a->text == b->text;
    return strcmp(a->text, b->text) == 0;
}

static const struct config_section *find(const struct config_list *list,
                                         const struct config_section *s)
{
    for (unsigned i = 0; i < list->count; i++)
        if (strcasecmp(list->at[i]->name, s->name) == 0)
            return list->at[i];
    return NULL;
}

/* Those of `a`; what is in both is compared once, where `a` is the newer one. */
static void compare_list(const struct config_list *a, const struct config_list *b, bool newer,
                         config_difference_fn *found, void *context)
{
    for (unsigned i = 0; i < a->count; i++) {
        const struct config_section *s = a->at[i], *other = find(b, s);
        if (other == NULL)
            found(context, s->schema->type, s->name, NULL);
        for (unsigned k = 0; newer && other != NULL && k < s->schema->key_count; k++)
            if (!same_entry(&s->entries[k], &other->entries[k]))
                found(context, s->schema->type, s->name, s->schema->keys[k].name);
    }
}

void config_compare(const struct config *older, const struct config *newer,
                    config_difference_fn *found, void *context)
{
    for (unsigned i = 0; i < TREE_MAX_TYPES; i++) {
        compare_list(&newer->types[i], &older->types[i], true, found, context);
        compare_list(&older->types[i], &newer->types[i], false, found, context);
    }
}
