/* SPDX-License-Identifier: BSD-3-Clause */
/* Which sections and keys the INI may have: the one table that the loader, the errors and the test
 * of the annotated example all read. */
#ifndef SPLITMX_CONFIG_SCHEMA_H
#define SPLITMX_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/base/check.h"

enum schema_type {
    SCHEMA_TEXT,     /* judged by the module that uses it */
    SCHEMA_WORD,     /* one of `words`; its number is the index */
    SCHEMA_NUMBER,   /* decimal */
    SCHEMA_DURATION, /* number and unit: ms s m h d; its number is nanoseconds */
    SCHEMA_SIZE,     /* number, with or without K M G (powers of 1024); its number is bytes */
};

#define SCHEMA_MAX_WORDS 5

struct schema_key {
    const char *name;
    enum schema_type type;
    bool required;
    const char *fallback; /* NULL: none */
    uint64_t min, max;    /* inclusive, in the unit of the type's number */
    const char *words[SCHEMA_MAX_WORDS];
};

struct schema_section {
    const char *type;
    bool named;    /* [type NAME], any number of them; else [type], once */
    bool required; /* at least one must be there */
    const struct schema_key *keys;
    unsigned key_count;
};

/* All sections; *count of them. */
const struct schema_section *schema_sections(unsigned *count);

/* NULL: there is none. */
const struct schema_section *schema_find_section(const char *type);
const struct schema_key *schema_find_key(const struct schema_section *s, const char *name);

/* The nearest name where a typo is likely, else NULL. */
const char *schema_nearest_section(const char *type);
const char *schema_nearest_key(const struct schema_section *s, const char *name);

/* True if the text is a value of this key; *number is what it stands for (0 for text). */
MUST_CHECK bool schema_read(const struct schema_key *key, const char *text, uint64_t *number);

/* What schema_read() takes, in words: "yes or no", "a duration from 1s to 1h, such as 30s". Writes
 * it into buf and returns buf. */
const char *schema_allowed(const struct schema_key *key, char *buf, size_t size);

#endif
