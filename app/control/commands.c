/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions to the appliance, and their answers. */
#include "app/control/commands.h"

#include <string.h>
#include <time.h>

#include "app/control/batch.h"
#include "app/control/context.h"
#include "app/control/domain_switch.h"
#include "app/control/statistics.h"
#include "app/route/explain.h"
#include "app/route/tables.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* ------------------------------------------------------------------------------------ status -- */

/* The state of a probe, as worker 0 has it; all learn the same sooner or later. */
static const char *probe_state(const struct control *c, unsigned probe)
{
    const struct probe_list *list = publisher_current(c->publisher)->probes[0];
    if (probe >= list->count || list->health[probe] == NULL)
        return "unverified";
    return health_state_text(__atomic_load_n(&list->health[probe]->state, __ATOMIC_RELAXED));
}

/* Each address of the servers, as worker 0 has found it; all find the same sooner or later. */
static json_t *addresses_json(const struct control *c, const struct servers *servers,
                              enum smtp_identity_kind identity)
{
    struct targets t;
    char text[ADDR_TEXT_SIZE];
    json_t *list = json_array();
    relay_targets(worker_relay(c->workers[0]), servers, identity, &t);
    for (unsigned i = 0; i < t.count; i++) {
        json_t *o = json_object();
        json_object_set_new(o, "address", json_string(endpoint_format(&t.list[i].at, text)));
        json_object_set_new(o, "priority", number(t.list[i].priority));
        json_object_set_new(o, "weight", number(t.list[i].weight));
        json_object_set_new(o, "state", json_string(target_state_text(t.list[i].state)));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *hop_json(const struct control *c, const struct next_hop *hop)
{
    char text[SERVERS_TEXT_SIZE];
    json_t *o = json_object();
    json_object_set_new(o, "server", json_string(servers_format(hop->servers, text)));
    json_object_set_new(o, "addresses", addresses_json(c, hop->servers, hop->identity));
    json_object_set_new(o, "side", json_string(side_text(hop->side)));
    if (hop->probe == ROUTE_NO_PROBE)
        return o;
    const struct probe_target *target = snapshot_probe(reload_snapshot(c->reload), hop->probe);
    if (target != NULL && target->recipient[0] != '\0')
        json_object_set_new(o, "verification_address", json_string(target->recipient));
    json_object_set_new(o, "state", json_string(probe_state(c, hop->probe)));
    return o;
}

static json_t *worker_json(const struct worker *w)
{
    struct relay_usage usage = relay_usage(worker_relay(w));
    json_t *o = json_object();
    json_object_set_new(o, "oldest_generation", number(worker_oldest_generation(w)));
    json_object_set_new(o, "sessions", number(usage.sessions));
    json_object_set_new(o, "transactions", number(usage.transactions));
    json_object_set_new(o, "connections", number(usage.connections));
    json_object_set_new(o, "messages", number(relay_counters(worker_relay(w))[RELAY_MESSAGES]));
    json_object_set_new(o, "alarms", number(relay_counters(worker_relay(w))[RELAY_ALARMS]));
    return o;
}

static json_t *external_servers(const struct control *c)
{
    const struct domains *d = reload_snapshot(c->reload)->domains;
    char text[SERVERS_TEXT_SIZE];
    json_t *list = json_array();
    for (unsigned i = 0; i < d->probe_count; i++) {
        const struct probe_target *target = &d->probes[i].target;
        if (!d->probes[i].used)
            continue;
        json_t *o = json_object();
        json_object_set_new(o, "server", json_string(servers_format(&target->servers, text)));
        json_object_set_new(o, "verification_address", json_string(target->recipient));
        json_object_set_new(o, "state", json_string(probe_state(c, i)));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *extensions_json(smtp_extension_set set)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < SMTP_EXTENSION_COUNT; i++)
        if ((set & smtp_set(i)) != 0)
            json_array_append_new(list, json_string(smtp_extension_keyword(i)));
    return list;
}

/* What destinations offer, as worker 0 has heard it; all hear the same sooner or later. */
static json_t *destinations(const struct control *c)
{
    struct relay_offer offer;
    json_t *list = json_array();
    for (unsigned i = 0; relay_offer(worker_relay(c->workers[0]), i, &offer); i++) {
        json_t *o = json_object();
        json_object_set_new(o, "server", json_string(offer.server));
        json_object_set_new(o, "addresses", addresses_json(c, offer.servers, offer.identity));
        json_object_set_new(o, "degraded", json_boolean(offer.degraded));
        if (offer.known) {
            json_object_set_new(o, "offers", extensions_json(offer.offers));
            json_object_set_new(o, "size_limit", number(offer.size_limit));
            json_object_set_new(o, "lacks", extensions_json(relay_lacking(c->settings, &offer)));
        }
        json_array_append_new(list, o);
    }
    return list;
}

static void do_status(void *user, struct call *call)
{
    const struct control *c = user;
    const struct snapshot *s = reload_snapshot(c->reload);
    const struct reload_state state = reload_state(c->reload);
    json_t *o = json_object(), *workers = json_array();
    json_object_set_new(o, "program", json_string("splitmx " SPLITMX_VERSION));
    json_object_set_new(o, "hostname", json_string(c->settings->hostname));
    json_object_set_new(o, "uptime", number((uint64_t)time(NULL) - c->started));
    json_object_set_new(o, "generation", number(state.generation));
    json_object_set_new(o, "reloading", json_boolean(state.reloading));
    json_object_set_new(o, "changes_not_compiled", number(state.overlay));
    json_object_set_new(o, "compiling", json_boolean(state.folding));
    json_object_set_new(o, "within_move_grace", number(state.grace));
    json_object_set_new(o, "oldest_generation", number(reload_oldest_in_use(c->reload)));
    json_object_set_new(o, "directory_bytes", number(state.directory_bytes));
    json_object_set_new(o, "domains", number(snapshot_domain_count(s)));
    json_object_set_new(o, "mailboxes", number(snapshot_mailbox_count(s)));
    for (unsigned w = 0; w < c->worker_count; w++)
        json_array_append_new(workers, worker_json(c->workers[w]));
    json_object_set_new(o, "workers", workers);
    json_object_set_new(o, "external_servers", external_servers(c));
    json_object_set_new(o, "destinations", destinations(c));
    call_answer(call, o);
}

static void do_counters(void *user, struct call *call)
{
    call_answer(call, stats_json(statistics(user)));
}

/* ------------------------------------------------------------------------------------- route -- */

/* JSON texts are UTF-8; a rule may have been cut inside a character. */
static json_t *text_json(const char *text)
{
    json_t *whole = json_string(text);
    for (size_t len = strlen(text); whole == NULL && len > 0; len--)
        whole = json_stringn(text, len - 1);
    return whole;
}

static json_t *explanation_json(const struct control *c, const char *address,
                                const struct ip_addr *client)
{
    struct explanation e;
    const struct snapshot *s = reload_snapshot(c->reload);
    route_explain(s, snapshot_control_scratch(s), address, client, &e);
    json_t *o = json_object();
    json_object_set_new(o, "address", json_string(address));
    json_object_set_new(o, "verdict", json_string(verdict_text(e.route.verdict)));
    json_object_set_new(o, "rule", text_json(e.route.rule));
    if (e.canonical[0] != '\0')
        json_object_set_new(o, "canonical", json_string(e.canonical));
    if (e.domain[0] != '\0')
        json_object_set_new(o, "domain", json_string(e.domain));
    if (client != NULL)
        json_object_set_new(o, "client_side", json_string(side_text(e.route.from)));
    if (e.file != NULL)
        json_object_set_new(o, "file", text_json(e.file));
    if (e.line > 0)
        json_object_set_new(o, "line", number(e.line));
    if (e.route.hop_count > 0)
        json_object_set_new(o, "next_hop", hop_json(c, &e.route.hops[0]));
    return o;
}

static void do_route(void *user, struct call *call)
{
    json_t *addresses, *address, *list = json_array();
    const char *client = NULL;
    struct ip_addr from;
    size_t i;
    if (!call_texts(call, "addresses", &addresses) || !call_text(call, "client", false, &client)) {
        json_decref(list);
        return;
    }
    if (client != NULL && !ip_addr_parse(client, strlen(client), &from)) {
        json_decref(list);
        call_fail(call, PROTOCOL_BAD_REQUEST, "\"client\" is no address: '%.60s'", client);
        return;
    }
    json_array_foreach (addresses, i, address)
        json_array_append_new(list, explanation_json(user, json_string_value(address),
                                                     client != NULL ? &from : NULL));
    json_t *o = json_object();
    json_object_set_new(o, "routes", list);
    call_answer(call, o);
}

/* ----------------------------------------------------------------------------------- domains -- */

static json_t *domain_json(const struct control *c, const struct domain *d)
{
    const struct snapshot *s = reload_snapshot(c->reload);
    const struct roster *r = domain_is_default(d)
                                 ? NULL
                                 : directory_find((struct directory_of){s->domains, s->directory},
                                                  (struct span){d->name, d->name_len});
    json_t *o = json_object();
    json_object_set_new(o, "domain", json_string(d->name));
    json_object_set_new(o, "split_domain_routing", json_boolean(d->split));
    if (!domain_is_default(d))
        json_object_set_new(o, "mailbox_server", hop_json(c, &d->local));
    if (d->split || domain_is_default(d))
        json_object_set_new(o, "external_mail_server", hop_json(c, &d->external));
    if (r != NULL) {
        json_object_set_new(o, "mailboxes", text_json(r->path));
        json_object_set_new(o, "entries", number(roster_count(r)));
    }
    return o;
}

static void do_domain_list(void *user, struct call *call)
{
    const struct control *c = user;
    const struct domains *d = reload_snapshot(c->reload)->domains;
    json_t *list = json_array(), *o = json_object();
    for (unsigned i = 0; i < d->count; i++)
        json_array_append_new(list, domain_json(c, &d->list[i]));
    json_object_set_new(o, "domains", list);
    call_answer(call, o);
}

static void do_domain_show(void *user, struct call *call)
{
    const struct control *c = user;
    const struct domains *d = reload_snapshot(c->reload)->domains;
    char name[ADDRESS_DOMAIN_MAX + 1];
    const char *text;
    uint16_t len;
    if (!call_text(call, "domain", true, &text))
        return;
    const struct domain *found = NULL;
    if (strcmp(text, "*") == 0)
        found = d->fallback;
    else if (address_domain_canonical((struct span){text, strlen(text)}, name, &len) == ADDRESS_OK)
        found = domains_find(d, (struct span){name, len});
    if (found != NULL)
        call_answer(call, domain_json(c, found));
    else
        call_fail(call, PROTOCOL_NOT_FOUND, "there is no [domain %.100s]", text);
}

/* ------------------------------------------------------------------------------------ reload -- */

static void on_reloaded(void *context, const struct report *report)
{
    struct call *call = context;
    if (!report->done) {
        call_fail(call, PROTOCOL_REFUSED, "generation %lu stays in force: %s", report->generation,
                  report->text);
        return;
    }
    json_t *o = json_object();
    json_object_set_new(o, "generation", number(report->generation));
    json_object_set_new(o, "domains_added", number(report->domains_added));
    json_object_set_new(o, "domains_removed", number(report->domains_removed));
    json_object_set_new(o, "mailboxes_added", number(report->mailboxes_added));
    json_object_set_new(o, "mailboxes_removed", number(report->mailboxes_removed));
    json_object_set_new(o, "mailboxes_turned", number(report->mailboxes_turned));
    json_object_set_new(o, "notes", text_json(report->text));
    call_answer(call, o);
}

static void do_reload(void *user, struct call *call)
{
    struct control *c = user;
    struct reload_options options = {0};
    if (!call_flag(call, "force", &options.force_shrink))
        return;
    const struct ucred *who = peer_credentials(call->peer);
    control_say(c, "reload asked for by uid %u, pid %d%s", who->uid, who->pid,
                options.force_shrink ? ", max_shrink aside" : "");
    reload_start(c->reload, &options, on_reloaded, call);
}

void commands_init(struct protocol *p, struct control *control)
{
    static const struct protocol_command commands[] = {
        {"status", do_status, {NULL}},
        {"counters", do_counters, {NULL}},
        {"route", do_route, {"addresses", "client"}},
        {"domain-list", do_domain_list, {NULL}},
        {"domain-show", do_domain_show, {"domain"}},
        {"reload", do_reload, {"force"}},
        {"domain-split", domain_switch, {"domain", "on", "dry_run"}},
        {"mailbox-add", batch_add, {"domain", "addresses", "dry_run", "wait"}},
        {"mailbox-remove", batch_remove, {"domain", "addresses", "dry_run", "wait"}},
        {"mailbox-move", batch_move, {"domain", "addresses", "to", "dry_run", "wait"}},
    };
    *p = (struct protocol){
        .commands = commands,
        .command_count = sizeof(commands) / sizeof(commands[0]),
        .user = control,
    };
}
