/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An operator's file, about to be replaced as a whole: its successor is written beside it as
 * FILE.new, with its owner and mode, goes to the disk, and takes its name. At every moment the name
 * leads to the old file or to the new one.
 */
#ifndef SPLITMX_CONTROL_REPLACEMENT_H
#define SPLITMX_CONTROL_REPLACEMENT_H

#include <stdbool.h>
#include <stdio.h>

#include "drivers/base/check.h"

struct replacement {
    FILE *old, *fresh;
};

/* Open the old file and its successor. False, with a sentence in *why (to be freed). */
MUST_CHECK bool replacement_begin(struct replacement *r, const char *path, char **why);

/* All is written: to the disk with it. May take long. False, with a sentence: it is gone again. */
MUST_CHECK bool replacement_end(struct replacement *r, const char *path, char **why);

/* After replacement_end(): in place, for good. False, with a sentence: the old one stays. */
MUST_CHECK bool replacement_commit(const char *path, char **why);

/* After replacement_end(): remove it. */
void replacement_discard(const char *path);

#endif
