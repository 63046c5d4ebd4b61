/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port with our IP and TCP on it, in the calling thread: what generators and test peers stand on.
 *
 *     engine_start() -> engine_run(step) -> engine_stop()
 *
 *     round: receive -> timers -> streams' events -> step() -> segments -> transmit
 *
 * Once per process, as DPDK can be started once.
 */
#ifndef SPLITMX_SMTPGEN_ENGINE_H
#define SPLITMX_SMTPGEN_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/check.h"
#include "drivers/base/pools.h"
#include "drivers/base/timer.h"
#include "drivers/ip/ip.h"
#include "drivers/port/eal.h"
#include "drivers/port/port.h"
#include "drivers/tcp/tcp.h"

struct engine_config {
    const char *program;        /* argv[0] */
    const char *device;         /* DPDK's name of the port, e.g. net_af_packet0,iface=veth1 */
    struct ip_link_config link; /* addresses, networks, gateways; its link is the engine's to set */
    bool hugepages;
    bool nap;             /* give the core back where there is nothing to do; else it is polled */
    int cpu;              /* to run on; -1: wherever the kernel sees fit */
    uint32_t connections; /* at most */
    uint32_t half_open;   /* of these, not yet established; then SYN cookies. 0: all may be */
    uint32_t buffers;     /* data buffers that connections may pin */
    uint32_t window;      /* bytes: receive window and send queue of a connection, at most */
};

struct engine {
    const struct engine_config *config;
    bool eal; /* DPDK was started */
    struct port *port;
    struct pools pools;
    struct timer_wheel wheel;
    struct ip_stack *ip;
    struct tcp *tcp;
    nsec_t now;
    uint64_t cycles_total, cycles_busy; /* TSC, of rounds; busy: of those that found work */
    nsec_t looked;                      /* at the link */
};

/* Reads `text` as ADDRESS/LEN, one more address of the port. */
MUST_CHECK bool engine_add_address(struct engine_config *config, const char *text);

/* Reads `text` as the gateway of its family. */
MUST_CHECK bool engine_add_gateway(struct engine_config *config, const char *text);

/* Bring everything up; `config` must outlive the engine. False with *why. */
MUST_CHECK bool engine_start(struct engine *e, const struct engine_config *config,
                             struct port_error *why);

/* Wait for the port's link for so long. False if it stays down. */
MUST_CHECK bool engine_await_link(struct engine *e, nsec_t patience);

/* One step of the application; adds to *work what it did. False ends the run. */
typedef bool engine_step_fn(void *user, nsec_t now, unsigned *work);

void engine_run(struct engine *e, engine_step_fn *step, void *user);

/* Send what waits for the round's end: for those who abort many streams at once. */
void engine_flush(struct engine *e);

/* Connections that nobody has closed or aborted end without a word on the wire. */
void engine_stop(struct engine *e);

#endif
