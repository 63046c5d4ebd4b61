/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything that the INI says beside its domains, judged and in machine units. Built once at
 * start. */
#ifndef SPLITMX_SETTINGS_H
#define SPLITMX_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "app/smtp/command.h"
#include "config/config.h"
#include "drivers/base/addr.h"
#include "drivers/base/check.h"
#include "drivers/tcp/congestion.h"

#define SETTINGS_MAX_PORTS     16
#define SETTINGS_MAX_LISTENERS 64
#define SETTINGS_MAX_ADDRESSES 8
#define SETTINGS_MAX_NETWORKS  32
#define SETTINGS_MIN_FLEET_KEY 16 /* characters */

/* Networks of one key. */
struct network_list {
    unsigned count;
    struct ip_prefix prefixes[SETTINGS_MAX_NETWORKS];
};

bool network_list_has(const struct network_list *list, const struct ip_addr *a);

/* What a client's network may do in a minute. */
enum limit_rate {
    LIMIT_CONNECTION_RATE,
    LIMIT_MESSAGE_RATE,
    LIMIT_RECIPIENT_RATE,
    LIMIT_INVALID_RATE, /* recipients refused for good */
    LIMIT_ERROR_RATE,
    LIMIT_RATE_COUNT,
};

struct port_settings {
    const struct config_section *section;
    const char *name;
    const char *device;
    uint16_t mtu; /* 0: the device's */
    unsigned address_count;
    struct ip_addr addresses[SETTINGS_MAX_ADDRESSES];
    struct ip_prefix networks[SETTINGS_MAX_ADDRESSES];
    struct ip_addr gateway4, gateway6; /* all zeroes: none */
};

struct listener_settings {
    const struct config_section *section;
    const char *name;
    unsigned port; /* index of its port */
    uint16_t tcp_port;
    smtp_extension_set offers;        /* the extensions that clients are offered */
    bool mend_newlines;               /* bare CR and LF in content are repaired, not refused */
    struct network_list proxy_from;   /* load balancers: each begins with a PROXY header */
    struct network_list xclient_from; /* who may say XCLIENT */
};

/* Durations in nanoseconds. */
struct settings {
    char hostname[SMTP_DOMAIN_MAX + 1];
    unsigned workers;
    bool idle_sleep;
    uint64_t shutdown_timeout;
    uint64_t resolve_interval; /* of servers' names */
    const char *fleet_key;     /* of the marks that find loops; NULL: a process has its own */
    const char *control;       /* path of the control socket; NULL: none */
    unsigned control_mode;

    bool hugepages;
    uint64_t budget;           /* bytes of packet memory that connections of one worker may pin */
    uint32_t max_sessions;     /* client sessions per worker */
    uint32_t max_transactions; /* messages under way per worker, and connections for them */
    uint32_t max_connections;  /* TCP connections per worker, both directions */
    uint32_t memo_entries;     /* deliveries remembered per worker, of messages to several */
    uint32_t max_recipients;   /* in memory per worker, over all transactions */

    uint64_t max_size; /* SIZE: bytes of a message */
    uint64_t
        replay_bytes; /* a message is kept up to so many, for a leg that begins again; 0: none is */
    uint32_t recipients_per_message; /* at least 100 (RFC 5321 §4.5.3.1.8) */
    uint32_t hop_limit;              /* Received fields of a message, at most */
    uint32_t max_legs;       /* destinations of one transaction; 1: multi_route = serialize */
    bool commit_local_first; /* of a message to both sides; else external */

    /* [timeouts]: RFC 5321 §4.5.3.2 and DESIGN: time is a budget from the client's command */
    uint64_t client_command; /* between commands, and between two reads of content: 5 min */
    uint64_t connect;        /* TCP connect to a destination: 30 s, within rcpt */
    uint64_t rcpt;           /* 240 s, connect to MAIL included */
    uint64_t data;           /* 354 within 100 s */
    uint64_t body_stall;     /* a destination takes no content: 150 s */
    uint64_t leg_stall;      /* ... while another one could: 30 s, within body_stall */
    uint64_t commit;         /* the destination's answer to the end of data: 540 s */
    uint64_t hint_ttl;       /* a retry is known for a disagreement's: 4 h */
    uint64_t memo_ttl;       /* a delivery is remembered for its retry: 4 h */
    uint64_t pool_idle;      /* an idle destination connection is kept for: 10 s */

    uint32_t destination_connections; /* per worker and destination: 100 */
    uint32_t fair_share;              /* percent of them, of one client network or domain: 50 */
    uint32_t max_leg_errors;          /* refused recipients until a connection is given up: 5 */

    /* [limits]; 0: none */
    uint32_t network_connections; /* at once */
    uint32_t network_rates[LIMIT_RATE_COUNT];
    uint32_t min_data_rate; /* bytes of content in a second */
    struct network_list limits_exempt;

    enum congestion_algorithm congestion;

    const char *log_file;              /* NULL: standard error */
    const char *infrastructure_reject; /* NULL, or an expression on a destination's refusals */

    unsigned port_count;
    struct port_settings ports[SETTINGS_MAX_PORTS];
    unsigned listener_count;
    struct listener_settings listeners[SETTINGS_MAX_LISTENERS];
};

/* Does the port have an IPv6 address? */
bool settings_has_ipv6(const struct port_settings *port);

/* Every problem goes to errors. Strings point into config, which must outlive the settings. */
void settings_build(struct settings *s, const struct config *config, struct config_errors *errors);

#endif
