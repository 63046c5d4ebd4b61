/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's environment: which CPUs, how much memory of what kind, and which devices may be seen. */
#include "drivers/port/eal.h"

#include <dirent.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "drivers/port/device.h"
#include "drivers/port/dpdk_log.h"

#define MIB           (UINT64_C(1) << 20)
#define OVERHEAD      (48 * MIB) /* DPDK's heap, rings of ports, the tables of ip/ */
#define MAX_ARGUMENTS 96

static uint16_t worker_cpus[EAL_MAX_WORKERS];

/* rte_eal_init() keeps pointers into its arguments. */
static struct {
    char *argv[MAX_ARGUMENTS + 1];
    int argc;
} arguments;

__attribute__((format(printf, 1, 2))) static void argument(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (arguments.argc < MAX_ARGUMENTS &&
        vasprintf(&arguments.argv[arguments.argc], format, args) >= 0)
        arguments.argc++;
    va_end(args);
}

/* A decimal number; moves *at behind it. */
static bool number(const char **at, unsigned max, unsigned *out)
{
    char *end;
    if (**at < '0' || **at > '9')
        return false;
    unsigned long value = strtoul(*at, &end, 10);
    *at = end;
    *out = (unsigned)value;
    return value <= max;
}

static bool add_cpus(struct eal_workers *w, unsigned first, unsigned last)
{
    for (unsigned cpu = first; cpu <= last; cpu++) {
        for (unsigned k = 0; k < w->count; k++)
            if (w->cpus[k] == cpu)
                return false;
        if (w->count == EAL_MAX_WORKERS)
            return false;
        w->cpus[w->count++] = (uint16_t)cpu;
    }
    return first <= last;
}

bool eal_workers_parse(const char *text, struct eal_workers *out)
{
    unsigned first, last;
    const char *at = text;
    *out = (struct eal_workers){0};
    if (!number(&at, CPU_SETSIZE - 1, &first))
        return false;
    if (*at == '\0') {
        out->count = first;
        return first >= 1 && first <= EAL_MAX_WORKERS;
    }
    out->chosen = true;
    for (;;) {
        last = first;
        if (*at == '-') {
            at++;
            if (!number(&at, CPU_SETSIZE - 1, &last))
                return false;
        }
        if (!add_cpus(out, first, last))
            return false;
        if (*at == ',')
            at++;
        else if (*at != '\0')
            return false;
        if (*at == '\0')
            return true;
        if (!number(&at, CPU_SETSIZE - 1, &first))
            return false;
    }
}

/* The last of the allowed CPUs: the first ones serve the machine's interrupts more often. */
static void pick_cpus(const cpu_set_t *allowed, unsigned count)
{
    unsigned skip = (unsigned)CPU_COUNT(allowed) - count, w = 0;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE && w < count; cpu++) {
        if (!CPU_ISSET(cpu, allowed))
            continue;
        if (skip > 0)
            skip--;
        else
            worker_cpus[w++] = (uint16_t)cpu;
    }
}

static bool place_workers(const struct eal_workers *w, const cpu_set_t *allowed,
                          struct port_error *why)
{
    if (w->count == 0 || w->count > EAL_MAX_WORKERS)
        return port_fail(why, "%u workers: 1 to %u are possible", w->count, EAL_MAX_WORKERS);
    if (!w->chosen && w->count > (unsigned)CPU_COUNT(allowed))
        return port_fail(why, "%u workers need as many CPUs, this process may use %d", w->count,
                         CPU_COUNT(allowed));
    if (!w->chosen)
        pick_cpus(allowed, w->count);
    for (unsigned k = 0; w->chosen && k < w->count; k++) {
        worker_cpus[k] = w->cpus[k];
        if (!CPU_ISSET(w->cpus[k], allowed))
            return port_fail(why,
                             "worker on CPU %u: this process may not use that CPU, or it is "
                             "not there",
                             w->cpus[k]);
    }
    return true;
}

/* lcore 0 is the control thread, on every CPU that no worker has. */
static void lcore_arguments(const struct eal_workers *w, const cpu_set_t *allowed)
{
    cpu_set_t control = *allowed;
    for (unsigned k = 0; k < w->count; k++)
        CPU_CLR(worker_cpus[k], &control);
    if (CPU_COUNT(&control) == 0)
        control = *allowed;
    char map[8192];
    unsigned len = (unsigned)snprintf(map, sizeof(map), "0@(");
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &control) && len < sizeof(map) / 2)
            len += (unsigned)snprintf(map + len, sizeof(map) - len, "%u,", cpu);
    len--; /* the last comma */
    len += (unsigned)snprintf(map + len, sizeof(map) - len, ")");
    for (unsigned k = 0; k < w->count; k++)
        len += (unsigned)snprintf(map + len, sizeof(map) - len, ",%u@%u", eal_worker_lcore(k),
                                  worker_cpus[k]);
    argument("--lcores=%s", map);
    argument("--main-lcore=0");
}

/* Free hugepages of all sizes, bytes; *page: the size of the smallest there is. */
static uint64_t free_hugepages(uint64_t *page)
{
    static const char base[] = "/sys/kernel/mm/hugepages";
    uint64_t total = 0;
    *page = 0;
    DIR *dir = opendir(base);
    struct dirent *e;
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        unsigned long kib, count = 0;
        char path[512];
        if (sscanf(e->d_name, "hugepages-%lukB", &kib) != 1)
            continue;
        snprintf(path, sizeof(path), "%s/%s/free_hugepages", base, e->d_name);
        FILE *f = fopen(path, "r");
        if (f != NULL) {
            if (fscanf(f, "%lu", &count) != 1)
                count = 0;
            fclose(f);
        }
        total += (uint64_t)kib * 1024 * count;
        if (*page == 0 || kib * 1024 < *page)
            *page = kib * 1024;
    }
    if (dir != NULL)
        closedir(dir);
    return total;
}

static bool memory_arguments(const struct eal_config *config, struct port_error *why)
{
    /* An eighth for what a mempool loses to alignment. */
    uint64_t need = config->memory + config->memory / 8 + OVERHEAD, page;
    if (!config->hugepages) {
        argument("--no-huge");
        argument("--no-shconf");
        argument("-m");
        argument("%lu", (unsigned long)((need + MIB - 1) / MIB));
        return true;
    }
    uint64_t free_bytes = free_hugepages(&page);
    if (page == 0)
        return port_fail(why, "this kernel has no hugepages: say hugepages = no");
    if (free_bytes < need)
        return port_fail(
            why,
            "%lu MiB of hugepages are needed and %lu MiB are free: reserve %lu more of "
            "%lu KiB (sysctl vm.nr_hugepages) or say hugepages = no",
            (unsigned long)(need / MIB), (unsigned long)(free_bytes / MIB),
            (unsigned long)((need - free_bytes + page - 1) / page), (unsigned long)(page / 1024));
    argument("--in-memory");
    return true;
}

static bool device_arguments_add(const struct eal_config *config, struct port_error *why)
{
    bool any_pci = false;
    for (unsigned k = 0; k < config->device_count; k++) {
        struct device d;
        if (!device_parse(config->devices[k], &d, why))
            return false;
        if (!d.pci)
            continue;
        /* Virtual devices are attached by port_open(), where a failure has its port. PCI devices
         * have to be known from the start: their IOMMU decides on the kind of addresses. */
        any_pci = true;
        argument("-a");
        argument("%s", d.text);
    }
    if (!any_pci)
        argument("--no-pci");
    return true;
}

bool eal_start(const struct eal_config *config, struct port_error *why)
{
    cpu_set_t allowed;
    arguments.argc = 0;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
        return port_fail(why, "the CPUs of this process cannot be found out: %m");
    argument("%s", config->program);
    if (!place_workers(&config->workers, &allowed, why))
        return false;
    lcore_arguments(&config->workers, &allowed);
    if (!memory_arguments(config, why) || !device_arguments_add(config, why))
        return false;
    argument("--no-telemetry");
    argument("--file-prefix=splitmx"); /* names an empty directory: nothing is written to it */
    argument("--log-level=warning");
    if (arguments.argc == MAX_ARGUMENTS)
        return port_fail(why, "too many devices, or out of memory");

    dpdk_log_open();
    if (rte_eal_init(arguments.argc, arguments.argv) < 0)
        return port_fail(why, "DPDK does not start, it says \"%s\" (%s)", dpdk_log_cause(),
                         rte_strerror(rte_errno));
    dpdk_log_pass();
    return true;
}

void eal_stop(void)
{
    rte_eal_cleanup();
}

unsigned eal_worker_cpu(unsigned w)
{
    return worker_cpus[w];
}
