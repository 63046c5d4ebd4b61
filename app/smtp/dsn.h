/* SPDX-License-Identifier: BSD-3-Clause */
/* What a sender asks to be told of its message's fate (RFC 3461 §4): values of parameters. */
#ifndef SPLITMX_SMTP_DSN_H
#define SPLITMX_SMTP_DSN_H

#include <stdbool.h>

#include "app/smtp/span.h"
#include "drivers/base/check.h"

#define SMTP_ENVID_MAX 100 /* RFC 3461 §4.4, octets as encoded */
#define SMTP_ORCPT_MAX 500 /* RFC 3461 §4.2 */

enum smtp_ret {
    SMTP_RET_UNSPECIFIED,
    SMTP_RET_FULL,
    SMTP_RET_HDRS,
};

/* Bits; none: not given. NEVER stands alone. */
enum smtp_notify {
    SMTP_NOTIFY_NEVER = 1,
    SMTP_NOTIFY_SUCCESS = 2,
    SMTP_NOTIFY_FAILURE = 4,
    SMTP_NOTIFY_DELAY = 8,
};

/* The values of RET= and NOTIFY=. False: it is none. */
MUST_CHECK bool smtp_ret_parse(struct span value, enum smtp_ret *out);
MUST_CHECK bool smtp_notify_parse(struct span value, unsigned *out);

/* Is it a value of ENVID=, of ORCPT=? Beyond ASCII is what an address of type utf-8 may be, where
 * SMTPUTF8 is in force (RFC 6533 §3). */
bool smtp_is_envid(struct span value);
bool smtp_is_orcpt(struct span value, bool utf8);

#endif
