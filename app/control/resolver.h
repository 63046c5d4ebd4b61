/* SPDX-License-Identifier: BSD-3-Clause */
/* Has the names of servers looked up again and again, in a thread of its own. */
#ifndef SPLITMX_CONTROL_RESOLVER_H
#define SPLITMX_CONTROL_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "app/route/names.h"

struct resolver;

/* Every `interval` nanoseconds. What has changed is told, a line or several without the last LF. */
struct resolver *resolver_create(struct names *names, uint64_t interval,
                                 void (*tell)(void *context, const char *text), void *context);

/* False: its thread still looks something up, and it cannot be freed yet. NULL is allowed. */
bool resolver_destroy(struct resolver *r);

/* Every round; `now` in seconds, of a clock that is not set. */
void resolver_poll(struct resolver *r, uint64_t now);

#endif
