/* SPDX-License-Identifier: BSD-3-Clause */
/* The INI beside its domains becomes machine units; what does not fit together is an error. */
#include "app/settings.h"

#include <hs/hs.h>
#include <stdlib.h>
#include <string.h>

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A domain name of at least two labels, as it goes into EHLO and Received (RFC 5321 §4.1.2
 * `Domain`, hence A-labels only). */
static bool is_hostname(const char *text)
{
    size_t len = strlen(text), label = 0, dots = 0;
    bool letter = false;
    if (len == 0 || len > 253)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '.') {
            if (label == 0 || text[i - 1] == '-')
                return false;
            dots++;
            label = 0;
            letter = false;
            continue;
        }
        if (!is_letter_or_digit(c) && (c != '-' || label == 0))
            return false;
        letter = letter || c < '0' || c > '9';
        if (++label > 63)
            return false;
    }
    /* An all-numeric last label would be an address (RFC 3696 §2). */
    return dots > 0 && label > 0 && letter && text[len - 1] != '-';
}

#define CONTROL_PATH_MAX 107 /* of sun_path, with its NUL 108 */
#define MAX_LCORES       1024

/* The lcores of "2-5" or "2,4,6-7"; 0 if it is no such list. */
static unsigned long count_lcores(const char *text)
{
    unsigned long cores = 0;
    size_t len;
    for (const char *cursor = text, *item; (item = config_list_next(&cursor, &len)) != NULL;) {
        char *end;
        if (*item < '0' || *item > '9')
            return 0;
        unsigned long from = strtoul(item, &end, 10), to = from;
        if (*end == '-' && end[1] >= '0' && end[1] <= '9')
            to = strtoul(end + 1, &end, 10);
        if (end != item + len || to < from || to >= MAX_LCORES)
            return 0;
        cores += to - from + 1;
    }
    return cores;
}

/* A single number is a count, anything else a list of lcores; 0 if it is neither. */
static unsigned long count_workers(const char *text)
{
    if (text[strspn(text, "0123456789")] != '\0')
        return count_lcores(text);
    unsigned long count = strtoul(text, NULL, 10);
    return count <= MAX_LCORES ? count : 0;
}

/* An absolute path that a Unix socket's address has room for, or "none". */
static void judge_control(struct settings *s, const struct config_section *c,
                          struct config_errors *errors)
{
    const char *path = config_text(c, "control"), *mode = config_text(c, "control_mode");
    char *end;
    if (strcmp(path, "none") != 0)
        s->control = path;
    if (s->control != NULL && (path[0] != '/' || strlen(path) > CONTROL_PATH_MAX))
        config_error(errors, c, "control",
                     "'%.120s' is no absolute path of at most %d bytes; allowed: one, or none",
                     path, CONTROL_PATH_MAX);
    s->control_mode = (unsigned)strtoul(mode, &end, 8);
    if (mode[0] < '0' || mode[0] > '7' || *end != '\0' || s->control_mode > 0777)
        config_error(errors, c, "control_mode",
                     "'%.40s' is no mode; allowed: an octal number such as 0660", mode);
}

static void judge_appliance(struct settings *s, const struct config *config,
                            struct config_errors *errors)
{
    const struct config_section *c = config_section(config, "appliance", 0);
    const char *hostname = config_text(c, "hostname");
    if (hostname != NULL && !is_hostname(hostname))
        config_error(errors, c, "hostname",
                     "'%.80s' is not a host name; allowed: a full domain name in letters, digits "
                     "and hyphens, such as mx1.example.net",
                     hostname);
    else if (hostname != NULL)
        strcpy(s->hostname, hostname);

    s->workers = 1;
    const char *workers = config_text(c, "workers");
    unsigned long count = count_workers(workers);
    if (count == 0)
        config_error(errors, c, "workers",
                     "'%.80s' is neither a count nor a list of lcores such as 2-5", workers);
    else if (count > 1)
        config_error(errors, c, "workers",
                     "'%.80s' means %lu workers; allowed: one, until packets can be handed from "
                     "one worker to another",
                     workers, count);
    s->idle_sleep = strcmp(config_text(c, "idle"), "sleep") == 0;
    s->shutdown_timeout = config_duration(c, "shutdown_timeout");
    s->resolve_interval = config_duration(c, "resolve_interval");
    s->fleet_key = config_text(c, "fleet_key");
    if (s->fleet_key != NULL && strlen(s->fleet_key) < SETTINGS_MIN_FLEET_KEY)
        config_error(errors, c, "fleet_key", "has %zu characters; allowed: %u or more",
                     strlen(s->fleet_key), SETTINGS_MIN_FLEET_KEY);
    judge_control(s, c, errors);
}

static void judge_limits(struct settings *s, const struct config *config,
                         struct config_errors *errors)
{
    const struct config_section *memory = config_section(config, "memory", 0);
    const struct config_section *message = config_section(config, "message", 0);
    const struct config_section *destinations = config_section(config, "destinations", 0);
    s->hugepages = config_bool(memory, "hugepages");
    s->budget = config_size(memory, "budget");
    s->max_sessions = (uint32_t)config_number(memory, "max_sessions");
    s->max_transactions = (uint32_t)config_number(memory, "max_transactions");
    s->max_connections = (uint32_t)config_number(memory, "max_connections");
    s->max_recipients = (uint32_t)config_number(memory, "max_recipients");
    s->memo_entries = (uint32_t)config_number(memory, "memo_entries");
    s->max_size = config_size(message, "max_size");
    s->replay_bytes = config_size(message, "replay_bytes");
    s->hop_limit = (uint32_t)config_number(message, "hop_limit");
    s->recipients_per_message = (uint32_t)config_number(message, "recipients");
    s->max_legs = (uint32_t)config_number(message, "max_legs");
    if (strcmp(config_text(message, "multi_route"), "serialize") == 0)
        s->max_legs = 1;
    s->commit_local_first = strcmp(config_text(message, "commit_order"), "local") == 0;
    s->destination_connections = (uint32_t)config_number(destinations, "connections");
    s->fair_share = (uint32_t)config_number(destinations, "fair_share");
    s->max_leg_errors = (uint32_t)config_number(destinations, "max_leg_errors");
    if (s->max_transactions > s->max_sessions)
        s->max_transactions = s->max_sessions; /* each is a session's */
    if (s->max_sessions >= s->max_connections)
        config_error(errors, memory, "max_sessions",
                     "%u sessions are a connection each, and leave none of max_connections (%u) "
                     "for destinations",
                     s->max_sessions, s->max_connections);
    if (s->max_recipients < s->recipients_per_message)
        config_error(errors, memory, "max_recipients",
                     "%u is less than one message may have ([message] recipients is %u)",
                     s->max_recipients, s->recipients_per_message);
}

static void judge_timeouts(struct settings *s, const struct config *config,
                           struct config_errors *errors)
{
    const struct config_section *c = config_section(config, "timeouts", 0);
    s->client_command = config_duration(c, "client_command");
    s->connect = config_duration(c, "connect");
    s->rcpt = config_duration(c, "rcpt");
    s->data = config_duration(c, "data");
    s->body_stall = config_duration(c, "body_stall");
    s->leg_stall = config_duration(c, "leg_stall");
    s->commit = config_duration(c, "commit");
    s->hint_ttl = config_duration(c, "hint_ttl");
    s->memo_ttl = config_duration(c, "memo_ttl");
    s->pool_idle = config_duration(c, "pool_idle");
    if (s->leg_stall > s->body_stall)
        s->leg_stall = s->body_stall;
    if (s->connect > s->rcpt)
        config_error(errors, c, "connect",
                     "is longer than rcpt, which includes it; allowed: up to rcpt");
}

/* One that could not be compiled later must not be found out later. */
static void judge_expression(struct settings *s, const struct config *config,
                             struct config_errors *errors)
{
    const struct config_section *c = config_section(config, "destinations", 0);
    s->infrastructure_reject = config_text(c, "infrastructure_reject");
    if (s->infrastructure_reject == NULL)
        return;
    hs_database_t *database = NULL;
    hs_compile_error_t *why = NULL;
    if (hs_compile(s->infrastructure_reject, HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH, HS_MODE_BLOCK,
                   NULL, &database, &why) != HS_SUCCESS) {
        config_error(errors, c, "infrastructure_reject", "is not an expression: %s", why->message);
        hs_free_compile_error(why);
        return;
    }
    hs_free_database(database);
}

/* The host part of an IPv4 network is all zeroes or all ones: nobody's address (RFC 1122
 * §3.2.1.3). /31 and /32 have no such thing (RFC 3021). */
static bool is_edge_of(const struct ip_prefix *net, const struct ip_addr *a)
{
    if (!ip_addr_is_v4(a) || net->len >= 127)
        return false;
    uint32_t host = __builtin_bswap32(ip_addr_to_v4(a)) & (UINT32_MAX >> (net->len - 96));
    return host == 0 || host == UINT32_MAX >> (net->len - 96);
}

/* Why an address cannot be a host's own on that network; NULL if it can. */
static const char *unusable(const struct ip_prefix *net, const struct ip_addr *a)
{
    const char *why = ip_addr_no_host(a);
    if (why == NULL && net != NULL && is_edge_of(net, a))
        return "is its network's own or broadcast address";
    return why;
}

static const struct port_settings *owner_of(const struct settings *s, const struct ip_addr *a)
{
    for (unsigned p = 0; p < s->port_count; p++)
        for (unsigned i = 0; i < s->ports[p].address_count; i++)
            if (ip_addr_equal(&s->ports[p].addresses[i], a))
                return &s->ports[p];
    return NULL;
}

static void judge_address(const struct settings *s, struct port_settings *port, const char *text,
                          size_t len, struct config_errors *errors)
{
    const char *slash = memchr(text, '/', len);
    struct ip_addr address;
    struct ip_prefix network;
    if (slash == NULL || !ip_addr_parse(text, (size_t)(slash - text), &address) ||
        !ip_prefix_parse(text, len, false, &network)) {
        config_error(errors, port->section, "address",
                     "'%.*s' is not an address with the length of its network, such as "
                     "192.0.2.25/24 or 2001:db8::25/64",
                     (int)(len > 80 ? 80 : len), text);
        return;
    }
    const char *why = unusable(&network, &address);
    if (why == NULL && ip_addr_is_link_local(&address))
        why = "is link-local: the port makes that address itself";
    if (why != NULL)
        config_error(errors, port->section, "address", "%.*s %s", (int)len, text, why);
    else if (owner_of(s, &address) != NULL)
        config_error(errors, port->section, "address", "%.*s is already on [port %s]", (int)len,
                     text, owner_of(s, &address)->name);
    else if (port->address_count == SETTINGS_MAX_ADDRESSES)
        config_error(errors, port->section, "address", "%.*s is one too many; allowed: %u",
                     (int)len, text, SETTINGS_MAX_ADDRESSES);
    else {
        port->networks[port->address_count] = network;
        port->addresses[port->address_count++] = address;
    }
}

bool settings_has_ipv6(const struct port_settings *port)
{
    for (unsigned i = 0; i < port->address_count; i++)
        if (!ip_addr_is_v4(&port->addresses[i]))
            return true;
    return false;
}

static void judge_gateway(const struct settings *s, struct port_settings *port, const char *text,
                          size_t len, struct config_errors *errors)
{
    struct ip_addr gateway;
    int shown = (int)(len > 80 ? 80 : len);
    if (!ip_addr_parse(text, len, &gateway)) {
        config_error(errors, port->section, "gateway",
                     "'%.*s' is not an address; allowed: one of IPv4, one of IPv6", shown, text);
        return;
    }
    struct ip_addr *place = ip_addr_is_v4(&gateway) ? &port->gateway4 : &port->gateway6;
    const struct ip_prefix *network = NULL;
    for (unsigned i = 0; i < port->address_count; i++)
        if (ip_prefix_contains(&port->networks[i], &gateway))
            network = &port->networks[i];
    const char *why = unusable(network, &gateway);
    if (why != NULL)
        config_error(errors, port->section, "gateway", "%.*s %s", shown, text, why);
    else if (owner_of(s, &gateway) != NULL)
        config_error(errors, port->section, "gateway", "%.*s is our own address", shown, text);
    else if (network == NULL && !(ip_addr_is_link_local(&gateway) && settings_has_ipv6(port)))
        config_error(errors, port->section, "gateway", "%.*s is in no network of this port", shown,
                     text);
    else if (!ip_addr_is_any(place))
        config_error(errors, port->section, "gateway", "%.*s is a second one of its family", shown,
                     text);
    else
        *place = gateway;
}

static void judge_port(struct settings *s, const struct config_section *c,
                       struct config_errors *errors)
{
    if (s->port_count == SETTINGS_MAX_PORTS) {
        config_error(errors, c, NULL, "is one port too many; allowed: %u", SETTINGS_MAX_PORTS);
        return;
    }
    struct port_settings *port = &s->ports[s->port_count++];
    port->section = c;
    port->name = config_section_name(c);
    port->device = config_text(c, "device");
    port->mtu = (uint16_t)config_number(c, "mtu");
    for (unsigned i = 0; i + 1 < s->port_count; i++)
        if (port->device != NULL && s->ports[i].device != NULL &&
            strcmp(port->device, s->ports[i].device) == 0)
            config_error(errors, c, "device", "%.80s is already the device of [port %s]",
                         port->device, s->ports[i].name);
    const char *cursor = config_text(c, "address"), *item;
    size_t len;
    while (cursor != NULL && (item = config_list_next(&cursor, &len)) != NULL)
        judge_address(s, port, item, len, errors);
    if (port->mtu != 0 && port->mtu < 1280 && settings_has_ipv6(port))
        config_error(errors, c, "mtu", "%u is too small for IPv6; allowed: at least 1280",
                     port->mtu);
    cursor = config_text(c, "gateway");
    while (cursor != NULL && (item = config_list_next(&cursor, &len)) != NULL)
        judge_gateway(s, port, item, len, errors);
}

bool network_list_has(const struct network_list *list, const struct ip_addr *a)
{
    for (unsigned i = 0; i < list->count; i++)
        if (ip_prefix_contains(&list->prefixes[i], a))
            return true;
    return false;
}

/* Whose word is taken for who a client is: never everybody's. */
static void judge_networks(struct network_list *list, const struct config_section *c,
                           const char *key, struct config_errors *errors)
{
    const char *cursor = config_text(c, key), *item;
    size_t len;
    while (cursor != NULL && (item = config_list_next(&cursor, &len)) != NULL) {
        struct ip_prefix prefix;
        int shown = (int)(len > 80 ? 80 : len);
        if (!ip_prefix_parse(item, len, true, &prefix))
            config_error(errors, c, key,
                         "'%.*s' is not a network; allowed: ADDRESS/LENGTH without bits beyond its "
                         "length, or ADDRESS",
                         shown, item);
        else if (prefix.len == 0 || (prefix.len == 96 && ip_addr_is_v4(&prefix.addr)))
            config_error(errors, c, key, "'%.*s' is everybody, who must not be trusted", shown,
                         item);
        else if (list->count == SETTINGS_MAX_NETWORKS)
            config_error(errors, c, key, "'%.*s' is one network too many; allowed: %u", shown, item,
                         SETTINGS_MAX_NETWORKS);
        else
            list->prefixes[list->count++] = prefix;
    }
}

static void judge_client_limits(struct settings *s, const struct config *config,
                                struct config_errors *errors)
{
    static const char *const rates[] = {
        [LIMIT_CONNECTION_RATE] = "connection_rate", [LIMIT_MESSAGE_RATE] = "message_rate",
        [LIMIT_RECIPIENT_RATE] = "recipient_rate",   [LIMIT_INVALID_RATE] = "invalid_rate",
        [LIMIT_ERROR_RATE] = "error_rate",
    };
    const struct config_section *c = config_section(config, "limits", 0);
    s->network_connections = (uint32_t)config_number(c, "connections");
    for (unsigned i = 0; i < COUNT_OF(rates); i++)
        s->network_rates[i] = (uint32_t)config_number(c, rates[i]);
    s->min_data_rate = (uint32_t)config_number(c, "min_data_rate");
    judge_networks(&s->limits_exempt, c, "exempt", errors);
}

/* RFC 3030 §3: what BINARYMIME sends goes by CHUNKING. */
static void judge_extensions(struct listener_settings *l, const struct config_section *c,
                             struct config_errors *errors)
{
    static const struct {
        enum smtp_extension extension;
        const char *key;
    } keys[] = {
        {SMTP_PIPELINING, "pipelining"},
        {SMTP_SIZE, "size"},
        {SMTP_8BITMIME, "8bitmime"},
        {SMTP_SMTPUTF8, "smtputf8"},
        {SMTP_DSN, "dsn"},
        {SMTP_ENHANCED_CODES, "enhancedstatuscodes"},
        {SMTP_LIMITS, "limits"},
        {SMTP_CHUNKING, "chunking"},
        {SMTP_BINARYMIME, "binarymime"},
    };
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (config_bool(c, keys[i].key))
            l->offers |= smtp_set(keys[i].extension);
    if ((l->offers & smtp_set(SMTP_BINARYMIME)) != 0 && (l->offers & smtp_set(SMTP_CHUNKING)) == 0)
        config_error(errors, c, "binarymime", "needs chunking = yes (RFC 3030 section 3)");
    /* RFC 6531 §3.1 item 8. */
    if ((l->offers & smtp_set(SMTP_SMTPUTF8)) != 0 && (l->offers & smtp_set(SMTP_8BITMIME)) == 0)
        config_error(errors, c, "smtputf8", "needs 8bitmime = yes (RFC 6531 section 3.1)");
}

static void judge_listener(struct settings *s, const struct config_section *c,
                           struct config_errors *errors)
{
    if (s->listener_count == SETTINGS_MAX_LISTENERS) {
        config_error(errors, c, NULL, "is one listener too many; allowed: %u",
                     SETTINGS_MAX_LISTENERS);
        return;
    }
    const char *port = config_text(c, "port");
    if (port == NULL)
        return;
    struct listener_settings l = {.section = c,
                                  .name = config_section_name(c),
                                  .tcp_port = (uint16_t)config_number(c, "tcp_port")};
    while (l.port < s->port_count && strcmp(s->ports[l.port].name, port) != 0)
        l.port++;
    if (l.port == s->port_count) {
        config_error(errors, c, "port", "there is no [port %.80s]", port);
        return;
    }
    for (unsigned i = 0; i < s->listener_count; i++)
        if (s->listeners[i].port == l.port && s->listeners[i].tcp_port == l.tcp_port) {
            config_error(errors, c, "tcp_port", "%u on port %s is already taken by [listener %s]",
                         l.tcp_port, port, s->listeners[i].name);
            return;
        }
    judge_networks(&l.proxy_from, c, "proxy_from", errors);
    judge_networks(&l.xclient_from, c, "xclient_from", errors);
    judge_extensions(&l, c, errors);
    l.mend_newlines = strcmp(config_text(c, "bare_newline"), "repair") == 0;
    s->listeners[s->listener_count++] = l;
}

void settings_build(struct settings *s, const struct config *config, struct config_errors *errors)
{
    const struct config_section *c;
    memset(s, 0, sizeof(*s));
    judge_appliance(s, config, errors);
    judge_limits(s, config, errors);
    judge_timeouts(s, config, errors);
    judge_expression(s, config, errors);
    judge_client_limits(s, config, errors);
    bool newreno =
        strcmp(config_text(config_section(config, "tcp", 0), "congestion"), "newreno") == 0;
    s->congestion = newreno ? CONGESTION_NEWRENO : CONGESTION_CUBIC;
    s->log_file = config_text(config_section(config, "log", 0), "file");
    for (unsigned i = 0; (c = config_section(config, "port", i)) != NULL; i++)
        judge_port(s, c, errors);
    for (unsigned i = 0; (c = config_section(config, "listener", i)) != NULL; i++)
        judge_listener(s, c, errors);
}
