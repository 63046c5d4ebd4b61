// SPDX-License-Identifier: BSD-3-Clause
// Plays a scenario: the script says what the peer and the application do, and what we are to say.
#ifndef SPLITMX_TESTS_TCP_PLAY_H
#define SPLITMX_TESTS_TCP_PLAY_H

#include "tests/drivers/tcp/scenario.h"
#include "tests/drivers/tcp/script.h"

namespace scenario
{

class Play : public Script
{
  public:
    explicit Play(Scenario s) : scenario_(std::move(s))
    {
    }
    void TestBody() override;

  private:
    void set_up();
    void run(const Step &step);
    void act(const Step &step);
    void application(const Step &step);
    void check(const Step &step);

    // The peer.
    void segment_in(const Step &step);
    void say(Pattern p);
    void acknowledge_by(uint32_t bytes);
    void echo_until(nsec_t at);
    void options(const Pattern &p, struct segment *s) const;
    void icmp_in(const Step &step);
    void handshake(const Step &step);
    void again(uint32_t ahead);

    // What we say.
    void segment_out(const Step &step);
    void expect(const Pattern &p, nsec_t due, unsigned ticks);
    std::string mismatch(const Pattern &p, const Said &x) const;
    std::string mismatched_options(const Pattern &p, const Said &x) const;
    Said next();
    void observe();
    void learn(const Said &x);
    bool quiet(const char *before);

    // Time, and what is told of a failure.
    void reach(const Step &step);
    void fail(const std::string &what);
    uint32_t elapsed_ms(nsec_t at) const
    {
        return uint32_t((at - start_) / NSEC_PER_MSEC);
    }
    std::string clock(nsec_t at) const;
    std::string text_of(const Said &x) const;
    std::string text_of(const struct segment &s, uint32_t len, bool ours) const;
    void note(nsec_t at, const std::string &line);

    Scenario scenario_;
    const Step *step_ = nullptr;
    nsec_t start_ = 0;
    bool failed_ = false;

    // All relative to the initial sequence numbers.
    uint32_t isn_ = 0, iss_ = 0; // the peer's, ours
    bool iss_known_ = false;
    bool iss_follows_ = false; // a connection before this one ended at `last_`
    uint32_t last_ = 0;
    uint32_t next_ = 0;  // what the peer has not sent yet
    uint32_t acked_ = 0; // what it has acknowledged
    uint32_t heard_ = 0; // up to where it has heard us
    uint32_t clock_ = 0; // our timestamp at the scenario's start
    bool clock_known_ = false;
    uint32_t heard_clock_ = 0; // the last timestamp of ours, as on the wire
    size_t observed_ = 0;      // of `said`
    nsec_t echo_ = 0; // how long after a segment the peer acknowledges it; 0: the script says
    std::deque<std::pair<nsec_t, uint32_t>> echoes_; // when, up to where
    std::deque<std::string> trace_;
};

} // namespace scenario

#endif
