// SPDX-License-Identifier: BSD-3-Clause
// Two applications that talk over one connection, and know what they should hear.
#ifndef SPLITMX_TESTS_SIM_CONVERSATION_H
#define SPLITMX_TESTS_SIM_CONVERSATION_H

#include <random>
#include <string>

#include "tests/sim/host.h"

namespace sim
{

// The byte that stands at `at` of what side `from` says in conversation `id`.
inline uint8_t byte_at(uint64_t id, unsigned from, uint64_t at)
{
    uint64_t x = (id * 2 + from) * UINT64_C(0x9e3779b97f4a7c15) + at * UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 31;
    x *= UINT64_C(0x94d049bb133111eb);
    return uint8_t(x >> 56);
}

// How one side behaves.
struct Manner {
    uint64_t say = 0;              // bytes
    size_t write_most = 8000;      // bytes of one stream_write()
    nsec_t read_pause = 0;         // reads only so often
    size_t read_most = 1 << 20;    // and then so much
    bool echo = false;             // says what it hears, by reference, and nothing else
    bool leaves_first = false;     // closes when all is said and heard; else it waits for that
    bool close_when_said = false;  // without waiting for what the other side has to say
    bool patient = false;          // closes only when the other side has acknowledged all
    uint64_t stop_at = UINT64_MAX; // bytes heard: then it does not read for so long
    nsec_t stop_for = 0;
    uint64_t abort_after = UINT64_MAX; // bytes heard
};

class Talker
{
  public:
    Talker(uint64_t id, unsigned side, const Manner &mine, const Manner &theirs, uint64_t seed);
    void attach(struct stream *s, nsec_t now);
    static void handle(struct stream *s, unsigned events, void *self);
    void tick(nsec_t now); // once per round
    void perish()          // its host crashes
    {
        over = true;
    }

    bool over = false; // the handle is gone
    bool established = false;
    bool complete() const // heard all that the other side had to say
    {
        return heard == expect_;
    }
    enum stream_error error = STREAM_OK;
    uint64_t heard = 0, said = 0;
    std::string fault;

  private:
    void speak();
    void listen(nsec_t now);
    void maybe_leave();

    uint64_t id_;
    unsigned side_, speaker_; // ours, and whose words come
    Manner manner_;
    uint64_t expect_;
    std::mt19937_64 random_;
    struct stream *stream_ = nullptr;
    nsec_t now_ = 0, read_at_ = 0;
    bool eof_ = false;
};

} // namespace sim

#endif
