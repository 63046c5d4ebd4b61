# SPDX-License-Identifier: BSD-3-Clause
"""Part 2: what no router on these ports could beat.

io-forward: dpdk-testpmd takes packets of one size from a memif and gives them back, on the tested core; another one
makes them, each anew (flowgen), on the generator's. Then what a single look at each byte costs, and a single look-up
of a recipient (bench/bounds.c).
"""
import json
import os
import time

from harness.process import run as run_program
from systems.splitmx import forget_socket
from testpmd import Testpmd

SIZES = (64, 128, 256, 590, 1024, 1514)
MAILBOXES = (1_000, 100_000, 1_000_000)


def forward(bench, size):
    """One run of io-forward, as JSON."""
    machine, ends = bench.machine, []
    forget_socket()
    try:
        forwarder = Testpmd("forwarder", "server", machine.own, machine.tested, "--forward-mode=io",
                            "--record-core-cycles")
        ends.append(forwarder)
        source = Testpmd("source", "client", machine.own, machine.own, "--forward-mode=flowgen",
                         f"--txpkts={size}")
        ends.append(source)
        time.sleep(1)  # a memif that is polled before its link is up crashes
        forwarder.tell("start")
        source.tell("start")
        time.sleep(1)
        began, cycles, packets, mhz = forwarder.cycles()
        time.sleep(bench.seconds)
        ended, more_cycles, more_packets, _ = forwarder.cycles()
    finally:
        for end in ends:
            end.kill()
    count = more_packets - packets
    busy = (more_cycles - cycles) / (mhz * 1e6)
    return {"system": "io-forward, memif", "load": {"name": f"{size} B"}, "size": size,
            "packets_per_second": count / (ended - began), "busy_ns_per_packet": 1e9 * busy / count if count else None,
            "core_share": busy / (ended - began)}


def bounds(bench):
    """What bench/bounds.c says."""
    mailboxes = [count for count in MAILBOXES if bench.full or count < MAILBOXES[-1]]
    program = os.path.join(bench.build, "bench/bounds")
    done = run_program(*bench.machine.on_tested(), program, *mailboxes, seconds=600)
    return json.loads(done.stdout)


def run(bench):
    for number in range(1, bench.rounds + 1):
        for size in SIZES[::5 if bench.quick else 1]:
            name = f"io-forward {size} B"
            if not bench.wanted(name):
                continue
            try:
                bench.add("limit", number, forward(bench, size))
            except AssertionError as reason:
                bench.fail("limit", number, name, reason)
        if bench.wanted("bounds"):
            for result in bounds(bench):
                bench.add("limit", number, result)
