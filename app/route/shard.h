/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A shard: a few of the entries of a set, in a Hyperscan database of their own. It keeps their
 * text, as a database does not tell what it was made of; never changes; and belongs to all sets
 * that refer to it. References may be taken and given up by any thread but a worker.
 *
 * A key begins and ends with a newline and holds none inside, so a literal that is found anywhere
 * in a key is the whole of it.
 */
#ifndef SPLITMX_ROUTE_SHARD_H
#define SPLITMX_ROUTE_SHARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/route/arena.h"
#include "app/route/set.h"

struct hs_database;
struct shard;

/* Compile entries with distinct keys, at least one; they are copied. With one reference. NULL, with
 * a reason in *why (to be freed), if they do not compile. */
struct shard *shard_build(struct arena *arena, const struct set_entry *entries, uint32_t count,
                          char **why);

/* What shard_text() and hs_serialize_database() made of another shard. NULL if they are not of this
 * Hyperscan, or the text is not of keys. That the database is of these entries is not looked at,
 * nor is it safe to search if it is not whole. */
struct shard *shard_restore(struct arena *arena, uint32_t count, const char *text, size_t text_size,
                            const char *database, size_t database_size);

/* A copy that needs no memory of the old one's. */
struct shard *shard_move(struct arena *arena, const struct shard *s);

struct shard *shard_ref(struct shard *s);
void shard_free(struct shard *s);

uint32_t shard_count(const struct shard *s);
size_t shard_memory(const struct shard *s); /* bytes */
const struct hs_database *shard_database(const struct shard *s);

/* All entries, to out, which has room for shard_count(); their keys live as long as the shard. */
void shard_entries(const struct shard *s, struct set_entry *out);

bool shard_has(const struct shard *s, const struct set_entry *e);
void shard_prefetch_text(const struct shard *s); /* what shard_has() will read */

/* All entries as they are stored. */
const char *shard_text(const struct shard *s, size_t *size);

/* Whether it is a key that a shard can hold. */
bool shard_is_key(const char *key, size_t len);

/* Fetch into the cache what a search will read, without waiting for it. `count` is the number of
 * entries, roughly. */
void shard_prefetch(const struct shard *s, unsigned count);

/* Whether the shard holds the key (at most SET_KEY_MAX bytes), and on which side. No allocation. */
enum set_answer shard_find(const struct shard *s, struct hs_scratch *scratch, const char *key,
                           size_t len);

#endif
