// SPDX-License-Identifier: BSD-3-Clause
// A wire between two links: frames travel for a simulated time, and some do not arrive as sent.
//
// What is handed to a link stays where it is for a while, as in a ring that the NIC has not emptied
// yet; when it is let go its bytes are compared with those that were sent. So every run also proves
// that nobody changes what waits for transmission.
#ifndef SPLITMX_TESTS_SIM_WIRE_H
#define SPLITMX_TESTS_SIM_WIRE_H

#include <deque>
#include <functional>
#include <map>
#include <random>
#include <string>

#include "tests/sim/observer.h"

extern "C" {
#include "drivers/base/pools.h"
#include "drivers/base/timer.h"
#include "drivers/port/link.h"
}

namespace sim
{

// What a wire does to frames; chances are in [0, 1].
struct Weather {
    double loss = 0, duplicate = 0, reorder = 0, corrupt = 0;
    // Losses in bursts (Gilbert 1960, Elliott 1963): good and bad times of these mean lengths
    // follow each other, and in bad ones a frame is lost with this chance.
    nsec_t good_for = 0, bad_for = 0; // 0: always good
    double bad_loss = 1;
    double mark = 0;                  // a frame that may be marked is (RFC 3168)
    bool bleach = false;              // nothing may be marked, and no mark arrives
    nsec_t delay = 5 * NSEC_PER_MSEC; // one way
    nsec_t jitter = 0;                // up to this much more, without overtaking
    nsec_t late = 20 * NSEC_PER_MSEC; // a reordered frame comes up to this much later
    uint64_t rate = 0;                // bits a second; 0: any
    unsigned queue = 100;        // frames of 1,500 bytes that wait for the rate; more are dropped
    bool queue_marks = false;    // instead, from half of that on, what may be marked
    unsigned mtu = 0;            // of a router half way; 0: none
    bool router_is_mute = false; // it drops what is too big and says nothing
    nsec_t blackout_every = 0, blackout_for = 0;
};

// What the NICs at both ends can do.
struct Nic {
    uint16_t mtu = 1500;
    struct link_caps caps = {false, false, false, false, false, UINT16_MAX};
    bool scatter = false;                  // frames arrive in chains of small mbufs
    nsec_t hold = NSEC_PER_MSEC;           // a sent frame is freed up to this much later
    nsec_t stall_every = 0, stall_for = 0; // the transmit ring takes nothing so long, so often
    unsigned queue = 512;                  // frames that wait for that; more are dropped
};

class Wire;

// One end. The operations of struct link find it by its first member.
struct End {
    struct link link = {};
    Wire *wire = nullptr;
    unsigned side = 0;
    struct pools *pools = nullptr; // received frames are made of these
    Nic nic;
    std::deque<Bytes> in;
    std::deque<struct rte_mbuf *> out; // while the ring is stalled
    unsigned no_memory = 0;            // frames that found no mbuf

    static uint16_t receive(struct link *l, struct rte_mbuf **frames, uint16_t n);
    static void transmit(struct link *l, struct rte_mbuf *m);
    static void flush(struct link *l);
    struct rte_mbuf *mbuf(const Bytes &frame);
};

class Wire
{
  public:
    Wire(uint64_t seed, const Weather &there, const Weather &back, const Nic &nic);
    ~Wire();

    End &end(unsigned side)
    {
        return ends_[side];
    }
    // Move the clock: what is due arrives.
    void advance(nsec_t now);
    // When the next frame arrives or leaves, UINT64_MAX if none is under way.
    nsec_t next() const;
    // Free all sent frames that are still held.
    void settle();
    void set_weather(const Weather &there, const Weather &back);
    // Put a frame of the test's own making on the way to `side`, as if the other end had sent it.
    void inject(unsigned side, const Bytes &frame);
    // An ICMP error about one of the last segments of `side` on its way to it: a lie.
    void slander(unsigned side);
    // The last frames, for people.
    std::string trace() const
    {
        return observer_.trace();
    }
    // A host forgot its connections: what was promised holds no more.
    void forget()
    {
        observer_.forget();
    }
    // The first violation, if any.
    const std::string &fault() const
    {
        return fault_;
    }
    // Called for each frame that an end sends; false drops it.
    std::function<bool(unsigned side, const Bytes &frame)> filter;

    uint64_t sent = 0, lost = 0;
    uint64_t digest = 0; // of every frame sent, and when: the same seed gives the same

  private:
    friend struct End;
    struct Held {
        struct rte_mbuf *m;
        Bytes bytes;
    };
    void send(unsigned side, struct rte_mbuf *m);
    void set_out(unsigned side, Bytes frame);
    void carry(unsigned side, Bytes frame);
    bool refuse(unsigned side, const Bytes &frame);
    bool lose(unsigned side, const Bytes &frame);
    bool bad_time(unsigned side);
    bool queue_up(unsigned side, Bytes &frame, nsec_t *leaves);
    void mark(unsigned side, Bytes &frame);
    void corrupt(unsigned side, Bytes &frame);
    void deliver(unsigned to, nsec_t at, Bytes frame);
    void release(const Held &held);
    void note(unsigned side, const char *fate, const Bytes &frame);
    void wrong(const std::string &what);
    bool chance(double p);
    nsec_t upto(nsec_t most);

    std::mt19937_64 random_;
    End ends_[2];
    Weather weather_[2];
    nsec_t now_ = 0;
    nsec_t free_at_[2] = {0, 0}; // when the rate lets the next frame go
    nsec_t last_[2] = {0, 0};    // arrival of the latest frame that was not reordered
    bool bad_[2] = {false, false};
    nsec_t turns_[2] = {0, 0}; // when the good time ends, or the bad one
    Bytes recent_[2];          // a segment to lie about
    std::multimap<nsec_t, std::pair<unsigned, Bytes>> way_;
    std::multimap<nsec_t, Held> held_;
    Observer observer_;
    std::string fault_;
};

} // namespace sim

#endif
