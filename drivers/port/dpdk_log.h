/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's own messages. Normally they go to stderr, a line each. While something is being brought up
 * they are held back, and the first error among them becomes part of our one sentence.
 */
#ifndef SPLITMX_PORT_DPDK_LOG_H
#define SPLITMX_PORT_DPDK_LOG_H

/* Take the messages over; before rte_eal_init(). Held from here on. */
void dpdk_log_open(void);

/* Hold messages back, and forget those held before. */
void dpdk_log_hold(void);

/* The first error held (or, without one, the first message), without its prefix and newline;
 * "nothing" if DPDK said nothing. Valid until the next dpdk_log_hold(). */
const char *dpdk_log_cause(void);

/* Let messages pass again. */
void dpdk_log_pass(void);

#endif
