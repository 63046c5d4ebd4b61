/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Compiled sets on disk, so that a start does not compile what was compiled before.
 *
 * One file holds one set: the text of its entries, and their databases as hs_serialize_database()
 * makes them. It says which Hyperscan made it for which features of the CPU, and ends with the
 * SHA-256 of all that. What entries it holds is read from it, not believed of its name: the set
 * that is wanted is folded out of the one that is there, so that a file of yesterday saves all the
 * work but today's. The file is trusted if its owner is root or who we are, nobody else may write
 * to it, and its sum is right; anything else is a word in the log, and the set is built anew.
 */
#ifndef SPLITMX_ROUTE_SET_CACHE_H
#define SPLITMX_ROUTE_SET_CACHE_H

#include <stdio.h>

#include "app/route/set.h"

/* The file for an appliance, to be freed: that of its hostname. */
char *set_cache_path(const char *directory, const char *hostname);

/* The set in a file. NULL if there is none, or (with the reason in *why, to be freed) none that can
 * be used. */
struct set *set_cache_load(const char *path, char **why);

/* The same of an open file, whose owner is not looked at. */
struct set *set_cache_read(FILE *file, char **why);

/* Write a set to a file, beside it first, so that at any time there is a whole one. False: with the
 * reason in *why, to be freed. */
MUST_CHECK bool set_cache_save(const char *path, struct set *s, char **why);

/*
 * set_build() with the help of the file; afterwards the file is brought up to date if that saves
 * the next start a noticeable time. What is wrong with the file is said on standard error. `path`
 * NULL: there is no cache.
 */
struct set *set_cache_build(const char *path, const struct set_entry *entries, uint32_t count,
                            char **why);

/* Bring the file of a set that was folded out of one of set_cache_build() up to date, if the folds
 * since it was written come to a noticeable time. Seconds for large sets: not on the main lcore. */
void set_cache_keep(struct set *s);

#endif
