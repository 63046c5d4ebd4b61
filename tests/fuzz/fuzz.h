/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every fuzz target shares. A target is one file NAME_fuzz.c that defines
 * LLVMFuzzerTestOneInput() and FUZZ_CHECKs what must hold for every input.
 */
#ifndef SPLITMX_FUZZ_H
#define SPLITMX_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Called once per input; returns 0. Must not keep state from one input to the next. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert() it is there in every build type. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
