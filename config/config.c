/* SPDX-License-Identifier: BSD-3-Clause */
/* The loaded file: sections and values by name. */
#include "config/config.h"

#include <search.h>
#include <stdarg.h>
#include <string.h>

#include "config/errors.h"
#include "config/memory.h"
#include "config/tree.h"

struct config_entry *config_entry(struct config_section *s, const struct schema_key *key)
{
    return &s->entries[key - s->schema->keys];
}

static struct config_list *list_of(struct config *c, const struct schema_section *schema)
{
    unsigned count;
    size_t position = (size_t)(schema - schema_sections(&count));
    if (position >= TREE_MAX_TYPES)
        abort();
    return &c->types[position];
}

static void append(struct config_list *list, struct config_section *s)
{
    list->at = memory_grow(list->at, list->count, sizeof(struct config_section *));
    list->at[list->count++] = s;
}

static int by_type_and_name(const void *a, const void *b)
{
    const struct config_section *x = a, *y = b;
    if (x->schema != y->schema)
        return x->schema < y->schema ? -1 : 1;
    return strcasecmp(x->name, y->name);
}

struct config_section *config_add(struct config *c, const struct schema_section *schema,
                                  const char *name, size_t name_len, unsigned line,
                                  struct config_section **first)
{
    struct config_section *s =
        memory_new(1, sizeof(*s) + schema->key_count * sizeof(struct config_entry));
    s->config = c;
    s->schema = schema;
    s->name = memory_copy_text(name, name_len);
    s->line = line;
    for (unsigned i = 0; i < schema->key_count; i++) {
        const struct schema_key *key = &schema->keys[i];
        /* A default that is out of its own range is a mistake in the table. */
        if (key->fallback != NULL && !schema_read(key, key->fallback, &s->entries[i].number))
            abort();
    }
    struct config_section *const *found = memory_must(tsearch(s, &c->by_name, by_type_and_name));
    *first = *found != s ? *found : NULL;
    append(*first != NULL ? &c->repeated : list_of(c, schema), s);
    return s;
}

static void free_list(struct config_list *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        struct config_section *s = list->at[i];
        for (unsigned k = 0; k < s->schema->key_count; k++)
            free(s->entries[k].text);
        free(s->name);
        free(s);
    }
    free(list->at);
}

static void keep(void *node)
{
    (void)node;
}

void config_free(struct config *c)
{
    if (c == NULL)
        return;
    tdestroy(c->by_name, keep);
    for (unsigned i = 0; i < TREE_MAX_TYPES; i++)
        free_list(&c->types[i]);
    free_list(&c->repeated);
    free(c->path);
    free(c);
}

const struct config_section *config_section(const struct config *c, const char *type,
                                            unsigned index)
{
    unsigned count;
    const struct schema_section *schema = schema_find_section(type);
    if (schema == NULL)
        abort();
    const struct config_list *list = &c->types[schema - schema_sections(&count)];
    return index < list->count ? list->at[index] : NULL;
}

const char *config_section_name(const struct config_section *s)
{
    return s->name;
}

unsigned config_section_line(const struct config_section *s)
{
    return s->line;
}

char *config_path(const struct config *c, const char *relative)
{
    const char *slash = strrchr(c->path, '/');
    if (relative[0] == '/' || slash == NULL)
        return memory_copy_text(relative, strlen(relative));
    size_t dir = (size_t)(slash - c->path) + 1, len = strlen(relative);
    char *path = memory_new(dir + len + 1, 1);
    memcpy(path, c->path, dir);
    memcpy(path + dir, relative, len);
    return path;
}

/* Asking for a key that is not in the table is a mistake in the program. */
static const struct schema_key *key_of(const struct config_section *s, const char *name)
{
    const struct schema_key *key = schema_find_key(s->schema, name);
    if (key == NULL)
        abort();
    return key;
}

static const struct config_entry *entry_of(const struct config_section *s, const char *name)
{
    return &s->entries[key_of(s, name) - s->schema->keys];
}

struct config_value config_get(const struct config_section *s, const char *name)
{
    const struct schema_key *key = key_of(s, name);
    const struct config_entry *entry = &s->entries[key - s->schema->keys];
    if (entry->text == NULL)
        return (struct config_value){key->fallback, 0};
    return (struct config_value){entry->text, entry->line};
}

const char *config_text(const struct config_section *s, const char *key)
{
    return config_get(s, key).text;
}

bool config_bool(const struct config_section *s, const char *key)
{
    return entry_of(s, key)->number != 0;
}

uint64_t config_number(const struct config_section *s, const char *key)
{
    return entry_of(s, key)->number;
}

uint64_t config_duration(const struct config_section *s, const char *key)
{
    return entry_of(s, key)->number;
}

uint64_t config_size(const struct config_section *s, const char *key)
{
    return entry_of(s, key)->number;
}

const char *config_list_next(const char **cursor, size_t *len)
{
    static const char separators[] = ", \t";
    const char *item = *cursor + strspn(*cursor, separators);
    *len = strcspn(item, separators);
    *cursor = item + *len;
    return *len != 0 ? item : NULL;
}

void config_error(struct config_errors *e, const struct config_section *s, const char *key,
                  const char *format, ...)
{
    char place[320] = "";
    unsigned line = s->line;
    if (key != NULL && entry_of(s, key)->line != 0)
        line = entry_of(s, key)->line;
    snprintf(place, sizeof(place), "[%s%s%.200s]%s%s: ", s->schema->type,
             s->name[0] != '\0' ? " " : "", s->name, key != NULL ? " " : "",
             key != NULL ? key : "");
    va_list args;
    va_start(args, format);
    config_error_va(e, s->config->path, line, place, format, args);
    va_end(args);
}
