# SPDX-License-Identifier: BSD-3-Clause
"""Part 4: what a worker does besides its work, once it runs: system calls and calls of the heap, counted.

Under load on a memif. System calls are counted by strace, which attaches to the worker's thread; calls of the heap by
bench/heap_watch.c, in the same thread.
"""
import os
import re
import struct
import subprocess
import time

from generator import Failed, Load
from measure import Stage
from systems.base import Unavailable
from systems.splitmx import SplitMX

LOADS = (Load(), Load(keep=False), Load(size=100 << 10))


class Watched(SplitMX):
    """Ours, with its heap watched."""

    def __init__(self, bench):
        super().__init__(bench.build, bench.machine)
        self.count = self.path("heap")
        library = os.path.join(bench.build, "bench", "heap_watch.so")
        wrapper = self.path("watched")
        with open(wrapper, "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\nHEAP_WATCH={self.count} LD_PRELOAD={library} exec {self.binary} "$@"\n')
        os.chmod(wrapper, 0o755)
        self.binary = wrapper

    def heap_calls(self):
        with open(self.count, "rb") as file:
            return struct.unpack("<Q", file.read(8))[0]

    def worker(self):
        """The thread's number."""
        tasks = f"/proc/{self.program.process.pid}/task"
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/comm", encoding="ascii") as comm:
                if comm.read().startswith("rte-worker"):
                    return int(task)
        raise Unavailable("no worker thread")


def system_calls(thread, seconds):
    """How many there were; strace's own attaching is none."""
    done = subprocess.run(["timeout", "-s", "INT", str(seconds), "strace", "-c", "-p", str(thread)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if "attached" not in done.stderr:
        raise Failed(f"strace: {done.stderr[-300:]}")
    total = re.search(r"^100\.00\s+\S+\s+(?:\d+\s+)?(\d+)\s+(?:\d+\s+)?total$", done.stderr, re.M)
    return int(total[1]) if total else 0


def watch(bench, load):
    """One load, as JSON."""
    with Stage(bench.build, bench.machine, lambda: Watched(bench)) as stage:
        stage.warm_up(load)
        system, half = stage.system, bench.seconds / 2
        driver = stage.background(load, bench.seconds + half)
        time.sleep(half)
        system.mark()
        heap = system.heap_calls()
        calls = system_calls(system.worker(), half)
        heap = system.heap_calls() - heap
        messages = system.facts()["relay"]["messages"]
        driver()
    if not messages:
        raise Failed("there was no load")
    return {"system": "SplitMX, memif", "load": {"name": str(load)}, "messages": messages, "system_calls": calls,
            "heap_calls": heap}


def run(bench):
    for load in LOADS:
        if bench.wanted(f"steady: {load}"):
            try:
                bench.add("steady", 1, watch(bench, load))
            except (Unavailable, Failed, AssertionError) as reason:
                bench.fail("steady", 1, str(load), reason)
