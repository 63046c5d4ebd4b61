/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading of values by their type, and what to say when one cannot be read. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/schema.h"

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* From large to small, so that the first that divides a value formats it best. */
static const struct unit durations[] = {
    {"d", UINT64_C(86400000000000)}, {"h", UINT64_C(3600000000000)}, {"m", UINT64_C(60000000000)},
    {"s", UINT64_C(1000000000)},     {"ms", UINT64_C(1000000)},      {NULL, 0},
};
static const struct unit sizes[] = {
    {"G", UINT64_C(1) << 30},
    {"M", UINT64_C(1) << 20},
    {"K", UINT64_C(1) << 10},
    {"", 1},
    {NULL, 0},
};
static const struct unit plain[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(const struct schema_key *key)
{
    return key->type == SCHEMA_DURATION ? durations : key->type == SCHEMA_SIZE ? sizes : plain;
}

/* Digits and a unit, without sign, blanks or overflow. A bare 0 needs no unit. */
static bool read_quantity(const struct unit *units, const char *text, uint64_t *out)
{
    uint64_t value = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0)
        return false;
    for (size_t i = 0; i < digits; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
            return false;
    if (value == 0 && text[digits] == '\0') {
        *out = 0;
        return true;
    }
    for (const struct unit *u = units; u->suffix != NULL; u++)
        if (strcmp(text + digits, u->suffix) == 0)
            return !__builtin_mul_overflow(value, u->factor, out);
    return false;
}

bool schema_read(const struct schema_key *key, const char *text, uint64_t *number)
{
    *number = 0;
    switch (key->type) {
    case SCHEMA_TEXT:
        return text[0] != '\0';
    case SCHEMA_WORD:
        for (unsigned i = 0; i < SCHEMA_MAX_WORDS && key->words[i] != NULL; i++)
            if (strcmp(text, key->words[i]) == 0) {
                *number = i;
                return true;
            }
        return false;
    case SCHEMA_NUMBER:
    case SCHEMA_DURATION:
    case SCHEMA_SIZE:
        break;
    }
    uint64_t value;
    if (!read_quantity(units_of(key), text, &value) || value < key->min || value > key->max)
        return false;
    *number = value;
    return true;
}

static const char *format_quantity(const struct unit *u, uint64_t value, char *buf, size_t size)
{
    while (value % u->factor != 0 && u[1].suffix != NULL)
        u++;
    snprintf(buf, size, "%" PRIu64 "%s", value / u->factor, value != 0 ? u->suffix : "");
    return buf;
}

/* "a, b or c" */
static void allowed_words(const struct schema_key *key, char *buf, size_t size)
{
    size_t at = 0;
    for (unsigned i = 0; i < SCHEMA_MAX_WORDS && key->words[i] != NULL && at < size; i++) {
        bool last = i + 1 == SCHEMA_MAX_WORDS || key->words[i + 1] == NULL;
        const char *before = i == 0 ? "" : last ? " or " : ", ";
        at += (size_t)snprintf(buf + at, size - at, "%s%s", before, key->words[i]);
    }
}

const char *schema_allowed(const struct schema_key *key, char *buf, size_t size)
{
    char min[32], max[32];
    const struct unit *u = units_of(key);
    switch (key->type) {
    case SCHEMA_TEXT:
        snprintf(buf, size, "any text; leave the key out where it has nothing to say");
        break;
    case SCHEMA_WORD:
        allowed_words(key, buf, size);
        break;
    case SCHEMA_NUMBER:
    case SCHEMA_DURATION:
    case SCHEMA_SIZE:
        snprintf(buf, size, "%s from %s to %s%s",
                 key->type == SCHEMA_DURATION ? "a duration"
                 : key->type == SCHEMA_SIZE   ? "a size"
                                              : "a number",
                 format_quantity(u, key->min, min, sizeof(min)),
                 format_quantity(u, key->max, max, sizeof(max)),
                 key->type == SCHEMA_DURATION ? ", with its unit: ms, s, m, h, d"
                 : key->type == SCHEMA_SIZE   ? ", in bytes or with K, M, G"
                                              : "");
        break;
    }
    return buf;
}
