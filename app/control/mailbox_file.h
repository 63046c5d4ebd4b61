/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mailbox file on disk, edited by a batch: entries of the batch lose their line, or win or lose
 * their `!`, or are added at the end; every other line, comments included, stays as it is. The new
 * file is written beside the old one and takes its name as a whole.
 */
#ifndef SPLITMX_CONTROL_MAILBOX_FILE_H
#define SPLITMX_CONTROL_MAILBOX_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/control/replacement.h"
#include "app/route/amend.h"
#include "drivers/base/check.h"

/*
 * Write the successor of `path` beside it, which is still to be committed or discarded. All changes
 * are of `domain` (canonical). May take as long as the file is large. False, with a sentence in
 * *why (to be freed): there is none.
 */
MUST_CHECK bool mailbox_file_prepare(const char *path, const char *domain,
                                     const struct change *changes, uint32_t count,
                                     struct replacement *r, char **why);

#endif
