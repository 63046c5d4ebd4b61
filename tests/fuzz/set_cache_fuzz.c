/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files of compiled sets. What is read is whole or refused: whether its sum is right or not, as the
 * input is tried once as it is, and once with the sum put right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "app/route/set_cache.h"
#include "tests/fuzz/fuzz.h"

#define SUM_SIZE 32

static void read_one(const char *data, size_t size)
{
    FILE *file = fmemopen((char *)data, size, "r");
    char *why = NULL;
    if (file == NULL)
        return;
    struct set *s = set_cache_read(file, &why);
    FUZZ_CHECK((s == NULL) != (why == NULL)); /* a set or a reason */
    set_free(s);
    free(why);
    fclose(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < SUM_SIZE)
        return 0;
    char *copy = malloc(size);
    memcpy(copy, data, size);
    read_one(copy, size);
    EVP_Digest(copy, size - SUM_SIZE, (unsigned char *)copy + size - SUM_SIZE, NULL, EVP_sha256(),
               NULL);
    read_one(copy, size);
    free(copy);
    return 0;
}
