/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of servers: in order, each once, and what is written is read again; what is wrong is within
 * the text. */
#include <string.h>

#include "app/route/servers.h"
#include "fuzz.h"

static void check_list(const struct servers *s)
{
    struct servers again;
    const char *item, *why;
    size_t len;
    char text[SERVERS_TEXT_SIZE];
    FUZZ_CHECK(s->count >= 1 && s->count <= SERVERS_MAX);
    for (uint32_t i = 0; i < s->count; i++) {
        FUZZ_CHECK(s->list[i].weight > 0 && s->list[i].at.port != 0);
        FUZZ_CHECK(i == 0 || s->list[i - 1].priority <= s->list[i].priority);
        FUZZ_CHECK(servers_have(s, &s->list[i]));
    }
    FUZZ_CHECK(servers_parse(servers_format(s, text), NULL, &again, &item, &len, &why));
    FUZZ_CHECK(again.count == s->count);
    for (uint32_t i = 0; i < s->count; i++)
        FUZZ_CHECK(endpoint_equal(&again.list[i].at, &s->list[i].at));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct servers s;
    const char *item, *why;
    size_t len;
    char *text = calloc(1, size + 1);
    FUZZ_CHECK(text != NULL);
    memcpy(text, data, size);
    if (servers_parse(text, NULL, &s, &item, &len, &why))
        check_list(&s);
    else
        FUZZ_CHECK(why != NULL && item >= text && item + len <= text + strlen(text));
    free(text);
    return 0;
}
