/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments in: what ip/ calls. */
#ifndef SPLITMX_TCP_INPUT_H
#define SPLITMX_TCP_INPUT_H

#include "drivers/ip/ip.h"

/* The callbacks of struct ip_upper; `tcp` is the struct tcp. */
void input_segment(void *tcp, struct rte_mbuf *m, const struct ip_datagram *d);
void input_burst_end(void *tcp);
void input_unreachable(void *tcp, const struct ip_addr *src, const struct ip_addr *dst,
                       const uint8_t *quoted, unsigned quoted_len, enum ip_unreachable what,
                       uint16_t mtu);
void input_no_neighbour(void *tcp, const struct ip_addr *dst);

#endif
