/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The file becomes sections: libinih cuts lines into keys and values, the schema says what they may
 * be.
 *
 * libinih is given one clean line at a time. What it would do silently is done here instead, and
 * aloud: it splits a line that is too long and takes the rest for another one, ends a line at a
 * NUL, cuts section names at 50 bytes, tells nobody about a section without keys, and keeps the
 * number of the first bad line only.
 */
#include <errno.h>
#include <ini.h>
#include <string.h>

#include "config/config.h"
#include "config/file.h"
#include "config/memory.h"
#include "config/tree.h"

#define LINE_ROOM     8192     /* with its newline */
#define FILE_MAX_SIZE 16777216 /* bytes; a file that is larger is not a configuration */

struct loader {
    struct config *config;
    struct config_errors *errors;
    struct file_lines lines;
    bool expected; /* that line should be a key and a value, and was not seen as one yet */
    bool headed;   /* a heading was seen, if only one that is not understood */
    struct config_section *section; /* NULL: keys are passed over, the error was reported */
};

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && file_is_blank(*at))
        at++;
    return at;
}

#define FAIL(l, ...) config_error_in((l)->errors, (l)->config->path, (l)->lines.number, __VA_ARGS__)

static void unknown_section(struct loader *l, const char *type)
{
    char all[256] = "";
    unsigned count;
    const struct schema_section *known = schema_sections(&count);
    const char *near = schema_nearest_section(type);
    for (unsigned i = 0; i < count; i++)
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s[%s%s]", i != 0 ? ", " : "",
                 known[i].type, known[i].named ? " NAME" : "");
    FAIL(l, "unknown section " CONFIG_QUOTED "%s%s%s; sections are %s",
         CONFIG_QUOTE(type, strlen(type)), near != NULL ? ": did you mean [" : "",
         near != NULL ? near : "", near != NULL ? "]?" : "", all);
}

/* The text between the brackets, trimmed. */
static void open_section(struct loader *l, const char *text, size_t len)
{
    const char *name = text;
    while (name < text + len && !file_is_blank(*name))
        name++;
    char *type = memory_copy_text(text, (size_t)(name - text));
    const struct schema_section *schema = schema_find_section(type);
    name = skip_blanks(name, text + len);
    size_t name_len = (size_t)(text + len - name);

    if (schema == NULL) {
        unknown_section(l, type);
    } else if (schema->named && name_len == 0) {
        FAIL(l, "[%s] needs a name: [%s NAME]", type, type);
    } else if (!schema->named && name_len != 0) {
        FAIL(l, "[%s] takes no name: there is one of it", type);
    } else {
        struct config_section *first;
        l->section = config_add(l->config, schema, name, name_len, l->lines.number, &first);
        if (first != NULL)
            config_error(l->errors, l->section, NULL, "is there a second time; first in line %u",
                         first->line);
    }
    free(type);
}

/* A line that starts with '['. */
static void heading(struct loader *l, const char *at, const char *end)
{
    l->section = NULL;
    l->headed = true;
    const char *close = memchr(at, ']', (size_t)(end - at));
    if (close == NULL) {
        FAIL(l, "a section's heading has no ']'");
        return;
    }
    const char *rest = skip_blanks(close + 1, end);
    if (rest < end && *rest != ';' && *rest != '#') {
        FAIL(l, CONFIG_QUOTED " after a section's heading: a key begins on a line of its own",
             CONFIG_QUOTE(rest, (size_t)(end - rest)));
        return;
    }
    at = skip_blanks(at + 1, close);
    while (close > at && file_is_blank(close[-1]))
        close--;
    open_section(l, at, (size_t)(close - at));
}

/* True if libinih shall see this line: it should be a key and a value. */
static bool for_inih(struct loader *l, const char *at, const char *end, size_t room)
{
    if (at == end || *at == ';' || *at == '#')
        return false;
    const char *control = file_find_control(at, end);
    if (control != NULL) {
        FAIL(l, "control character 0x%02x; allowed: text", (unsigned char)*control);
        return false;
    }
    if (*at == '[') {
        heading(l, at, end);
        return false;
    }
    if ((size_t)(end - at) + 2 > room) {
        FAIL(l, "the line has %zu bytes; allowed: %zu", (size_t)(end - at), room - 2);
        return false;
    }
    return true;
}

/* libinih never called for it. */
static void complain_of_last(struct loader *l)
{
    if (l->expected)
        FAIL(l, "neither a [section] nor a key = value");
    l->expected = false;
}

/* The ini_reader: fgets for libinih, one line a call. */
static char *next_line(char *buf, int size, void *stream)
{
    struct loader *l = stream;
    const char *at, *end;
    complain_of_last(l);
    while (file_next_line(&l->lines, &at, &end)) {
        if (!for_inih(l, at, end, (size_t)size))
            continue;
        memcpy(buf, at, (size_t)(end - at));
        memcpy(buf + (end - at), "\n", 2);
        l->expected = true;
        return buf;
    }
    return NULL;
}

static void unknown_key(struct loader *l, const char *name)
{
    const struct config_section *s = l->section;
    const char *near = schema_nearest_key(s->schema, name);
    if (near != NULL) {
        FAIL(l, "[%s] has no key " CONFIG_QUOTED ": did you mean %s?", s->schema->type,
             CONFIG_QUOTE(name, strlen(name)), near);
        return;
    }
    unsigned count;
    const struct schema_section *known = schema_sections(&count);
    for (unsigned i = 0; i < count; i++)
        if (schema_find_key(&known[i], name) != NULL) {
            FAIL(l, "[%s] has no key '%s': it belongs to [%s%s]", s->schema->type, name,
                 known[i].type, known[i].named ? " NAME" : "");
            return;
        }
    char all[512] = "";
    for (unsigned i = 0; i < s->schema->key_count; i++)
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i != 0 ? ", " : "",
                 s->schema->keys[i].name);
    FAIL(l, "[%s] has no key " CONFIG_QUOTED "; its keys are %s", s->schema->type,
         CONFIG_QUOTE(name, strlen(name)), all);
}

static void set_value(struct loader *l, const struct schema_key *key, const char *text)
{
    struct config_entry *entry = config_entry(l->section, key);
    if (entry->line != 0) {
        FAIL(l, "[%s%s%s] %s: is there a second time; first in line %u", l->section->schema->type,
             l->section->name[0] != '\0' ? " " : "", l->section->name, key->name, entry->line);
        return;
    }
    entry->line = l->lines.number;
    uint64_t number;
    if (schema_read(key, text, &number)) {
        entry->text = memory_copy_text(text, strlen(text));
        entry->number = number;
        return;
    }
    char allowed[160];
    schema_allowed(key, allowed, sizeof(allowed));
    if (text[0] == '\0')
        config_error(l->errors, l->section, key->name, "has no value; allowed: %s", allowed);
    else
        config_error(l->errors, l->section, key->name, CONFIG_QUOTED " is not allowed; allowed: %s",
                     CONFIG_QUOTE(text, strlen(text)), allowed);
}

/* The ini_handler. The section is the one whose heading we saw ourselves. */
static int key_and_value(void *user, const char *section, const char *name, const char *text)
{
    (void)section;
    struct loader *l = user;
    l->expected = false;
    if (!l->headed) {
        FAIL(l, CONFIG_QUOTED " stands before the first [section]",
             CONFIG_QUOTE(name, strlen(name)));
        return 1;
    }
    if (l->section == NULL)
        return 1;
    const struct schema_key *key = schema_find_key(l->section->schema, name);
    if (key == NULL)
        unknown_key(l, name);
    else
        set_value(l, key, text);
    return 1;
}

/* What is not there: sections that must be, keys that must be. */
static void check_missing(struct loader *l)
{
    unsigned count;
    const struct schema_section *known = schema_sections(&count);
    for (unsigned t = 0; t < count; t++) {
        struct config_list *list = &l->config->types[t];
        struct config_section *first;
        if (list->count == 0 && !known[t].named)
            config_add(l->config, &known[t], "", 0, 0, &first);
        else if (list->count == 0 && known[t].required)
            config_error_in(l->errors, l->config->path, 0, "there is no [%s NAME]: it needs one",
                            known[t].type);
        for (unsigned i = 0; i < list->count; i++)
            for (unsigned k = 0; k < known[t].key_count; k++)
                if (known[t].keys[k].required && list->at[i]->entries[k].line == 0)
                    config_error(l->errors, list->at[i], known[t].keys[k].name, "is missing");
    }
}

struct config *config_parse(const char *path, const char *data, size_t len,
                            struct config_errors *errors)
{
    struct config *c = memory_new(1, sizeof(*c));
    c->path = memory_copy_text(path, strlen(path));
    struct loader l = {c, errors, file_lines(data, len)};
    /* Debian's libinih takes these at run time; nobody else in this program uses it. Lines that
     * are continued do not arise: they would begin with a blank. */
    ini_use_stack = false;
    ini_max_line = ini_initial_alloc = LINE_ROOM;
    ini_allow_bom = false;
    if (ini_parse_stream(next_line, &l, key_and_value, &l) == -2)
        memory_must(NULL);
    complain_of_last(&l);
    check_missing(&l);
    return c;
}

struct config *config_load(const char *path, struct config_errors *errors)
{
    size_t len;
    char *data = file_read(path, FILE_MAX_SIZE, &len);
    if (data == NULL) {
        config_error_in(errors, path, 0, "cannot be read: %s", strerror(errno));
        return NULL;
    }
    struct config *c = config_parse(path, data, len, errors);
    free(data);
    return c;
}
