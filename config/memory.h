/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of the control plane: start-up, reload. Small allocations do not fail on a Linux that
 * overcommits, and a path that no test can reach is worse than an honest end: so there is no
 * failure to check. The data path does not allocate at all.
 */
#ifndef SPLITMX_CONFIG_MEMORY_H
#define SPLITMX_CONFIG_MEMORY_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *memory_must(void *p)
{
    if (__builtin_expect(p == NULL, 0)) {
        fputs("splitmx: out of memory\n", stderr);
        abort();
    }
    return p;
}

/* Zeroed; never NULL, also for nothing. */
static inline void *memory_new(size_t count, size_t size)
{
    return memory_must(calloc(count != 0 ? count : 1, size != 0 ? size : 1));
}

static inline char *memory_copy_text(const char *text, size_t len)
{
    char *copy = memory_new(len + 1, 1);
    memcpy(copy, text, len);
    return copy;
}

/*
 * Room for one more item at the end of a growing array: returns the array, moved if need be.
 * `count` items are in use; the capacity is the next power of two.
 */
static inline void *memory_grow(void *array, size_t count, size_t size)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return array;
    return memory_must(reallocarray(array, count != 0 ? count * 2 : 1, size));
}

#endif
