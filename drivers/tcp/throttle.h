/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's bound on answers that anybody can provoke: challenge ACKs, and RSTs for what belongs
 * to nothing (RFC 5961 §7).
 *
 * A bound that all connections share tells an attacker, who counts what is left of it for himself,
 * what was spent on others (CVE-2016-5696). So what is granted, and for how long, is drawn anew
 * each time; and a connection has a bound of its own before it may draw on this one.
 */
#ifndef SPLITMX_TCP_THROTTLE_H
#define SPLITMX_TCP_THROTTLE_H

#include "drivers/tcp/isn.h"

struct throttle {
    nsec_t until; /* when more is granted */
    uint32_t left;
};

/* May one more answer go out? `mean`: about how many a second in the long run. */
MUST_CHECK bool throttle_allows(struct throttle *h, struct isn *isn, nsec_t now, uint32_t mean);

#endif
