# SPDX-License-Identifier: BSD-3-Clause
"""One run: a system, a load, what came out of it, and whether it counts."""
import dataclasses
import threading
import time

import machine as machines
from generator import HEADROOM, Failed, Generator
from harness.process import wait_until
from segment import Segment

DRAIN = 20         # seconds that a system may go on working after the load has ended
PATIENCE = 120     # for a queue to be empty
FILLING = 1        # seconds of load, at most, where there is one: it takes twenty times that to empty it
FOREIGN = 0.05     # of a core that others may take
WARM_UP = 1        # seconds of load before the first run
CROWD = 10_000     # sessions that take their time to come
COMING = 4_000     # of them in a second, at least
MARGIN = 1         # seconds of load before and behind the time that counts, in a crowd
VERDICTS = {
    "generator-bound": "the generator had less than 20 % of its core to spare",
    "disturbed": "others used one of the cores",
    "log-missing": "the log has fewer records than there were messages",
    "failures": "messages were refused or lost",
}


class Stage:
    """A started system with a generator before it; a context manager."""

    def __init__(self, build, machine, make):
        self.build, self.machine, self.make = build, machine, make
        self.segment = None
        self.accepted = 0   # messages, since the system was started

    def __enter__(self):
        self.foreign = max(machines.share_of(cpu, 0.5) for cpu in (self.machine.tested, self.machine.own))
        self.system = self.make()
        try:
            if self.system.veth:
                self.segment = Segment(self.machine, kernel=self.system.kernel)
            self.system.start()
            if self.segment:
                self.segment.steer()
            self.generator = Generator(self.build, self.machine, self.system.generators_device)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_reason):
        try:
            self.system.stop()
        finally:
            if self.system.veth:
                Segment.remove()

    def _settle(self):
        """Its work is done, as far as a look at the core can tell."""
        return not self.system.kernel or machines.wait_for_quiet(self.machine.tested, DRAIN)

    def _drive(self, load, seconds):
        """What smtpgen says. Where there is a queue, it is empty afterwards, and that is part of the time."""
        began = time.monotonic()
        said = self.generator.drive(load, min(seconds, FILLING) if self.system.queues else seconds)
        self.accepted += said["counts"]["messages_accepted"]
        if self.system.queues:
            while self.system.logged() < self.accepted and time.monotonic() < began + PATIENCE:
                time.sleep(0.2)
            said["seconds"] = time.monotonic() - began
        return said

    def warm_up(self, load):
        """Processes are started, pages touched, destinations verified: until a short load meets no refusal."""
        for _attempt in range(5):
            said = self._drive(dataclasses.replace(load, idle=0, sessions=min(load.sessions, CROWD)), WARM_UP)
            if said["counts"]["messages_accepted"] and not said["counts"]["messages_refused"]:
                return
        raise Failed(f"{self.system.title} refuses: {said['failures']}")

    def background(self, load, seconds):
        """A load in a thread that was started. Returns what waits for its end, and says what smtpgen says."""
        said = []
        driver = threading.Thread(target=lambda: said.append(self.generator.drive(load, seconds)))
        driver.start()

        def result():
            driver.join()
            if not said:
                raise Failed("the load failed")
            return said[0]
        return result

    def run(self, load, seconds):
        """A run, as JSON."""
        self._settle()
        if load.idle or load.sessions >= CROWD:
            return self._run_in_crowd(load, seconds)
        self._begin()
        said = self._drive(load, seconds)
        generator_core = machines.Reading(self.machine.own).since(self.own)
        drained = self._settle()
        return self._judge(load, said, *self._end(), generator_core, drained)

    def _run_in_crowd(self, load, seconds):
        """That the crowd comes and goes is not of the run: what counts lies between."""
        result = self.background(load, seconds + 2 * MARGIN + load.sessions / COMING)
        wait_until(lambda: self.system.open_sessions() >= load.idle + load.sessions, PATIENCE, "the crowd stands", step=1)
        time.sleep(MARGIN)
        self._begin()
        began = time.monotonic()
        time.sleep(seconds)
        core, facts, records = self._end()
        generator_core = machines.Reading(self.machine.own).since(self.own)
        took = time.monotonic() - began
        said = result()
        messages = facts["relay"]["messages"]
        said["counts"]["messages_accepted"], said["seconds"] = messages, took
        return self._judge(load, said, core, facts, records, generator_core, drained=True, under_way=load.sessions)

    def _begin(self):
        self.logged = self.system.logged()
        self.system.mark()
        self.tested, self.own = (machines.Reading(cpu) for cpu in (self.machine.tested, self.machine.own))

    def _end(self):
        """What the core did, what the system counted and logged."""
        core = machines.Reading(self.machine.tested).since(self.tested)
        return core, self.system.facts(), self.system.logged() - self.logged

    def _judge(self, load, said, core, facts, records, generator_core, drained, under_way=0):
        """`under_way`: messages that may have been counted and not logged yet."""
        system, counts, rates = self.system, said["counts"], said["rates"]
        messages = counts["messages_accepted"]
        cost = system.cost(core, facts)
        expected = {"message": messages, "connection": counts["connections"]}[system.log_of]
        failed = sum(counts[name] for name in ("messages_refused", "messages_failed", "messages_in_doubt"))
        verdicts = {"generator-bound": 1 - rates["busy"] < HEADROOM,
                    "disturbed": self.foreign > FOREIGN or not drained,
                    "log-missing": records < expected - under_way, "failures": failed > 0 or messages == 0}
        return {
            "system": system.title, "does": system.does, "port": system.port,
            "load": dataclasses.asdict(load) | {"name": str(load)},
            "messages": messages, "seconds": said["seconds"], "messages_per_second": messages / said["seconds"],
            "core_seconds": cost, "core_seconds_per_1000": 1000 * cost / messages if messages else None,
            "messages_per_core_second": messages / cost if cost and messages else None,
            "core_share": cost / said["seconds"], "core": core, "generator_core": generator_core,
            "headroom": 1 - rates["busy"], "foreign": self.foreign,
            "log": {"of": system.log_of, "records": records, "expected": expected},
            "but": [name for name, true in verdicts.items() if true], "system_counters": facts, "smtpgen": {
                key: said[key] for key in ("counts", "rates", "wire", "failures", "latency_us") if key in said},
        }
