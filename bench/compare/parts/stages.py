# SPDX-License-Identifier: BSD-3-Clause
"""Part 5: where the time of a message goes.

The worker runs under callgrind for a while, which counts instructions by line of the source; each line belongs to a
stage by the directory of its file, and what a library does to the stage that asked for it. The time of a message, from
the other parts' measure (busy time by the worker's own clock), is parted among the stages as the instructions are.
"""
import glob
import os
import re
import subprocess
import time

from generator import Failed, Load
from harness.process import wait_until
from measure import Stage
from systems.base import Unavailable
from systems.splitmx import SplitMX

LOADS = (Load(), Load(keep=False), Load(size=100 << 10))
COUNTED = 10   # seconds
MARGIN = 4     # of load before and behind them
PATIENCE = 60  # for its begin

# A stage by the directory of the source, or the name of the library, that the instruction is of.
STAGES = (
    ("receive and transmit: the port's driver", ("drivers/port/", "librte_net_")),
    ("IP, Ethernet, ARP", ("drivers/ip/",)),
    ("TCP, checksums and timers", ("drivers/tcp/", "drivers/base/", "drivers/stream.h")),
    ("SMTP: commands, replies, content", ("app/smtp/",)),
    ("match", ("app/route/", "libhs")),
    ("relay: sessions, transactions, legs, pools", ("app/relay/",)),
    ("log", ("app/observe/",)),
    ("the worker's round", ("app/",)),
)


def stage_of(path):
    """The stage's place in STAGES; None: a library that works for whoever called it."""
    for number, (_title, prefixes) in enumerate(STAGES):
        if any(path.startswith(prefix) for prefix in prefixes):
            return number
    return None


class Traced(SplitMX):
    """Ours, under callgrind. Without hugepages: valgrind does not see them."""

    hugepages = "no"

    def __init__(self, bench):
        super().__init__(bench.build, bench.machine)
        self.counts = self.path("callgrind")
        wrapper = self.path("traced")
        with open(wrapper, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nexec valgrind --tool=callgrind --fair-sched=yes --instr-atstart=no "
                       f"--separate-threads=yes --callgrind-out-file={self.counts} {self.binary} \"$@\"\n")
        os.chmod(wrapper, 0o755)
        self.binary = wrapper

    def control(self, *words):
        subprocess.run(["callgrind_control", *words, str(self.program.process.pid)], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Profile:
    """The instructions of the thread that has the worker's function, by stage, from one of callgrind's files."""

    def __init__(self, path, source):
        self.source = source
        self.names, self.instructions = {}, [0] * len(STAGES)
        self.is_worker = False
        with open(path, encoding="utf-8", errors="replace") as file:
            self._read(file)

    def _name(self, kind, value):
        """Names are written once, and referred to by number then."""
        number, name = re.match(r"\((\d+)\)(?: (.*))?", value).groups()
        kind = {"cfn": "fn", "cfi": "fl", "cfl": "fl", "fi": "fl", "fe": "fl", "cob": "ob"}.get(kind, kind)
        if name is not None:
            self.names[kind, number] = name
        return self.names[kind, number]

    def _place(self, file, thing):
        """Where the source of an instruction is, in our tree or else in a library."""
        path = os.path.normpath(os.path.join(self.source, "build", file))
        if path.startswith(self.source + "/"):
            return path[len(self.source) + 1:]
        return os.path.basename(thing)

    def _read(self, lines):
        thing = own = file = ""          # the object, the function's file, the line's file
        callee = called = None
        for line in lines:
            word = re.match(r"(ob|fl|fi|fe|fn|cob|cfi|cfl|cfn|calls)=(.*)", line)
            if not word:
                if re.match(r"[+\-*\d]", line):
                    self._cost(line, thing, own, file, called)
                    called = None
                continue
            kind, value = word.groups()
            if kind == "calls":
                called, callee = callee or ("", thing), None
            elif kind in ("cob", "cfi", "cfl"):
                where = list(callee or (own, thing))
                where[kind == "cob"] = self._name(kind, value)
                callee = tuple(where)
            elif kind == "cfn":
                callee = callee or (own, thing)
                self._name(kind, value)
            else:
                name = self._name(kind, value)
                if kind == "ob":
                    thing = name
                elif kind == "fl":
                    own = file = name
                elif kind in ("fi", "fe"):
                    file = name
                elif name.startswith("worker_main"):
                    self.is_worker = True

    def _cost(self, line, thing, own, file, called):
        cost = int(line.split()[1]) if len(line.split()) > 1 else 0
        here = stage_of(self._place(file, thing))
        if here is None:
            here = stage_of(self._place(own, thing))   # a header of DPDK's, inlined
        if here is None:
            return
        if called is None or stage_of(self._place(*called)) is None:
            self.instructions[here] += cost


def instructions(system, source):
    """Of the worker, by stage."""
    profiles = [Profile(path, source) for path in glob.glob(system.counts + ".1-*")]
    worker = [profile for profile in profiles if profile.is_worker]
    if len(worker) != 1:
        raise Failed("callgrind wrote no file of the worker")
    return worker[0].instructions


def measure(bench, load, source):
    """One load, as JSON."""
    with Stage(bench.build, bench.machine, lambda: SplitMX(bench.build, bench.machine)) as stage:
        stage.warm_up(load)
        plain = stage.run(load, bench.seconds)
    with Stage(bench.build, bench.machine, lambda: Traced(bench)) as stage:
        stage.warm_up(load)
        system = stage.system
        system.mark()
        driver = stage.background(load, COUNTED + MARGIN)
        wait_until(lambda: system.facts()["relay"]["messages"] > 0, PATIENCE, "the load has begun", step=0.2)
        system.control("-i", "on")
        system.mark()
        time.sleep(COUNTED)
        messages = system.facts()["relay"]["messages"]
        system.control("-i", "off")
        system.control("-d")
        driver()
        counts = instructions(system, source)
    if not messages:
        raise Failed("there was no load")
    whole, ns = sum(counts), 1e6 * plain["core_seconds_per_1000"]
    return {"system": "SplitMX, memif", "load": {"name": str(load)}, "messages": messages,
            "busy_ns_per_message": ns, "instructions_per_message": whole / messages,
            "stages": [{"stage": title, "instructions": count / messages, "ns": ns * count / whole}
                       for (title, _prefixes), count in zip(STAGES, counts)]}


def run(bench):
    source = os.path.dirname(os.path.abspath(bench.build))
    for load in LOADS:
        if bench.wanted(f"stages: {load}"):
            try:
                bench.add("stages", 1, measure(bench, load, source))
            except (Unavailable, Failed, AssertionError, subprocess.CalledProcessError) as reason:
                bench.fail("stages", 1, str(load), reason)
