/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control thread has to say. */
#include "app/control/context.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

void control_tell(void *control, const char *text)
{
    const struct control *c = control;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    maillog_say(c->log, (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec, text);
    if (c->log != stderr)
        fprintf(stderr, "splitmx: %s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n");
}

void control_say(struct control *c, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    control_tell(c, text);
}
