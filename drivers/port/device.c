/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices: their names, the habits of their drivers, and diagnoses for operators. */
#include "drivers/port/device.h"

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "drivers/port/dpdk_log.h"

static const struct device_traits known[] = {
    {
        .driver = "net_tap",
        .arguments = " iface mac remote ",
        .software_offloads = true,
        .makes_interface = true,
        .more_buffers = 1, /* the chain that the next frame is read into */
    },
    {
        .driver = "net_af_packet",
        .arguments = " iface qpairs blocksz framesz framecnt qdisc_bypass ",
        .queues = "qpairs",
        .needs_interface = true,
    },
    {
        .driver = "net_af_xdp",
        .arguments = " iface start_queue queue_count shared_umem xdp_prog busy_budget force_copy ",
        .queues = "queue_count",
        .needs_interface = true,
        .more_buffers = 2 * 2048, /* fill and completion ring: XSK_RING_*__DEFAULT_NUM_DESCS */
        .one_segment = true,
    },
    {
        .driver = "net_memif",
        .arguments =
            " id role bsize rsize socket socket-abstract owner-uid owner-gid mac zero-copy "
            "secret ",
    },
};

static const struct device_traits other;

bool port_fail(struct port_error *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
    return false;
}

static bool all_hex(const char *text, unsigned from, unsigned to)
{
    for (unsigned k = from; k < to; k++)
        if (!isxdigit((unsigned char)text[k]))
            return false;
    return true;
}

/* DDDD:BB:DD.F in lower case, from text with or without the domain. */
static bool pci_name(const char *text, char *name, size_t size)
{
    size_t len = strcspn(text, ",");
    char full[16];
    if (len == 7)
        snprintf(full, sizeof(full), "0000:%.7s", text);
    else if (len == 12)
        snprintf(full, sizeof(full), "%.12s", text);
    else
        return false;
    if (!all_hex(full, 0, 4) || full[4] != ':' || !all_hex(full, 5, 7) || full[7] != ':' ||
        !all_hex(full, 8, 10) || full[10] != '.' || full[11] < '0' || full[11] > '7')
        return false;
    for (char *c = full; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    snprintf(name, size, "%s", full);
    return true;
}

static const struct device_traits *traits_of(const char *name)
{
    for (unsigned k = 0; k < COUNT_OF(known); k++) {
        size_t len = strlen(known[k].driver);
        if (strncmp(name, known[k].driver, len) == 0 &&
            strspn(name + len, "0123456789") == strlen(name + len))
            return &known[k];
    }
    return &other;
}

/* A driver of DPDK's passes over an argument that it does not know, and comes up as something else
 * than was meant. */
static bool arguments_parse(struct device *d, struct port_error *why)
{
    const char *at = d->text + strcspn(d->text, ",");
    while (*at == ',') {
        at++;
        size_t len = strcspn(at, ",");
        size_t key = strcspn(at, "=,");
        char word[64];
        snprintf(word, sizeof(word), " %.*s ", (int)(key < 60 ? key : 60), at);
        if (d->traits->arguments != NULL && strstr(d->traits->arguments, word) == NULL)
            return port_fail(why, "%s: %s has no argument \"%.*s\", it takes%s", d->text,
                             d->traits->driver, (int)key, at, d->traits->arguments);
        if (d->traits != &other && strcmp(word, " iface ") == 0) {
            size_t value = len - key - (len > key);
            if (value == 0 || value >= sizeof(d->interface))
                return port_fail(why, "%s: an interface's name has 1 to %zu characters", d->text,
                                 sizeof(d->interface) - 1);
            memcpy(d->interface, at + key + 1, value);
        }
        at += len;
    }
    if (d->traits->needs_interface && d->interface[0] == '\0')
        return port_fail(why, "%s: iface= is missing, the network interface to use", d->text);
    return true;
}

bool device_parse(const char *text, struct device *out, struct port_error *why)
{
    *out = (struct device){.text = text, .traits = &other};
    if (pci_name(text, out->name, sizeof(out->name))) {
        out->pci = true;
        return true;
    }
    size_t len = strcspn(text, ",");
    if (strncmp(text, "net_", 4) != 0 || len >= sizeof(out->name))
        return port_fail(why,
                         "%s is neither a PCI address (0000:3b:00.0) nor one of DPDK's virtual "
                         "devices (net_tap0,iface=NAME)",
                         text);
    memcpy(out->name, text, len);
    out->traits = traits_of(out->name);
    return arguments_parse(out, why);
}

const char *device_arguments(const struct device *d, unsigned queues, char *buf, unsigned size)
{
    const char *rest = strchr(d->text, ',');
    int len = snprintf(buf, size, "%s%s", d->name, rest != NULL ? rest : "");
    if (queues > 1 && d->traits->queues != NULL && strstr(d->text, d->traits->queues) == NULL &&
        len > 0 && (unsigned)len < size)
        snprintf(buf + len, size - (unsigned)len, ",%s=%u", d->traits->queues, queues);
    return buf;
}

static bool capable(unsigned capability)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &header, data) != 0)
        return true; /* cannot be known: blame something else */
    return (data[capability / 32].effective & (1u << (capability % 32))) != 0;
}

static void diagnose_pci(const struct device *d, int error, struct port_error *why)
{
    char path[128], link[256];
    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", d->name);
    if (access(path, F_OK) != 0) {
        port_fail(
            why, "%s: there is no such PCI device (dpdk-devbind.py --status lists those there are)",
            d->text);
        return;
    }
    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", d->name);
    ssize_t len = readlink(path, link, sizeof(link) - 1);
    if (len < 0) {
        port_fail(why, "%s has no driver: give it one (dpdk-devbind.py --bind=vfio-pci %s)",
                  d->text, d->name);
        return;
    }
    link[len] = '\0';
    const char *driver = strrchr(link, '/') != NULL ? strrchr(link, '/') + 1 : link;
    static const char *const usable[] = {"vfio-pci", "uio_pci_generic", "igb_uio", "mlx5_core",
                                         "mlx4_core"};
    for (unsigned k = 0; k < COUNT_OF(usable); k++)
        if (strcmp(driver, usable[k]) == 0) {
            port_fail(why, "%s: DPDK cannot use this NIC through %s, it says \"%s\" (%s)", d->text,
                      driver, dpdk_log_cause(), strerror(error));
            return;
        }
    port_fail(why,
              "%s belongs to the kernel's driver %s: hand it over (dpdk-devbind.py --bind=vfio-pci "
              "%s), its addresses leave the kernel with it",
              d->text, driver, d->name);
}

void device_diagnose(const struct device *d, int error, struct port_error *why)
{
    if (d->pci)
        diagnose_pci(d, error, why);
    else if (d->traits->needs_interface && if_nametoindex(d->interface) == 0)
        port_fail(why, "%s: there is no interface %s (ip link lists those there are)", d->text,
                  d->interface);
    else if (d->traits->makes_interface && if_nametoindex(d->interface) != 0)
        port_fail(
            why,
            "%s: there is an interface %s already, and %s makes one of its own: remove it (ip "
            "link delete %s) or choose another name",
            d->text, d->interface, d->traits->driver, d->interface);
    else if (!capable(CAP_NET_ADMIN) || !capable(CAP_NET_RAW))
        port_fail(why,
                  "%s: not permitted, DPDK says \"%s\": run as root, or with CAP_NET_ADMIN and "
                  "CAP_NET_RAW",
                  d->text, dpdk_log_cause());
    else if (d->traits == &other && error == EFAULT)
        port_fail(why, "%s: DPDK has no such driver, or it is not installed", d->text);
    else if (strstr(dpdk_log_cause(), "PACKET_FANOUT") != NULL)
        port_fail(why,
                  "%s: another process on this host got the same fanout group from DPDK by chance "
                  "(it comes from the process id): start again",
                  d->text);
    else
        port_fail(why, "%s: DPDK cannot attach the device, it says \"%s\" (%s)", d->text,
                  dpdk_log_cause(), strerror(error));
}
