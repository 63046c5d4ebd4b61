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

#include "app/control/reload.h"
#include "app/route/amend.h"
#include "drivers/base/check.h"

/*
 * Write `path`.new, with the owner and the mode of `path`, to the disk. All changes are of `domain`
 * (canonical). May take as long as the file is large. False, with a sentence in *why (to be freed):
 * then there is no such file.
 */
MUST_CHECK bool mailbox_file_prepare(const char *path, const char *domain,
                                     const struct change *changes, uint32_t count, char **why);

/* Put it in place, for good. False, with a sentence: the old one stays. */
MUST_CHECK bool mailbox_file_commit(const char *path, char **why);

/* Remove it again. */
void mailbox_file_discard(const char *path);

#endif
