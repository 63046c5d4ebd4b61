/* SPDX-License-Identifier: BSD-3-Clause */
/* What the compiler and the debug build check for us. */
#ifndef SPLITMX_BASE_CHECK_H
#define SPLITMX_BASE_CHECK_H

#include <stdint.h>
#include <stdlib.h>

/* The caller must look at what this function returns. */
#define MUST_CHECK __attribute__((warn_unused_result))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/*
 * An impossible state. Debug and test builds abort; a release counts it in `counter` and evaluates
 * to true, and the caller gives up one connection:
 *
 *     if (IMPOSSIBLE(seg->len == 0, &tcp->counters[TCP_IMPOSSIBLE]))
 *         return tcp_abort(c);
 */
#ifdef NDEBUG
#define IMPOSSIBLE(condition, counter) (__builtin_expect(!!(condition), 0) ? (++*(counter), 1) : 0)
#else
#define IMPOSSIBLE(condition, counter) ((condition) ? ((void)(counter), abort(), 1) : 0)
#endif

#endif
