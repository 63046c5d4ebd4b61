/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters and live numbers as JSON. Control thread only. */
#ifndef SPLITMX_OBSERVE_STATS_H
#define SPLITMX_OBSERVE_STATS_H

#include <stdint.h>
#include <stdio.h>

#include "drivers/base/counters.h"

/* A JSON object under construction; nesting is the caller's. */
struct stats;

struct stats *stats_new(void);

/* Open a nested object under `name`, or, at the end of its members, close it. */
void stats_open(struct stats *s, const char *name);
void stats_close(struct stats *s);

/* An object of a list's counters, named in lower case without the module's prefix. */
void stats_counters(struct stats *s, const char *name, const struct counter_list *list,
                    const uint64_t *values);
void stats_number(struct stats *s, const char *name, uint64_t value);
void stats_text(struct stats *s, const char *name, const char *text);

/* As jansson has it (json_t), whose reference the caller gets; frees the rest. */
struct json_t *stats_json(struct stats *s);

/* Write it in one line with a newline, and free it. */
void stats_print(struct stats *s, FILE *out);

#endif
