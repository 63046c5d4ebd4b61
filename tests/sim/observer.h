// SPDX-License-Identifier: BSD-3-Clause
// Somebody who watches both directions of a wire: knows where each connection's numbers begin, and
// sees what a host must not do, whatever happens to its packets.
#ifndef SPLITMX_TESTS_SIM_OBSERVER_H
#define SPLITMX_TESTS_SIM_OBSERVER_H

#include <deque>
#include <map>
#include <string>

#include "tests/sim/packet.h"

extern "C" {
#include "drivers/base/timer.h"
}

namespace sim
{

class Observer
{
  public:
    Observer();
    // A frame as `side` sent it. What is wrong with it, "" if nothing is.
    std::string watch(unsigned side, const Bytes &frame);
    // Remember what became of it, for people.
    void note(unsigned side, nsec_t now, const char *fate, const Bytes &frame);
    std::string trace() const;
    // Forget what was promised: somebody lost their memory.
    void forget();

  private:
    struct Half {
        bool begun = false; // its SYN was seen, and belongs to this connection
        uint32_t isn = 0;
        bool scales = false;
        uint8_t scale = 0;
        bool promised = false; // the peer said how far it may send
        uint32_t edge = 0;
    };
    struct Flow {
        Half half[2];
    };
    struct Line {
        nsec_t when;
        unsigned side;
        std::string fate;
        Bytes frame;
        uint32_t isn[2];
    };
    Flow &flow_of(unsigned side, const Bytes &frame, const Packet &p);
    static void begin(Half &mine, Half &theirs, const Bytes &frame, const Packet &p);

    std::map<std::string, Flow> flows_;
    std::deque<Line> lines_;
    size_t remembered_; // SPLITMX_SIM_TRACE says how many
};

} // namespace sim

#endif
