/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers of the control socket, for people. */
#include "app/splitmxctl/print.h"

#include <string.h>

static const char *text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value != NULL ? value : "-";
}

static json_int_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* A list of words; with the server's limit behind SIZE. */
static void print_words(const json_t *list, json_int_t size_limit, FILE *out)
{
    size_t i;
    json_t *word;
    json_array_foreach (list, i, word) {
        fprintf(out, " %s", json_string_value(word));
        if (size_limit > 0 && strcmp(json_string_value(word), "SIZE") == 0)
            fprintf(out, "=%" JSON_INTEGER_FORMAT, size_limit);
    }
}

/* Each address on a line of its own, with `before` before it. */
static void print_addresses(const json_t *server, const char *before, FILE *out)
{
    size_t i;
    json_t *a, *list = json_object_get(server, "addresses");
    if (json_is_array(list) && json_array_size(list) == 0)
        fprintf(out, "%sno address is known", before);
    json_array_foreach (list, i, a)
        fprintf(out, "%s%s priority %" JSON_INTEGER_FORMAT " weight %" JSON_INTEGER_FORMAT ": %s",
                before, text(a, "address"), number(a, "priority"), number(a, "weight"),
                text(a, "state"));
}

static void print_destination(const json_t *d, FILE *out)
{
    const json_t *offers = json_object_get(d, "offers"), *lacks = json_object_get(d, "lacks");
    fprintf(out, "destination %s:", text(d, "server"));
    if (offers == NULL)
        fprintf(out, " has not said yet what it offers");
    else if (json_array_size(offers) == 0)
        fprintf(out, " offers no extension");
    else
        print_words(offers, number(d, "size_limit"), out);
    if (json_array_size(lacks) > 0) {
        fprintf(out, "; lacks of what we offer:");
        print_words(lacks, number(d, "size_limit"), out);
    }
    if (json_is_true(json_object_get(d, "degraded")))
        fprintf(out, "; degraded: it refuses this relay");
    print_addresses(d, "\n  ", out);
    fprintf(out, "\n");
}

void print_status(const json_t *answer, FILE *out)
{
    size_t i;
    json_t *item;
    json_int_t now = number(answer, "generation"), oldest = number(answer, "oldest_generation");
    fprintf(out, "%s on %s, up %" JSON_INTEGER_FORMAT " s\n", text(answer, "program"),
            text(answer, "hostname"), number(answer, "uptime"));
    fprintf(out,
            "generation %" JSON_INTEGER_FORMAT ": %" JSON_INTEGER_FORMAT
            " domains, %" JSON_INTEGER_FORMAT " mailboxes",
            now, number(answer, "domains"), number(answer, "mailboxes"));
    if (number(answer, "changes_not_compiled") > 0)
        fprintf(out, ", %" JSON_INTEGER_FORMAT " changes not compiled yet",
                number(answer, "changes_not_compiled"));
    if (number(answer, "within_move_grace") > 0)
        fprintf(out, ", %" JSON_INTEGER_FORMAT " within move_grace",
                number(answer, "within_move_grace"));
    if (oldest < now)
        fprintf(out, "; open transactions back to generation %" JSON_INTEGER_FORMAT, oldest);
    fprintf(out, "\n");
    json_array_foreach (json_object_get(answer, "workers"), i, item)
        fprintf(out,
                "worker %zu: %" JSON_INTEGER_FORMAT " sessions, %" JSON_INTEGER_FORMAT
                " transactions, %" JSON_INTEGER_FORMAT
                " destination connections, %" JSON_INTEGER_FORMAT " messages, %" JSON_INTEGER_FORMAT
                " alarms\n",
                i, number(item, "sessions"), number(item, "transactions"),
                number(item, "connections"), number(item, "messages"), number(item, "alarms"));
    json_array_foreach (json_object_get(answer, "external_servers"), i, item)
        fprintf(out, "external server %s: %s%s%s\n", text(item, "server"), text(item, "state"),
                text(item, "verification_address")[0] != '\0' ? ", verified by " : "",
                text(item, "verification_address"));
    json_array_foreach (json_object_get(answer, "destinations"), i, item)
        print_destination(item, out);
}

static void print_hop(const json_t *hop, FILE *out)
{
    fprintf(out, "%s", text(hop, "server"));
    if (json_object_get(hop, "state") != NULL)
        fprintf(out, " (%s)", text(hop, "state"));
}

/* The same, and where it is. */
static void print_hop_long(const json_t *hop, FILE *out)
{
    print_hop(hop, out);
    print_addresses(hop, "\n    ", out);
    fprintf(out, "\n");
}

void print_routes(const json_t *answer, FILE *out)
{
    size_t i;
    json_t *r;
    json_array_foreach (json_object_get(answer, "routes"), i, r) {
        fprintf(out, "%s\n  canonical  %s\n  domain     %s\n  rule       %s", text(r, "address"),
                text(r, "canonical"), text(r, "domain"), text(r, "rule"));
        if (json_object_get(r, "line") != NULL)
            fprintf(out, " (%s:%" JSON_INTEGER_FORMAT ")", text(r, "file"), number(r, "line"));
        else if (json_object_get(r, "file") != NULL)
            fprintf(out, " (entered since %s was read)", text(r, "file"));
        if (json_object_get(r, "client_side") != NULL)
            fprintf(out, "\n  client     %s", text(r, "client_side"));
        fprintf(out, "\n  verdict    %s\n  next hop   ", text(r, "verdict"));
        print_hop_long(json_object_get(r, "next_hop"), out);
    }
}

void print_domain(const json_t *d, FILE *out)
{
    fprintf(out, "%s\n  split domain routing  %s\n", text(d, "domain"),
            json_is_true(json_object_get(d, "split_domain_routing")) ? "on" : "off");
    if (json_object_get(d, "mailbox_server") != NULL) {
        fprintf(out, "  mailbox server        ");
        print_hop_long(json_object_get(d, "mailbox_server"), out);
    }
    if (json_object_get(d, "external_mail_server") != NULL) {
        fprintf(out, "  external mail server  ");
        print_hop_long(json_object_get(d, "external_mail_server"), out);
    }
    if (json_object_get(d, "mailboxes") != NULL)
        fprintf(out, "  mailboxes             %" JSON_INTEGER_FORMAT " entries, %s\n",
                number(d, "entries"), text(d, "mailboxes"));
}

void print_domains(const json_t *answer, FILE *out)
{
    size_t i;
    json_t *d;
    fprintf(out, "%-40s %-5s %10s  %-24s %s\n", "domain", "split", "entries", "mailbox server",
            "external mail server");
    json_array_foreach (json_object_get(answer, "domains"), i, d) {
        fprintf(out, "%-40s %-5s %10" JSON_INTEGER_FORMAT "  %-24s ", text(d, "domain"),
                json_is_true(json_object_get(d, "split_domain_routing")) ? "on" : "off",
                number(d, "entries"), text(json_object_get(d, "mailbox_server"), "server"));
        print_hop(json_object_get(d, "external_mail_server"), out);
        fprintf(out, "\n");
    }
}

static void print_path(const char *path, const json_t *value, FILE *out)
{
    char longer[512];
    const char *name;
    json_t *member, *whole = (json_t *)value;
    if (json_is_object(value)) {
        json_object_foreach (whole, name, member) {
            snprintf(longer, sizeof(longer), "%s%s%s", path, path[0] != '\0' ? "." : "", name);
            print_path(longer, member, out);
        }
        return;
    }
    fprintf(out, "%s ", path);
    if (json_is_string(value))
        fputs(json_string_value(value), out);
    else
        json_dumpf(value, out, JSON_ENCODE_ANY | JSON_COMPACT);
    fputc('\n', out);
}

void print_members(const json_t *answer, FILE *out)
{
    print_path("", answer, out);
}
