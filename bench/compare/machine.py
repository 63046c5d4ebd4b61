# SPDX-License-Identifier: BSD-3-Clause
"""The two cores: which one is whose, and what the tested one was busy with.

The generator and this driver have one core, the system under test the other. What a core costs is all
its time but the idle: the kernel counts that in microseconds (tickless idle), while user, system and
softirq are only sampled by its tick.
"""
import os
import time

KINDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
TICKS = os.sysconf("SC_CLK_TCK")
CLOSE = 0.02   # a core with less work than that is quiet


class Machine:
    """CPU numbers: `tested` of the system under test, `own` of everything that belongs to the benchmark."""

    def __init__(self, tested, own):
        self.tested, self.own = tested, own

    @classmethod
    def choose(cls):
        """The last two CPUs that we may use; None if there are not two."""
        cpus = sorted(os.sched_getaffinity(0))
        return cls(cpus[-1], cpus[-2]) if len(cpus) > 1 else None

    def settle(self):
        """This process, and what it starts, keeps off the tested core unless told otherwise."""
        os.sched_setaffinity(0, {self.own})

    def on_tested(self):
        """Words in front of a command that runs it there."""
        return ["taskset", "-c", str(self.tested)]

    def mask(self, cpu):
        """As /sys wants it."""
        return f"{1 << cpu:x}"


def describe(machine):
    """What a reader of numbers wants to know of the machine."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "")
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": os.uname().release, "tested_core": machine.tested,
            "generator_core": machine.own}


class Reading:
    """A core's clocks at one moment."""

    def __init__(self, cpu):
        with open("/proc/stat", encoding="ascii") as stat:
            words = next(line.split() for line in stat if line.startswith(f"cpu{cpu} "))
        self.at = time.monotonic()
        self.seconds = {kind: int(word) / TICKS for kind, word in zip(KINDS, words[1:])}

    def since(self, before):
        """What the core did: seconds of wall-clock, busy (all but idle), and of the kinds of work."""
        spent = {kind: self.seconds[kind] - before.seconds[kind] for kind in KINDS}
        wall = self.at - before.at
        busy = max(0.0, wall - spent["idle"] - spent["iowait"])
        return {"wall": wall, "busy": busy, "user": spent["user"] + spent["nice"], "system": spent["system"],
                "softirq": spent["irq"] + spent["softirq"], "steal": spent["steal"]}


def share_of(cpu, seconds):
    """How busy a core is with whatever runs there now."""
    before = Reading(cpu)
    time.sleep(seconds)
    spent = Reading(cpu).since(before)
    return spent["busy"] / spent["wall"]


def wait_for_quiet(cpu, seconds):
    """Until the core has (almost) nothing to do: queues are drained, logs written. Returns whether it came to that."""
    end = time.monotonic() + seconds
    while share_of(cpu, 0.5) > CLOSE:
        if time.monotonic() > end:
            return False
    return True
