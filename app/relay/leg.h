/* SPDX-License-Identifier: BSD-3-Clause */
/* One destination's part of a transaction. */
#ifndef SPLITMX_RELAY_LEG_H
#define SPLITMX_RELAY_LEG_H

#include "app/relay/destination.h"
#include "app/relay/kept.h"
#include "app/relay/reply.h"
#include "app/route/verdict.h"

struct envelope;
struct recipient;

typedef void leg_changed_fn(void *owner);

enum leg_state {
    LEG_CANCELLED, /* no longer part of the transaction: none of its recipients was accepted, or
                      aborted */
    LEG_CLAIMING,  /* waits for a connection; recipients gather */
    LEG_ENVELOPE,  /* MAIL and RCPT are sent, replies come */
    LEG_DATA,      /* DATA sent */
    LEG_OPEN,      /* 354 received: content goes out */
    LEG_HELD,      /* all but the end has gone out, and waits to be acknowledged or for its turn */
    LEG_DOTTED,    /* the end of data went out, the answer has not come */
    LEG_COMMITTED, /* answered 2xx */
    LEG_REFUSED,   /* refused or lost before the end, or refused at the end */
    LEG_LOST,      /* lost before the end, by no word of the destination's: see replay.h */
    LEG_IN_DOUBT,  /* lost after the end: it counts as not delivered */
};

/*
 * DATA that went out behind RCPT, in the same segment, because the client had sent it so (RFC 2920
 * §3.1). It saves a round trip; what comes of it is settled when the client's turn comes.
 */
enum leg_ahead {
    AHEAD_NO,      /* DATA was not sent ahead */
    AHEAD_SENT,    /* no answer yet */
    AHEAD_OPEN,    /* 354: the destination waits for content */
    AHEAD_REFUSED, /* leg->reply says why, where any recipient was accepted */
};

struct leg {
    struct relay *relay;
    struct envelope *envelope;
    leg_changed_fn *changed; /* a recipient was answered, 354 came, there is room, it has ended */
    void *owner;             /* for changed() */
    struct destination *destination;
    enum side side; /* the destination's */
    struct claim claim;
    struct connection *connection; /* from ready() until it is given back or lost */
    enum leg_state state;
    bool retried;     /* a fresh connection has been tried */
    bool replayed;    /* ... for the content, too */
    bool behind;      /* it has not got again all that the others have */
    bool traced;      /* it has our Received line */
    bool chunked;     /* it gets chunks, as its destination takes them */
    uint64_t chunk;   /* of the one under way, octets still to come */
    bool data_wanted; /* DATA follows the envelope as soon as that is answered */
    bool data_early;  /* it may go out behind the last RCPT: it is the client's next command */
    enum leg_ahead ahead;
    bool skipped; /* committed by an earlier transaction: this one has called it off */
    bool mail_sent;
    bool mail_refused;
    unsigned failovers;        /* servers of the destination given up for another */
    unsigned outstanding;      /* recipients without an answer */
    struct kept_cursor at;     /* while it is behind: what of the kept content comes next */
    struct client_reply reply; /* when it has ended: what the client hears of it */
    struct client_reply mail;  /* a refused MAIL: the reply of every recipient */
};

/* Is one of `count` legs in this state? */
static inline bool legs_any(const struct leg *legs, unsigned count, enum leg_state state)
{
    for (unsigned i = 0; i < count; i++) {
        if (legs[i].state == state)
            return true;
    }
    return false;
}

/* Begin: ask for a connection, for these parties. What happens to the leg is told by
 * changed(owner), possibly before this returns. */
void leg_start(struct leg *leg, struct relay *r, struct envelope *envelope, struct destination *d,
               enum side side, const struct parties *parties, leg_changed_fn *changed, void *owner);

/* One more recipient, already in the envelope. Behind leg_data_early(): the client's DATA was
 * refused for want of recipients. */
void leg_recipient(struct leg *leg, struct recipient *rcpt);

/* The client has sent DATA behind the last recipient, and will be heard on it in its turn: the
 * destination may have it at once. May be said again. */
void leg_data_early(struct leg *leg);

/* Send DATA, or nothing where content can go by BDAT as it comes: ends in LEG_OPEN or beyond. */
void leg_data(struct leg *leg);

/* In LEG_LOST: begin again on a fresh connection, for the same recipients. It is behind, and ends
 * in LEG_OPEN or beyond, possibly before this returns. */
void leg_replay(struct leg *leg);

/* Bytes that may be passed to an open leg now. */
size_t leg_room(const struct leg *leg);

/* Pass on content (a reference, or a copy where it is short), or a copy of our own text. False: out
 * of memory; the leg has ended. True also where the connection has just gone: the leg ends when
 * that is told. */
MUST_CHECK bool leg_forward(struct leg *leg, const struct slice *slice);
MUST_CHECK bool leg_write(struct leg *leg, const char *text, size_t len);

/* To an open leg that gets chunks: may another one begin (not too many wait for their replies)?
 * Begin it, of `size` octets, which are passed on next. False: as above. */
bool leg_may_chunk(const struct leg *leg);
MUST_CHECK bool leg_chunk(struct leg *leg, uint64_t size);

/* Is its connection gone, which will be told later in this round? What is passed on till then is
 * lost. */
bool leg_is_down(const struct leg *leg);

/* All content is passed on: tell changed() when the destination acknowledges it. */
void leg_hold(struct leg *leg);

/* Has the destination's TCP everything that it was sent, and has it answered all chunks? */
bool leg_is_acknowledged(const struct leg *leg);

/* All content is passed on: send the end of data. `empty`: there was none at all. */
void leg_end(struct leg *leg, bool empty);

/* The destination has the message already: give it up as leg_abort() does, committed. */
void leg_skip(struct leg *leg);

/* Give it up without an end: the destination must not take it for complete. So the connection is
 * lost, unless no chunk is under way: then RSET will do. Nobody is told. */
void leg_abort(struct leg *leg);

/* Give up an envelope: the connection is kept for others. Nobody is told. */
void leg_cancel(struct leg *leg);

/* The budget of the phase is spent: ends as refused, or, after the end of data, in doubt. */
void leg_timeout(struct leg *leg, const char *reply);

#endif
