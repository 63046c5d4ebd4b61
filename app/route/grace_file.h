/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who has moved within move_grace, on disk, so that a restart does not bounce their mail. One line
 * each: when it ends (seconds since the epoch), a blank, the address; "@DOMAIN" for a whole domain.
 *
 * Moves are appended before they are in force; what has ended goes when the file is written anew.
 * What of it is damaged is passed over: the worst is that an address has no grace.
 */
#ifndef SPLITMX_ROUTE_GRACE_FILE_H
#define SPLITMX_ROUTE_GRACE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/route/grace.h"
#include "drivers/base/check.h"

/* What has not ended by `now`, to be given up with grace_unref(). NULL: nobody; with errno 0, or
 * why the file cannot be read (ENOENT: there is none). */
struct grace *grace_file_load(const char *path, uint64_t now);

/* The same of bytes that were read already. */
struct grace *grace_file_parse(const char *data, size_t len, uint64_t now);

/* The lines of what `grace` has and `old` (NULL: nothing) has not, or not for so long; to be freed.
 */
char *grace_file_format(const struct grace *grace, const struct grace *old, size_t *len);

/* Append what `grace` has and `old` has not, in one piece: other threads may append, too. False
 * with errno. */
MUST_CHECK bool grace_file_append(const char *path, const struct grace *grace,
                                  const struct grace *old);

/* Write all of it beside the file; then put that in its place. False with errno. */
MUST_CHECK bool grace_file_prepare(const char *path, const struct grace *grace);
MUST_CHECK bool grace_file_commit(const char *path);

#endif
