/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters and live numbers as JSON. */
#include "app/observe/stats.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define MAX_DEPTH 8

struct stats {
    json_t *at[MAX_DEPTH]; /* at[0] is the whole */
    unsigned depth;
};

struct stats *stats_new(void)
{
    struct stats *s = calloc(1, sizeof(*s));
    if (s == NULL)
        abort();
    s->at[0] = json_object();
    return s;
}

static void put(struct stats *s, const char *name, json_t *value)
{
    json_object_set_new(s->at[s->depth], name, value);
}

void stats_open(struct stats *s, const char *name)
{
    json_t *object = json_object();
    if (s->depth + 1 == MAX_DEPTH)
        abort();
    put(s, name, object);
    s->at[++s->depth] = object;
}

void stats_close(struct stats *s)
{
    s->depth--;
}

/* "TCP_RX_SEGMENTS" of module "tcp" is "rx_segments". */
static const char *short_name(const char *module, const char *name, char *buf, size_t size)
{
    size_t prefix = strlen(module), i;
    if (strncasecmp(name, module, prefix) == 0 && name[prefix] == '_')
        name += prefix + 1;
    for (i = 0; name[i] != '\0' && i + 1 < size; i++)
        buf[i] = (char)tolower((unsigned char)name[i]);
    buf[i] = '\0';
    return buf;
}

void stats_counters(struct stats *s, const char *name, const struct counter_list *list,
                    const uint64_t *values)
{
    char key[64];
    stats_open(s, name);
    for (unsigned i = 0; i < list->count; i++)
        stats_number(s, short_name(list->module, list->info[i].name, key, sizeof(key)), values[i]);
    stats_close(s);
}

void stats_number(struct stats *s, const char *name, uint64_t value)
{
    put(s, name, json_integer((json_int_t)value));
}

void stats_text(struct stats *s, const char *name, const char *text)
{
    put(s, name, json_string(text));
}

struct json_t *stats_json(struct stats *s)
{
    json_t *whole = s->at[0];
    free(s);
    return whole;
}

void stats_print(struct stats *s, FILE *out)
{
    json_t *whole = stats_json(s);
    json_dumpf(whole, out, JSON_COMPACT);
    fputc('\n', out);
    fflush(out);
    json_decref(whole);
}
