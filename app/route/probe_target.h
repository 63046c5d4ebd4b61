/* SPDX-License-Identifier: BSD-3-Clause */
/* What an external server is verified by. */
#ifndef SPLITMX_ROUTE_PROBE_TARGET_H
#define SPLITMX_ROUTE_PROBE_TARGET_H

#include <stdint.h>

#include "app/route/servers.h"
#include "app/smtp/command.h"
#include "app/smtp/identity.h"
#include "drivers/base/addr.h"

/* How external servers are verified (DESIGN: verification), all of a destination as one: shared by
 * (servers, identity, address). */
struct probe_target {
    struct servers servers;
    enum smtp_identity_kind identity; /* what the server expects of its clients */
    char sender[SMTP_PATH_MAX + 1];   /* verify_sender without brackets; "" is <> */
    char recipient[SMTP_PATH_MAX +
                   1]; /* verification_address; "": by connection only ([domain *]) */
    uint64_t interval; /* verify_interval, nanoseconds */
    unsigned fall;     /* failed connections until down */
};

#endif
