/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection: its control block, the flow table that finds it, and the lists that it is in.
 */
#ifndef SPLITMX_TCP_CONNECTION_H
#define SPLITMX_TCP_CONNECTION_H

#include <assert.h>
#include <sys/queue.h>

#include "drivers/ip/ip.h"
#include "drivers/stream.h"
#include "drivers/tcp/congestion.h"
#include "drivers/tcp/pace.h"
#include "drivers/tcp/path.h"
#include "drivers/tcp/recovery.h"
#include "drivers/tcp/recvq.h"
#include "drivers/tcp/rto.h"
#include "drivers/tcp/sendq.h"

struct tcp;
struct tcp_listener;

/* RFC 9293 §3.3.2. LISTEN is a struct tcp_listener, TIME-WAIT a struct timewait. */
enum connection_state {
    CONN_CLOSED,       /* free; or down, and the application has not let go of it yet */
    CONN_SYN_SENT,     /* we connect: our SYN is out. SYN-ACK -> ESTABLISHED, SYN -> SYN_RECEIVED */
    CONN_SYN_RECEIVED, /* our SYN-ACK is out. ACK -> ESTABLISHED */
    CONN_ESTABLISHED,  /* both sides may send. We close -> FIN_WAIT_1, FIN -> CLOSE_WAIT */
    CONN_FIN_WAIT_1,   /* we closed; our FIN is queued or out. Its ACK -> FIN_WAIT_2, FIN -> CLOSING
                        */
    CONN_FIN_WAIT_2,   /* our FIN is acknowledged. FIN -> TIME-WAIT; at most 60 s */
    CONN_CLOSE_WAIT,   /* the peer closed, we have not. We close -> LAST_ACK */
    CONN_CLOSING,      /* both closed, our FIN is not acknowledged. Its ACK -> TIME-WAIT */
    CONN_LAST_ACK,     /* the peer closed first, then we. The ACK of our FIN -> gone */
};

/*
 * The first four cache lines are what an ordinary segment touches, in either direction; the next
 * ones come in when something is measured or lost; behind them stands what changes seldom.
 */
struct tcp_connection {
    /* lines 0 and 1: identity, and what the application sees */
    struct stream stream;
    uint32_t hash;
    uint8_t state;   /* enum connection_state: changed by connection_set_state() only */
    uint8_t pending; /* enum stream_event: not delivered yet */
    uint8_t link;    /* of ip/ */
    uint8_t retries; /* timeouts since the peer last acknowledged something */
    struct tcp_connection *chain; /* flow table */
    struct tcp *tcp;

    /* line 2: receiving */
    struct recvq recvq;
    uint32_t rcv_edge; /* right edge of the window: what lies before it is promised to the peer */
    uint32_t ack_sent; /* RCV.NXT as last sent (Last.ACK.sent) */
    uint32_t snd_wnd;  /* SND.WND, scaled */
    uint32_t snd_wl1, snd_wl2;
    uint32_t snd_max_wnd; /* largest window that the peer ever offered */

    /* line 3: sending */
    struct sendq sendq;

    /* lines 4 to 9: loss, congestion, time */
    struct congestion congestion;
    struct recovery recovery;
    uint32_t ts_recent, ts_offset;
    nsec_t ts_recent_at;
    struct timer rexmit; /* see timers.h */
    struct timer delack;

    /* the rest of line 9 and on: flags, negotiated values, lists, rare timers */
    bool ts_ok, wscale_ok;
    uint8_t snd_wscale, rcv_wscale;
    bool syn_due;        /* SYN, or SYN-ACK, leaves at the next flush */
    bool ack_now;        /* an ACK leaves at the next flush */
    bool probe_due;      /* a segment that provokes an ACK leaves at the next flush */
    bool tail_probe_due; /* a tail loss probe, too (RFC 8985 §7) */
    bool ecn_ok;         /* both ends mark and obey (RFC 3168) */
    bool ece_due;        /* the peer has not heard yet that the network marked a segment of its */
    bool cwr_due;        /* the next new data says that we have slowed down */
    bool override_sws;   /* send what the window takes, however little (RFC 9293 §3.8.6.2.1) */
    bool fin_received;   /* the peer's FIN is in order and counted in RCV.NXT */
    bool fin_known;      /* a FIN has been seen at fin_seq, out of order */
    bool orphan;         /* the application has let go: nothing is delivered */
    bool accepting;      /* established, and not handed to its listener's callback yet */
    bool is_ready : 1, is_dirty : 1, is_starved : 1, is_hashed : 1;
    bool offload_checksum, offload_segmentation;
    uint8_t syns;       /* sent */
    uint8_t quick_syns; /* of those, after a RST of ours (see input.c, syn_sent) */
    bool syn_answered;  /* by such a peer: the next SYN is one of these, not a retry */
    uint8_t keepalives; /* probes without an answer */
    uint8_t quick_acks; /* segments to come that are acknowledged at once */
    uint16_t mtu;
    uint16_t mss;          /* payload of a full segment to the peer, without options */
    uint16_t max_segments; /* mbuf segments the link takes in a packet; 0: as many as it likes */
    uint16_t rcv_mss;      /* largest payload received so far: what the peer calls full */
    uint32_t iss, irs;
    uint32_t fin_seq;
    struct sack_block repeated; /* arrived twice, and the peer has not been told (RFC 2883 §4) */
    uint32_t life_una;          /* SND.UNA when `life` was armed */
    uint32_t promised;          /* buffers, of pools_promise() */
    uint32_t window_target;     /* bytes that we would have the peer send unread */
    uint32_t round_read;        /* bytes read in this round trip (window.h) */
    uint32_t round_prior;       /* round_read of the round trip before */
    uint32_t round_mark;        /* our timestamp clock when this one began */
    struct pmtu pmtu;
    struct rto rto;
    nsec_t last_received;
    nsec_t last_sent;              /* data */
    nsec_t challenged;             /* when the last challenge ACK, or answer to rubbish, went out */
    struct tcp_listener *listener; /* in SYN_RECEIVED and while `accepting`; NULL: we connected */
    nsec_t rto_at;                 /* when the retransmission timer expires */
    nsec_t tail_at;                /* when the tail is probed; UINT64_MAX: not */
    nsec_t reorder_at;             /* when patience with reordering ends; UINT64_MAX: none */
    struct pace pace;
    struct timer pacing;
    struct timer life; /* keepalive, or the end of an orphan's patience */
    TAILQ_ENTRY(tcp_connection) ready, dirty, starved;
    TAILQ_ENTRY(tcp_connection) slot; /* the list of its kind: free, opening, half-open, open */
} __attribute__((aligned(64)));

static_assert(offsetof(struct tcp_connection, recvq) == 128, "line 2 is for receiving");
static_assert(offsetof(struct tcp_connection, sendq) == 192, "line 3 begins with sending");
static_assert(offsetof(struct tcp_connection, ts_ok) <= 640, "timers end within line 9");
static_assert(sizeof(struct tcp_connection) <= 960, "a kilobyte, with its share of the flow table");

TAILQ_HEAD(connection_list, tcp_connection);

static inline struct tcp_connection *connection_of(struct stream *s)
{
    return CONTAINER_OF(s, struct tcp_connection, stream);
}

/* RCV.NXT, the peer's FIN included. */
static inline uint32_t connection_rcv_nxt(const struct tcp_connection *c)
{
    return c->recvq.nxt + c->fin_received;
}

/* Of IP and TCP, without options. */
static inline uint32_t connection_headers(const struct tcp_connection *c)
{
    return (ip_addr_is_v4(&c->stream.peer.addr) ? 20 : 40) + TCP_HEADER_MIN;
}

/* Payload of a full segment with the options that every one carries. */
static inline uint32_t connection_payload_max(const struct tcp_connection *c)
{
    uint32_t mss = c->mss;
    return mss - (c->ts_ok ? TCP_TIMESTAMP_SIZE : 0);
}

/* Our half is closed and the peer has acknowledged that. */
static inline bool connection_fin_acked(const struct tcp_connection *c)
{
    return c->sendq.fin_sent && c->sendq.una == c->sendq.nxt;
}

uint32_t connection_hash(const struct tcp *t, const struct endpoint *local,
                         const struct endpoint *peer);

struct tcp_connection *connection_find(const struct tcp *t, uint32_t hash,
                                       const struct endpoint *local, const struct endpoint *peer);

/* Have the connections with that hash, if there are any, brought nearer: they will be looked for
 * soon. */
void connection_prefetch(const struct tcp *t, uint32_t hash);

/* Into the flow table, or out of it. False: its chain there is too long already. */
MUST_CHECK bool connection_enlist(struct tcp_connection *c);
void connection_delist(struct tcp_connection *c);

/* The only place that changes a state. Keeps the lists of half-open and opening connections. */
void connection_set_state(struct tcp_connection *c, enum connection_state state);

/* Note events for tcp_dispatch(). Nothing for orphans. */
void connection_notify(struct tcp_connection *c, unsigned events);

/* Have tcp_flush() look at it. */
void connection_dirty(struct tcp_connection *c);

/* The first invariant that does not hold, of this file or of the queues; NULL if all do. For tests.
 */
const char *tcp_connection_fault(const struct tcp_connection *c);

static inline bool tcp_connection_sane(const struct tcp_connection *c)
{
    return tcp_connection_fault(c) == NULL;
}

#endif
