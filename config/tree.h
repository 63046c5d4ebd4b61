/* SPDX-License-Identifier: BSD-3-Clause */
/* The loaded file as config/ itself sees it: load.c builds it, config.c reads it. */
#ifndef SPLITMX_CONFIG_TREE_H
#define SPLITMX_CONFIG_TREE_H

#include "config/config.h"
#include "config/schema.h"

struct config_entry {
    char *text; /* NULL: not given, or not a value: the default stands */
    unsigned line;
    uint64_t number; /* what the text, or else the default, stands for */
};

struct config_section {
    const struct config *config;
    const struct schema_section *schema;
    char *name;                    /* "" where the type has none */
    unsigned line;                 /* 0: not in the file, all defaults */
    struct config_entry entries[]; /* one for each key of the schema */
};

struct config_list {
    struct config_section **at;
    unsigned count;
};

#define TREE_MAX_TYPES 16

struct config {
    char *path;
    struct config_list types[TREE_MAX_TYPES]; /* by position in schema_sections() */
    struct config_list repeated; /* a type and name again: checked, but not part of the result */
    void *by_name;               /* tsearch(3) tree over the first ones */
};

/*
 * Add a section, all its keys at their defaults. If there is one of that type and name already
 * (names are compared without case), *first is set to it and the new one is kept apart; else NULL.
 */
struct config_section *config_add(struct config *c, const struct schema_section *schema,
                                  const char *name, size_t name_len, unsigned line,
                                  struct config_section **first);

struct config_entry *config_entry(struct config_section *s, const struct schema_key *key);

#endif
