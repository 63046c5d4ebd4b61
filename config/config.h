/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The INI file: loaded whole, checked against the schema, kept as values that know their file and
 * line. What a value means is for the modules to judge; they report to the same list of errors, so
 * that --check says everything at once.
 */
#ifndef SPLITMX_CONFIG_CONFIG_H
#define SPLITMX_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "drivers/base/check.h"

struct config;
struct config_section;

struct config_value {
    const char *text; /* trimmed, comment removed; NULL: not given and without default */
    unsigned line;    /* 0: the schema's default */
};

/* Errors, in the order found: "FILE:LINE: [section] key: what is wrong; what is allowed". */
struct config_errors;
struct config_errors *config_errors_new(void);
void config_errors_free(struct config_errors *e);
unsigned config_errors_count(const struct config_errors *e);
void config_errors_print(const struct config_errors *e, FILE *out);
/* A problem at a place in the INI: section (NULL: the file as a whole) and key (NULL: the section).
 */
void config_error(struct config_errors *e, const struct config_section *s, const char *key,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* A problem in another file, e.g. a mailbox file. line 0: the file as a whole. */
void config_error_in(struct config_errors *e, const char *file, unsigned line, const char *format,
                     ...) __attribute__((format(printf, 4, 5)));

/* A text out of a file within a message, in quotes and cut short:
 * config_error_in(e, file, line, CONFIG_QUOTED " is wrong", CONFIG_QUOTE(at, len)). */
#define CONFIG_QUOTED         "'%.*s%s'"
#define CONFIG_QUOTE(at, len) (int)((len) > 60 ? 60 : (len)), (at), (len) > 60 ? "..." : ""

/* Load and check against the schema. NULL only if the file cannot be read at all; otherwise
 * whatever could be parsed, with every problem in `errors`. */
MUST_CHECK struct config *config_load(const char *path, struct config_errors *errors);

/* The same of bytes that were read already; `path` is for errors and for config_path(). Not NULL.
 */
struct config *config_parse(const char *path, const char *data, size_t len,
                            struct config_errors *errors);

void config_free(struct config *c);

/* Sections of a type ("port" for [port wan]) in the file's order; NULL ends. A section that may
 * exist once ([appliance]) and is missing still yields one, with its defaults. */
const struct config_section *config_section(const struct config *c, const char *type,
                                            unsigned index);
const char *config_section_name(const struct config_section *s); /* "wan"; "" where there is none */
unsigned config_section_line(const struct config_section *s);

/* Say what two versions of a file give differently: a key, or with key NULL a section that is in
 * one of them only. A key with its default written out is another than one left out. */
typedef void config_difference_fn(void *context, const char *type, const char *name,
                                  const char *key);
void config_compare(const struct config *older, const struct config *newer,
                    config_difference_fn *found, void *context);

/* A path in the file, resolved relative to the INI's directory; to be freed. */
char *config_path(const struct config *c, const char *relative);

/* Values by key; the key must be in the schema (abort otherwise). */
struct config_value config_get(const struct config_section *s, const char *key);

/* Typed getters; the schema has checked the syntax and the range when the file was loaded, so they
 * cannot fail: after an error they return the default. */
const char *config_text(const struct config_section *s, const char *key); /* NULL: not given */
bool config_bool(const struct config_section *s, const char *key);
uint64_t config_number(const struct config_section *s, const char *key);
uint64_t config_duration(const struct config_section *s,
                         const char *key); /* ns: "30s", "5m", "2h", "100ms" */
uint64_t config_size(const struct config_section *s,
                     const char *key); /* bytes: "64K", "50M", "1G" */

/* Walk a comma- or blank-separated list: the next item from *cursor (start: the value's text), its
 * length in *len; NULL at the end. */
const char *config_list_next(const char **cursor, size_t *len);

#endif
