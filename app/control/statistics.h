/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything that is counted, of every part of the appliance. */
#ifndef SPLITMX_CONTROL_STATISTICS_H
#define SPLITMX_CONTROL_STATISTICS_H

#include "app/observe/stats.h"

struct control;

/* Counters and live numbers by port and worker, as of now. The caller's. */
struct stats *statistics(const struct control *c);

#endif
