/* SPDX-License-Identifier: BSD-3-Clause */
/* Where DPDK's messages go. */
#include "drivers/port/dpdk_log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include <rte_log.h>

static struct {
    bool holding;
    unsigned level; /* of the message kept; less is worse */
    char kept[256];
} log_state;

/* "function(): text.\n" and "EAL: text\n" become "text". */
static void keep(const char *text, size_t len)
{
    const char *prefix = memmem(text, len, "(): ", 4);
    if (prefix == NULL && len > 5 && memcmp(text, "EAL: ", 5) == 0)
        prefix = text + 1;
    if (prefix != NULL) {
        len -= (size_t)(prefix + 4 - text);
        text = prefix + 4;
    }
    while (len > 0 && strchr(" \n.", text[len - 1]) != NULL)
        len--;
    if (len >= sizeof(log_state.kept))
        len = sizeof(log_state.kept) - 1;
    memcpy(log_state.kept, text, len);
    log_state.kept[len] = '\0';
}

static ssize_t write_message(void *cookie, const char *text, size_t len)
{
    (void)cookie;
    int said = rte_log_cur_msg_loglevel();
    unsigned level = said < 0 ? RTE_LOG_ERR : (unsigned)said;
    if (!log_state.holding) {
        fprintf(stderr, "dpdk: %.*s", (int)len, text);
    } else if (log_state.kept[0] == '\0' ||
               (log_state.level > RTE_LOG_ERR && level <= RTE_LOG_ERR)) {
        log_state.level = level;
        keep(text, len);
    }
    return (ssize_t)len;
}

void dpdk_log_open(void)
{
    static FILE *stream;
    dpdk_log_hold();
    if (stream == NULL)
        stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_message});
    if (stream == NULL)
        return; /* out of memory: DPDK keeps writing to stderr */
    setvbuf(stream, NULL, _IOLBF, 1024);
    rte_openlog_stream(stream);
}

void dpdk_log_hold(void)
{
    log_state.holding = true;
    log_state.kept[0] = '\0';
}

const char *dpdk_log_cause(void)
{
    return log_state.kept[0] != '\0' ? log_state.kept : "nothing";
}

void dpdk_log_pass(void)
{
    log_state.holding = false;
}
