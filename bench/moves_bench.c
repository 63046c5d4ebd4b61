/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a change of mailboxes costs: batches, folds and reloads of one domain with many mailboxes,
 * and what memory they take at their peak.
 *
 *     moves_bench [MAILBOXES]      1,000,000 by default; times are processor time
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/route/amend.h"
#include "app/route/route.h"
#include "config/memory.h"
#include "drivers/base/timer.h"

#define BATCH   1000
#define OVERLAY 4096 /* when the control thread folds at the latest */
#define LOOKUPS 1000000

static const char ini[] =
    "[appliance]\nhostname = mx1.example.net\ncache = .\n[port p]\ndevice = d\n"
    "address = 192.0.2.25/24\n[listener l]\nport = p\n[domain example.com]\nmailboxes = m\n"
    "mailbox_server = 192.0.2.10\nexternal_mail_server = 198.51.100.7\nmax_shrink = 100\n"
    "verification_address = carol@example.com\nsplit_domain_routing = yes\n";

static char directory[] = "/tmp/moves-bench-XXXXXX", file[64];

/* Of processor time: the machine may have other things to do. */
static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A line of /proc/self/status, in MiB. */
static double status(const char *name)
{
    char line[256];
    unsigned long kib = 0;
    FILE *in = memory_must(fopen("/proc/self/status", "r"));
    while (fgets(line, sizeof(line), in) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            sscanf(line + strlen(name), ": %lu", &kib);
    fclose(in);
    return (double)kib / 1024;
}

/* From here on VmHWM is the peak. */
static void reset_peak(void)
{
    FILE *out = fopen("/proc/self/clear_refs", "w");
    if (out != NULL) {
        fputs("5", out);
        fclose(out);
    }
}

/* Every `except`-th mailbox is not in it (0: all are). */
static void write_file(uint32_t count, uint32_t except)
{
    FILE *out = memory_must(fopen(file, "w"));
    for (uint32_t i = 0; i < count; i++)
        if (except == 0 || i % except != 0)
            fprintf(out, "given.surname%u\n", i);
    fclose(out);
}

static struct snapshot *make(struct snapshot *old)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/x.ini", directory);
    struct config_errors *errors = config_errors_new();
    struct config *config = config_parse(path, ini, strlen(ini), errors);
    struct snapshot_request request = {.config = config,
                                       .workers = 1,
                                       .old = old,
                                       .now = (uint64_t)time(NULL),
                                       .wall = (uint64_t)time(NULL) * NSEC_PER_SEC};
    struct snapshot_summary summary;
    struct snapshot *s = snapshot_make(&request, &summary, errors);
    config_errors_print(errors, stderr);
    config_free(config);
    config_errors_free(errors);
    return memory_must(s);
}

static void change(struct change *c, uint32_t number, enum book_side side)
{
    char local[32];
    static const char domain[] = "example.com";
    int len = snprintf(local, sizeof(local), "given.surname%u", number);
    if (address_canonical((struct span){local, (size_t)len}, false,
                          (struct span){domain, strlen(domain)}, &c->address) != ADDRESS_OK)
        abort();
    c->side = side;
}

static struct snapshot *amend(struct snapshot *s, uint32_t count, uint32_t mailboxes)
{
    struct change *batch = memory_new(count, sizeof(*batch));
    struct snapshot_summary summary;
    char *why;
    for (uint32_t i = 0; i < count; i++)
        change(&batch[i], (uint32_t)random() % mailboxes, BOOK_NONE);
    double begun = seconds();
    struct snapshot *next =
        memory_must(snapshot_amend(s, batch, count, false, (uint64_t)time(NULL), &summary, &why));
    printf("batch of %-6u                %10.2f ms  %lu removed, %lu moved\n", count,
           1e3 * (seconds() - begun), summary.mailboxes_removed, summary.moved);
    free(batch);
    return next;
}

static void look_up(const char *what, const struct snapshot *s, uint32_t mailboxes)
{
    struct route r;
    char text[64];
    double spent = 0;
    for (int i = 0; i < LOOKUPS / 1000; i++) {
        struct smtp_path paths[100];
        char texts[100][64];
        for (int k = 0; k < 100; k++) {
            int len =
                snprintf(texts[k], sizeof(text), "given.surname%u", (uint32_t)random() % mailboxes);
            paths[k] =
                (struct smtp_path){.local = {texts[k], (size_t)len}, .domain = {"example.com", 11}};
        }
        double begun = seconds();
        for (int k = 0; k < 100; k++)
            route_recipient(s, 0, &paths[k], NULL, &r);
        spent += seconds() - begun;
    }
    printf("verdict, %-20s %10.0f ns\n", what, 1e9 * spent / (LOOKUPS / 10));
}

static struct snapshot *fold(struct snapshot *s)
{
    char *why;
    double begun = seconds();
    struct snapshot *folded = memory_must(snapshot_fold(s, (uint64_t)time(NULL), &why));
    printf("fold of %-6u                 %10.0f ms\n", snapshot_size(s).overlay,
           1e3 * (seconds() - begun));
    struct snapshot *next = snapshot_folded(folded, s, s);
    snapshot_free(folded);
    return next;
}

/* Both are in use at the peak, as when workers go from one to the other. */
static struct snapshot *reload(const char *what, struct snapshot *s)
{
    double before = status("VmRSS"), begun = seconds();
    reset_peak();
    struct snapshot *made = make(s), *next = snapshot_remade(made, s, s, (uint64_t)time(NULL));
    snapshot_free(made);
    printf("reload, %-21s %10.0f ms  memory %.0f MiB, both in use %.0f, peak %.0f\n", what,
           1e3 * (seconds() - begun), before, status("VmRSS"), status("VmHWM"));
    snapshot_free(s);
    return next;
}

static struct snapshot *take(struct snapshot *old, struct snapshot *next)
{
    snapshot_free(old);
    return next;
}

int main(int argc, char **argv)
{
    uint32_t mailboxes = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (mkdtemp(directory) == NULL)
        return 1;
    snprintf(file, sizeof(file), "%s/m", directory);
    write_file(mailboxes, 0);
    double begun = seconds(), empty = status("VmRSS");
    struct snapshot *s = make(NULL);
    snapshot_seal(s, 1);
    printf("%u mailboxes, loaded         %10.0f ms  memory %.0f MiB, peak %.0f\n", mailboxes,
           1e3 * (seconds() - begun), status("VmRSS") - empty, status("VmHWM") - empty);
    look_up("no overlay", s, mailboxes);
    s = take(s, amend(s, BATCH, mailboxes));
    s = take(s, amend(s, OVERLAY - BATCH, mailboxes));
    look_up("full overlay", s, mailboxes);
    reset_peak();
    double before = status("VmRSS");
    struct snapshot *folded = fold(s);
    printf("  memory %.0f MiB, both in use %.0f, peak %.0f\n", before, status("VmRSS"),
           status("VmHWM"));
    s = take(s, folded);
    look_up("folded", s, mailboxes);
    write_file(mailboxes, 1000);
    s = reload("0.1 % gone", s);
    write_file(mailboxes, 100);
    s = reload("1 % gone", s);
    usleep(200000); /* the file has settled */
    s = reload("nothing written", reload("the same again", s));
    snapshot_free(s);
    unlink(file);
    snprintf(file, sizeof(file), "%s/mx1.example.net.set", directory);
    unlink(file);
    rmdir(directory);
    return 0;
}
