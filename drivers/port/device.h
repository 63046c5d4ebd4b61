/* SPDX-License-Identifier: BSD-3-Clause */
/* What the INI's `device` names, what is known about its driver, and why it may not come up. */
#ifndef SPLITMX_PORT_DEVICE_H
#define SPLITMX_PORT_DEVICE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "drivers/base/check.h"
#include "drivers/port/eal.h"

/* What a driver does not say about itself, or says wrongly. Measured with DPDK 22.11. */
struct device_traits {
    const char *driver;    /* with the number that follows, the device's name */
    const char *arguments; /* those that it takes, with blanks around each; NULL: not known */
    const char *queues;    /* the argument that asks for several queues; NULL: none is needed */
    bool needs_interface;  /* has no meaning without iface= */
    /* Its checksum and segmentation "offloads" are loops over the bytes on our own core. Our sum of
     * a payload is kept from receiving to sending, theirs is not: they are never worth it. */
    bool software_offloads;
    bool makes_interface; /* iface= is the kernel's end, made by the driver: it has the very MAC
                             that the port reports */
    /* Data buffers in rings beside the descriptors that were asked for. */
    uint32_t more_buffers;
    /* Frames are copied into one data buffer before they are sent. */
    bool one_segment;
};

struct device {
    const char *text; /* as configured */
    bool pci;
    char name[64];            /* DPDK's name of the ethdev */
    char interface[IFNAMSIZ]; /* of iface=, or "" */
    const struct device_traits *traits;
};

/* Does `text` make sense? Looks at no hardware. The text must outlive the device. */
MUST_CHECK bool device_parse(const char *text, struct device *out, struct port_error *why);

/* The devargs that bring it up with that many queues. Returns buf. */
const char *device_arguments(const struct device *d, unsigned queues, char *buf, unsigned size);

/* DPDK could not attach it: find out why and say so. */
void device_diagnose(const struct device *d, int error, struct port_error *why);

/* Write a sentence into *why; returns false, for `return port_fail(...)`. */
__attribute__((format(printf, 2, 3))) bool port_fail(struct port_error *why, const char *format,
                                                     ...);

#endif
