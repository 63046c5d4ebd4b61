/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An operator's file, about to be replaced as a whole: its successor is written beside it as
 * FILE.new, with its owner and mode, goes to the disk, and takes its name. At every moment the name
 * leads to the old file or to the new one. What somebody else writes into the file meanwhile stays,
 * and the successor goes.
 *
 * begin, end, and one of commit and discard: each once, in this order. Where begin or end fails,
 * nothing more is to be called.
 */
#ifndef SPLITMX_CONTROL_REPLACEMENT_H
#define SPLITMX_CONTROL_REPLACEMENT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "drivers/base/check.h"

struct replacement {
    FILE *old, *fresh;
    char *path, *fresh_path; /* a name that leads to the file stays one: these are the real ones */
    struct stat origin;      /* the old file when it was opened */
};

/* Open the old file and its successor. False, with a sentence in *why (to be freed). */
MUST_CHECK bool replacement_begin(struct replacement *r, const char *path, char **why);

/* All is written: to the disk with it. May take long. False, with a sentence: it is gone again. */
MUST_CHECK bool replacement_end(struct replacement *r, char **why);

/* In place, for good. False, with a sentence, and the old one stays: it could not be replaced, or
 * it is not any more what it was. */
MUST_CHECK bool replacement_commit(struct replacement *r, char **why);

/* Remove it. */
void replacement_discard(struct replacement *r);

#endif
