/* SPDX-License-Identifier: BSD-3-Clause */
/* One key of one section of the configuration file, rewritten. */
#include "app/control/domain_switch.h"

#include <stdlib.h>
#include <string.h>

#include "app/control/context.h"
#include "app/control/replacement.h"
#include "app/route/address.h"
#include "app/route/tables.h"
#include "config/file.h"
#include "config/memory.h"

#define BLANKS        " \t\r\n"
#define FILE_MAX_SIZE ((size_t)64 << 20)

/* Does the line open [domain NAME]? */
static bool opens(const char *line, const char *domain)
{
    char canonical[ADDRESS_DOMAIN_MAX + 1];
    uint16_t len;
    const char *at = line + strspn(line, BLANKS);
    if (*at++ != '[')
        return false;
    at += strspn(at, BLANKS);
    if (strncmp(at, "domain", strlen("domain")) != 0)
        return false;
    at += strlen("domain");
    size_t blank = strspn(at, BLANKS);
    struct span name = {at + blank, strcspn(at + blank, "]" BLANKS)};
    return blank > 0 && address_domain_canonical(name, canonical, &len) == ADDRESS_OK &&
           strcmp(canonical, domain) == 0;
}

/* Where the value of the key stands in the line; NULL: this is not its line. */
static const char *value_of(const char *line, const char *key)
{
    const char *at = line + strspn(line, BLANKS);
    size_t len = strlen(key);
    if (strncmp(at, key, len) != 0)
        return NULL;
    at += len + strspn(at + len, BLANKS);
    return *at == '=' || *at == ':' ? at + 1 + strspn(at + 1, " \t") : NULL;
}

bool domain_switch_prepare(const char *path, const char *domain, const char *key, const char *value,
                           struct replacement *r, char **why)
{
    char *line = NULL;
    size_t room = 0;
    bool inside = false, done = false;
    if (!replacement_begin(r, path, why))
        return false;
    while (getline(&line, &room, r->old) > 0) {
        const char *old = inside ? value_of(line, key) : NULL;
        if (line[strspn(line, BLANKS)] == '[') {
            if (inside && !done) /* it stands in front of the next section, then */
                done = fprintf(r->fresh, "%s = %s\n", key, value) > 0;
            inside = opens(line, domain);
        }
        if (old != NULL) {
            fwrite(line, 1, (size_t)(old - line), r->fresh);
            fputs(value, r->fresh);
            fputs(old + strcspn(old, BLANKS), r->fresh);
            done = true;
        } else {
            fputs(line, r->fresh);
        }
    }
    free(line);
    if (inside && !done)
        done = fprintf(r->fresh, "\n%s = %s\n", key, value) > 0;
    if (!replacement_end(r, why))
        return false;
    if (!done) {
        replacement_discard(r);
        *why = memory_copy_text("its section is not in the file any more",
                                strlen("its section is not in the file any more"));
    }
    return done;
}

/* ----------------------------------------------------------------------------------- command -- */

struct request {
    struct control *control;
    struct call *call;
    char domain[ADDRESS_DOMAIN_MAX + 1];
    bool on;
    char *before; /* the file as it was */
    size_t before_len;
};

static void request_free(struct request *q)
{
    free(q->before);
    free(q);
}

static bool write_key(const struct request *q, char **why)
{
    struct replacement r;
    return domain_switch_prepare(q->control->config_path, q->domain, "split_domain_routing",
                                 q->on ? "yes" : "no", &r, why) &&
           replacement_commit(&r, why);
}

static bool put_back(const struct request *q, char **why)
{
    struct replacement r;
    if (!replacement_begin(&r, q->control->config_path, why))
        return false;
    fwrite(q->before, 1, q->before_len, r.fresh);
    return replacement_end(&r, why) && replacement_commit(&r, why);
}

static void on_reloaded(void *context, const struct report *report)
{
    struct request *q = context;
    const struct ucred *who = peer_credentials(q->call->peer);
    char *why = NULL;
    control_say(q->control, "split domain routing of %s %s by uid %u, pid %d: %s", q->domain,
                q->on ? "on" : "off", who->uid, who->pid, report->done ? "done" : "refused");
    if (report->done) {
        call_answer(q->call,
                    json_pack("{s:s, s:b, s:I}", "domain", q->domain, "split_domain_routing",
                              (int)q->on, "generation", (json_int_t)report->generation));
    } else if (put_back(q, &why)) {
        call_fail(q->call, PROTOCOL_REFUSED, "%s", report->text);
    } else {
        call_fail(q->call, PROTOCOL_FAILED, "%s; and the file could not be put back: %s",
                  report->text, why);
    }
    free(why);
    request_free(q);
}

static const struct domain *find(const struct control *c, const char *name, char *canonical)
{
    uint16_t len;
    if (address_domain_canonical((struct span){name, strlen(name)}, canonical, &len) != ADDRESS_OK)
        return NULL;
    return domains_find(reload_snapshot(c->reload)->domains, (struct span){canonical, len});
}

void domain_switch(void *user, struct call *call)
{
    static const struct reload_options careful = {0};
    struct control *c = user;
    const char *name;
    bool on = false, dry = false;
    char *why = NULL;
    if (!call_text(call, "domain", true, &name) || !call_flag(call, "on", &on) ||
        !call_flag(call, "dry_run", &dry))
        return;
    struct request *q = memory_new(1, sizeof(*q));
    *q = (struct request){.control = c, .call = call, .on = on};
    const struct domain *d = find(c, name, q->domain);
    if (d == NULL) {
        call_fail(call, PROTOCOL_NOT_FOUND, "there is no [domain %.100s]", name);
        request_free(q);
        return;
    }
    if (dry) {
        call_answer(call, json_pack("{s:s, s:b, s:b}", "domain", q->domain, "split_domain_routing",
                                    (int)d->split, "would_change", (int)(d->split != on)));
        request_free(q);
        return;
    }
    /* Whatever is in force: the file may say something else, which nobody has read yet. */
    q->before = file_read(c->config_path, FILE_MAX_SIZE, &q->before_len);
    if (q->before == NULL || !write_key(q, &why)) {
        call_fail(call, PROTOCOL_FAILED, "%s", why != NULL ? why : "the file cannot be read");
        free(why);
        request_free(q);
        return;
    }
    reload_start(c->reload, &careful, on_reloaded, q);
}
