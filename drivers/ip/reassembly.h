/* SPDX-License-Identifier: BSD-3-Clause */
/* Fragments back into datagrams, by rte_ip_frag, within bounds. */
#ifndef SPLITMX_IP_REASSEMBLY_H
#define SPLITMX_IP_REASSEMBLY_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/check.h"

struct ip_stack;
struct rte_mbuf;

/* Room for `flows` datagrams at once. False if out of memory. */
MUST_CHECK bool reassembly_init(struct ip_stack *ip, uint32_t flows);
void reassembly_free(struct ip_stack *ip);

/*
 * One fragment: a frame whose IPv4 header is good and whose padding is gone. Takes ownership.
 * Returns the datagram if that is complete now: Ethernet and IPv4 header of the first fragment,
 * total_length set, header checksum not. NULL if it is not, or if the fragment was dropped.
 *
 * A datagram whose fragments overlap is dropped whole (as RFC 5722 wants it of IPv6), as is one of
 * more than RTE_LIBRTE_IP_FRAG_MAX_FRAG fragments.
 */
struct rte_mbuf *reassembly_add(struct ip_stack *ip, struct rte_mbuf *m);

/*
 * The same for IPv6, by the same rules (RFC 8200 §4.5, RFC 5722): a frame that nobody else holds,
 * whose IPv6 header names the fragment header right behind it. The datagram's names what came
 * behind that.
 */
struct rte_mbuf *reassembly_add6(struct ip_stack *ip, struct rte_mbuf *m);

#endif
