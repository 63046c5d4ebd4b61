/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a message's legs have been given of its content, for one that has to begin again: references
 * to the received bytes, not copies.
 *
 * Kept memory is the packet memory that connections need, too, so messages are kept only up to
 * replay_bytes, and only while half of that memory is free. What is too much is given up, never
 * refused.
 */
#ifndef SPLITMX_RELAY_KEPT_H
#define SPLITMX_RELAY_KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "drivers/base/check.h"
#include "drivers/base/slice.h"

#define KEPT_FIRST 4  /* slices without a block */
#define KEPT_BLOCK 20 /* slices in one */

struct kept_block;
struct relay;
struct settings;

enum kept_state {
    KEPT_ALL,       /* whatever was passed on */
    KEPT_TOO_BIG,   /* given up: more than replay_bytes */
    KEPT_NO_MEMORY, /* given up: packet memory is short */
    KEPT_MENDED,    /* given up: too much of it stands in none of the received bytes */
};

struct kept {
    enum kept_state state;
    unsigned count; /* slices */
    unsigned texts; /* of these, how many are references to nothing received */
    uint64_t bytes;
    struct kept_block *blocks, *last;
    struct slice first[KEPT_FIRST];
};

/* A place in it; zeroed: its beginning. It stays good while more is kept, but for the last slice of
 * all. */
struct kept_cursor {
    unsigned index;
    uint32_t offset; /* in that slice */
    const struct kept_block *block;
};

void kept_start(struct kept *k);

/* Takes over the reference, whatever happens. */
void kept_add(struct relay *r, struct kept *k, struct slice *slice);

/* What legs were given that stands in none of the received bytes: a constant. */
void kept_add_text(struct relay *r, struct kept *k, const char *text);

/* Give up what is there, and keep nothing more. */
void kept_give_up(struct relay *r, struct kept *k, enum kept_state why);

/* The message is over, or no leg of it can be begun again any more. */
void kept_drop(struct relay *r, struct kept *k);

/* At most `most` (> 0) of the bytes behind the cursor, which moves over them: a borrowed reference,
 * or a few bytes without a buffer, which are to be copied. False: there are none. */
MUST_CHECK bool kept_take(const struct kept *k, struct kept_cursor *at, uint32_t most,
                          struct slice *out);

/* Blocks that a relay preallocates, and the bytes of each. */
unsigned kept_blocks(const struct settings *s);
size_t kept_block_size(void);

#endif
