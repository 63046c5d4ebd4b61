/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The segments of a receive burst, until it is over: while the later ones are read, what the
 * earlier ones will need comes in from memory, connection by connection.
 */
#ifndef SPLITMX_TCP_BURST_H
#define SPLITMX_TCP_BURST_H

#include "drivers/tcp/arrival.h"

#define BURST_SEGMENTS 32

struct burst {
    unsigned count;
    uint32_t hashes[BURST_SEGMENTS]; /* of their connections */
    struct arrival arrivals[BURST_SEGMENTS];
};

#endif
