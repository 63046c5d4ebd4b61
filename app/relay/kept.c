/* SPDX-License-Identifier: BSD-3-Clause */
/* Slices in a row: a few in place, the others in blocks. */
#include "app/relay/kept.h"

#include "app/relay/state.h"
#include "drivers/base/pools.h"

/* Each takes a slice, as a buffer does that has a thousand times as many bytes. */
#define TEXTS_MAX 1024

struct kept_block {
    struct kept_block *next;
    struct slice slices[KEPT_BLOCK];
};

unsigned kept_blocks(const struct settings *s)
{
    /* Half of the buffers, and some for messages that fill no block. */
    return (unsigned)(s->budget / POOL_DATA_ROOM / 2 / KEPT_BLOCK) + 64;
}

size_t kept_block_size(void)
{
    return sizeof(struct kept_block);
}

void kept_start(struct kept *k)
{
    k->state = KEPT_ALL;
    k->count = k->texts = 0;
    k->bytes = 0;
    k->blocks = k->last = NULL;
}

static unsigned in_block(unsigned index)
{
    return (index - KEPT_FIRST) % KEPT_BLOCK;
}

static struct slice *last_slice(struct kept *k)
{
    if (k->count == 0)
        return NULL;
    unsigned index = k->count - 1;
    return index < KEPT_FIRST ? &k->first[index] : &k->last->slices[in_block(index)];
}

/* NULL: out of blocks. */
static struct slice *next_slot(struct relay *r, struct kept *k)
{
    if (k->count < KEPT_FIRST)
        return &k->first[k->count];
    if (in_block(k->count) == 0) {
        struct kept_block *b = relay_object_get(r->kept_pool, sizeof(b->next));
        if (b == NULL)
            return NULL;
        *(k->last != NULL ? &k->last->next : &k->blocks) = b;
        k->last = b;
    }
    return &k->last->slices[in_block(k->count)];
}

void kept_drop(struct relay *r, struct kept *k)
{
    struct kept_block *b;
    for (unsigned i = 0; i < k->count && i < KEPT_FIRST; i++)
        slice_release(&k->first[i]);
    for (unsigned left = k->count > KEPT_FIRST ? k->count - KEPT_FIRST : 0;
         (b = k->blocks) != NULL;) {
        k->blocks = b->next;
        for (unsigned i = 0; i < KEPT_BLOCK && left > 0; i++, left--)
            slice_release(&b->slices[i]);
        relay_object_put(r->kept_pool, b);
    }
    k->last = NULL;
    k->count = 0;
}

void kept_give_up(struct relay *r, struct kept *k, enum kept_state why)
{
    kept_drop(r, k);
    k->state = why;
    if (why == KEPT_NO_MEMORY)
        relay_count(r, RELAY_KEPT_NO_MEMORY);
}

/* A buffer that more bytes came into since is kept once. */
static bool grow(struct slice *last, const struct slice *slice)
{
    if (last == NULL || last->buf != slice->buf || last->data + last->len != slice->data)
        return false;
    last->len += slice->len;
    last->sum_known = false;
    return true;
}

static void keep(struct relay *r, struct kept *k, struct slice *slice)
{
    if (k->state != KEPT_ALL)
        return;
    if (k->bytes + slice->len > r->settings->replay_bytes) {
        kept_give_up(r, k, KEPT_TOO_BIG);
        return;
    }
    k->bytes += slice->len;
    if (grow(last_slice(k), slice))
        return;
    struct slice *slot = tcp_has_memory_to_spare(r->tcp) ? next_slot(r, k) : NULL;
    if (slot == NULL) {
        kept_give_up(r, k, KEPT_NO_MEMORY);
        return;
    }
    *slot = *slice;
    *slice = (struct slice){0};
    k->count++;
}

void kept_add(struct relay *r, struct kept *k, struct slice *slice)
{
    keep(r, k, slice);
    slice_release(slice);
}

void kept_add_text(struct relay *r, struct kept *k, const char *text)
{
    struct slice slice = {.data = (const uint8_t *)text, .len = (uint32_t)strlen(text)};
    if (k->state == KEPT_ALL && k->texts++ == TEXTS_MAX)
        kept_give_up(r, k, KEPT_MENDED);
    keep(r, k, &slice);
}

/* The slice that the cursor stands in. */
static const struct slice *slice_at(const struct kept *k, struct kept_cursor *at)
{
    if (at->index < KEPT_FIRST)
        return &k->first[at->index];
    if (at->block == NULL)
        at->block = k->blocks;
    else if (at->offset == 0 && in_block(at->index) == 0)
        at->block = at->block->next;
    return &at->block->slices[in_block(at->index)];
}

bool kept_take(const struct kept *k, struct kept_cursor *at, uint32_t most, struct slice *out)
{
    if (at->index == k->count)
        return false;
    *out = *slice_at(k, at);
    if (at->offset > 0) {
        out->data += at->offset;
        out->len -= at->offset;
        out->sum_known = false;
    }
    if (out->len > most) {
        out->len = most;
        out->sum_known = false;
        at->offset += most;
    } else {
        at->offset = 0;
        at->index++;
    }
    return true;
}
