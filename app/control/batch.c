/* SPDX-License-Identifier: BSD-3-Clause */
/* Batches of mailboxes: checked, in force, on disk, answered. */
#include "app/control/batch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "app/control/context.h"
#include "app/control/job.h"
#include "app/control/mailbox_file.h"
#include "app/control/replacement.h"
#include "app/route/parse.h"
#include "app/route/tables.h"
#include "config/memory.h"

enum batch_state {
    BATCH_QUEUED,  /* others are before it */
    BATCH_WRITING, /* in force; the file beside the old one is being written */
    BATCH_WAITING, /* done; transactions have verdicts from before */
};

struct batch {
    struct job job;
    STAILQ_ENTRY(batch) entry;
    enum batch_state state;
    struct call *call;
    const char *verb;
    bool dry, wait;
    char domain[ADDRESS_DOMAIN_MAX + 1];
    char *path; /* of its mailbox file; NULL: it has none */
    struct change *changes, *undo;
    uint32_t count;
    struct report report;
    struct replacement file;
    bool written; /* the job's result: the file is to be put in place */
    char *why;
};

struct batches {
    struct control *control;
    STAILQ_HEAD(batch_list, batch) queue, waiting; /* the first of the queue is under way */
};

struct batches *batches_create(struct control *control)
{
    struct batches *b = memory_new(1, sizeof(*b));
    b->control = control;
    STAILQ_INIT(&b->queue);
    STAILQ_INIT(&b->waiting);
    return b;
}

static void batch_free(struct batch *b)
{
    report_free(&b->report);
    free(b->path);
    free(b->changes);
    free(b->undo);
    free(b->why);
    free(b);
}

static void give_up(struct batch *b)
{
    call_fail(b->call, PROTOCOL_FAILED, "splitmx is shutting down");
    if (b->state != BATCH_WRITING || job_is_done(&b->job))
        batch_free(b); /* else its thread still looks at it, until the program ends */
}

void batches_destroy(struct batches *b)
{
    struct batch *at;
    if (b == NULL)
        return;
    while ((at = STAILQ_FIRST(&b->queue)) != NULL) {
        STAILQ_REMOVE_HEAD(&b->queue, entry);
        give_up(at);
    }
    while ((at = STAILQ_FIRST(&b->waiting)) != NULL) {
        STAILQ_REMOVE_HEAD(&b->waiting, entry);
        give_up(at);
    }
    free(b);
}

/* ---------------------------------------------------------------------------------- answers -- */

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static void answer(struct batch *b)
{
    const struct report *r = &b->report;
    json_t *o = json_object();
    json_object_set_new(o, "generation", number(r->generation));
    json_object_set_new(o, "dry_run", json_boolean(b->dry));
    json_object_set_new(o, "added", number(r->mailboxes_added));
    json_object_set_new(o, "removed", number(r->mailboxes_removed));
    json_object_set_new(o, "turned", number(r->mailboxes_turned));
    json_object_set_new(o, "moved", number(r->moved));
    call_answer(b->call, o);
    batch_free(b);
}

static void fail(struct batch *b, enum protocol_error error, const char *text)
{
    call_fail(b->call, error, "%s", text);
    batch_free(b);
}

/* ---------------------------------------------------------------------------------- request -- */

/* A local part, or an address of the domain. */
static bool parse_one(const struct batch *b, const char *text, struct address *out,
                      const char **why)
{
    char whole[2 * ADDRESS_TEXT_MAX];
    struct smtp_path path;
    *why = "allowed: a local part, or an address of this domain";
    if (strlen(text) + strlen(b->domain) + 2 > sizeof(whole))
        return false;
    if (!route_parse_address(text, &path) || path.domain.len == 0) {
        snprintf(whole, sizeof(whole), "%s@%s", text, b->domain);
        if (!route_parse_address(whole, &path) || path.domain.len == 0)
            return false;
    }
    enum address_error error = address_canonical(path.local, path.quoted, path.domain, out);
    if (error != ADDRESS_OK)
        *why = address_error_text(error);
    struct span domain = address_domain(out);
    return error == ADDRESS_OK && domain.len == strlen(b->domain) &&
           memcmp(domain.at, b->domain, domain.len) == 0;
}

static bool read_addresses(struct batch *b, json_t *list, enum book_side side, char **wrong)
{
    size_t i;
    json_t *item;
    const char *why;
    b->changes = memory_new(json_array_size(list), sizeof(*b->changes));
    json_array_foreach (list, i, item) {
        struct change *c = &b->changes[b->count];
        if (!parse_one(b, json_string_value(item), &c->address, &why)) {
            if (asprintf(wrong, "'%.100s': %s", json_string_value(item), why) < 0)
                *wrong = memory_must(NULL);
            return false;
        }
        c->side = side;
        b->count++;
    }
    return true;
}

static const struct roster *find_roster(const struct control *c, const char *domain)
{
    const struct snapshot *s = reload_snapshot(c->reload);
    return directory_find((struct directory_of){s->domains, s->directory},
                          (struct span){domain, strlen(domain)});
}

static void receive(struct control *c, struct call *call, const char *verb, enum book_side side)
{
    const char *name;
    char *wrong = NULL;
    json_t *list;
    bool dry = false, wait = false;
    if (!call_text(call, "domain", true, &name) || !call_texts(call, "addresses", &list) ||
        !call_flag(call, "dry_run", &dry) || !call_flag(call, "wait", &wait))
        return;
    struct batch *b = memory_new(1, sizeof(*b));
    *b = (struct batch){.call = call, .verb = verb, .dry = dry, .wait = wait};
    uint16_t len;
    struct span text = {name, strlen(name)};
    if (address_domain_canonical(text, b->domain, &len) != ADDRESS_OK ||
        find_roster(c, b->domain) == NULL) {
        call_fail(call, PROTOCOL_NOT_FOUND, "there is no [domain %.100s]", name);
        batch_free(b);
        return;
    }
    if (!read_addresses(b, list, side, &wrong)) {
        fail(b, PROTOCOL_BAD_REQUEST, wrong);
        free(wrong);
        return;
    }
    STAILQ_INSERT_TAIL(&c->batches->queue, b, entry);
}

void batch_add(void *user, struct call *call)
{
    receive(user, call, "add", BOOK_LOCAL);
}

void batch_remove(void *user, struct call *call)
{
    receive(user, call, "remove", BOOK_NONE);
}

void batch_move(void *user, struct call *call)
{
    const char *to;
    if (!call_text(call, "to", true, &to))
        return;
    bool local = strcmp(to, "local") == 0;
    if (!local && strcmp(to, "external") != 0)
        call_fail(call, PROTOCOL_BAD_REQUEST, "\"to\" is '%.40s'; allowed: local, external", to);
    else
        receive(user, call, "move", local ? BOOK_LOCAL : BOOK_EXTERNAL);
}

/* ------------------------------------------------------------------------------------- work -- */

static void write_file(struct job *job)
{
    struct batch *b = CONTAINER_OF(job, struct batch, job);
    b->written = mailbox_file_prepare(b->path, b->domain, b->changes, b->count, &b->file, &b->why);
}

/* Who did what, in the log. */
static void note(struct control *c, const struct batch *b, const char *outcome)
{
    const struct ucred *who = peer_credentials(b->call->peer);
    const struct report *r = &b->report;
    control_say(c,
                "mailbox %s in %s by uid %u, pid %d: %u named, %lu added, %lu removed, %lu turned, "
                "generation %lu: %s",
                b->verb, b->domain, who->uid, who->pid, b->count, r->mailboxes_added,
                r->mailboxes_removed, r->mailboxes_turned, r->generation, outcome);
}

static void take_back(struct control *c, struct batch *b)
{
    struct report undone;
    (void)!change_apply(c->reload, b->undo, b->count, false, &undone);
    report_free(&undone);
}

/* What it would go back to. */
static void remember(struct batch *b, const struct roster *r)
{
    b->path = memory_copy_text(r->path, strlen(r->path));
    b->undo = memory_new(b->count, sizeof(*b->undo));
    for (uint32_t i = 0; i < b->count; i++) {
        const struct address *a = &b->changes[i].address;
        b->undo[i] = (struct change){*a, book_find(r->book, address_local(a)).side};
    }
}

/* A file that says nothing is refused at the next start: it looks like a failed export. */
static bool leaves_nothing(struct control *c, const struct batch *b, const struct roster *r)
{
    struct report would;
    bool good = change_apply(c->reload, b->changes, b->count, true, &would);
    uint64_t left = roster_count(r) + would.mailboxes_added - would.mailboxes_removed;
    report_free(&would);
    return good && left == 0;
}

/* In force, and its file begun. False: it is over. */
static bool begin(struct control *c, struct batch *b)
{
    const struct roster *r = find_roster(c, b->domain);
    if (r == NULL) {
        fail(b, PROTOCOL_NOT_FOUND, "its domain has just gone");
        return false;
    }
    if (leaves_nothing(c, b, r)) {
        fail(b, PROTOCOL_REFUSED, "the mailbox file would be empty, which no start accepts");
        return false;
    }
    remember(b, r);
    bool good = change_apply(c->reload, b->changes, b->count, b->dry, &b->report);
    if (!good) {
        fail(b, PROTOCOL_REFUSED, b->report.text);
        return false;
    }
    if (b->dry) {
        answer(b);
        return false;
    }
    call_progress(b->call, "in force as generation %lu; writing %s", b->report.generation, b->path);
    b->state = BATCH_WRITING;
    b->job = (struct job){.run = write_file, .priority = JOB_WAITED_FOR};
    reload_hold(c->reload, true);
    if (job_start(&b->job))
        return true;
    reload_hold(c->reload, false);
    take_back(c, b);
    note(c, b, "taken back: no thread for its file");
    fail(b, PROTOCOL_FAILED, "no thread can be had");
    return false;
}

/* The file is written, or not. */
static void finish(struct control *c, struct batch *b)
{
    reload_hold(c->reload, false);
    if (!b->written || !replacement_commit(&b->file, &b->why)) {
        take_back(c, b);
        note(c, b, "taken back");
        fail(b, PROTOCOL_FAILED, b->why);
        return;
    }
    note(c, b, "done");
    if (!b->wait) {
        answer(b);
        return;
    }
    b->state = BATCH_WAITING;
    if (reload_oldest_in_use(c->reload) < b->report.generation)
        call_progress(b->call, "on disk; waiting for transactions from before");
    STAILQ_INSERT_TAIL(&c->batches->waiting, b, entry);
}

static void serve_waiting(struct batches *all)
{
    uint64_t oldest = reload_oldest_in_use(all->control->reload);
    struct batch *b, *next;
    for (b = STAILQ_FIRST(&all->waiting); b != NULL; b = next) {
        next = STAILQ_NEXT(b, entry);
        if (oldest < b->report.generation)
            continue;
        STAILQ_REMOVE(&all->waiting, b, batch, entry);
        answer(b);
    }
}

void batches_poll(struct batches *all)
{
    struct control *c = all->control;
    struct batch *b;
    while ((b = STAILQ_FIRST(&all->queue)) != NULL) {
        if (b->state == BATCH_WRITING && !job_is_done(&b->job))
            break;
        if (b->state == BATCH_QUEUED && reload_is_due(c->reload))
            break;
        STAILQ_REMOVE_HEAD(&all->queue, entry);
        if (b->state == BATCH_WRITING)
            finish(c, b);
        else if (begin(c, b))
            STAILQ_INSERT_HEAD(&all->queue, b, entry);
    }
    serve_waiting(all);
}
