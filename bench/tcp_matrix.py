#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Our TCP against the kernel's, over the same bad wire: goodput, ours and Linux's, and their ratio.

Every cell is a loss rate, a round-trip time, reordering or none, a direction and an IP version. In
each round the same peer, a Linux host, transfers the same bytes with our stack and with another
Linux host, over a wire with the same limits and the same seed: the n-th frame that way meets the
same fate. The wire's rate is limited, behind a drop-tail queue of one bandwidth-delay product, so
that a cell measures the protocol and not this machine. Every byte is compared.
"""
import argparse
import fnmatch
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "system"))

from harness import sandbox  # noqa: E402  (the path comes first)
from harness.lab import LINUX, OURS, Lab  # noqa: E402
from harness.process import Program  # noqa: E402

LOSS = (0, 0.1, 1, 5)     # percent, both ways
RTT = (0, 20, 100)        # ms
REORDER = (0, 2)          # percent of frames, held for up to a quarter of the RTT, at least 6 ms
SIZES = (1_000, 100_000, 10_000_000, 100_000_000)
PACKETS_QUEUED = 64       # at least
FRAME, PAYLOAD = 1514, 1448
BUSY = 60                 # Mbit/s that all lanes together may expect: two cores carry more


class Cell:
    """One row of the table."""

    def __init__(self, loss, rtt, reorder, sends, family, rate):
        self.loss, self.rtt, self.reorder, self.sends, self.family = loss, rtt, reorder, sends, family
        self.rate = rate
        self.rounds = {OURS: [], LINUX: []}
        self.failures = []

    def __str__(self):
        return (f"v{self.family} {'sends' if self.sends else 'receives'} {self.loss:g}% {self.rtt}ms"
                f"{' reorder' if self.reorder else ''}")

    def expected(self):
        """Mbit/s that a TCP would reach (Mathis et al. 1997), for the size of a transfer."""
        full, rtt = self.rate * 0.95, (self.rtt + 3) / 1000
        return min(full, 1.22 * PAYLOAD * 8 / rtt / math.sqrt(self.loss / 100) / 1e6) if self.loss else full

    def size(self, seconds):
        return int(min(max(self.expected() * seconds * 1e6 / 8, 300_000), 100_000_000))

    def faults(self, seed):
        """The wire's options."""
        bdp = self.rate * 1e6 / 8 * self.rtt / 1000
        return {"drop": self.loss, "delay": self.rtt / 2, "reorder": self.reorder,
                "hold": max(6, self.rtt / 4), "rate": self.rate,
                "queue": int(max(PACKETS_QUEUED * FRAME, bdp)), "seed": seed}

    def goodput(self, side):
        """Mbit/s, the median of the rounds; None if there is none."""
        return statistics.median(self.rounds[side]) if self.rounds[side] else None

    def ratio(self):
        ours, linux = self.goodput(OURS), self.goodput(LINUX)
        return ours / linux if ours and linux else None

    def result(self):
        return {"cell": str(self), "loss_percent": self.loss, "rtt_ms": self.rtt,
                "reorder_percent": self.reorder, "ours": "sends" if self.sends else "receives",
                "ip": self.family, "ours_mbit": self.rounds[OURS], "linux_mbit": self.rounds[LINUX],
                "ratio": self.ratio(), "failures": self.failures}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0],
                                     epilog="Needs root: it makes network namespaces, which are gone when it ends.")
    parser.add_argument("--quick", action="store_true",
                        help="one round of 2 s per cell, IPv4, no reordering, no large transfers")
    parser.add_argument("--cells", action="append", metavar="PATTERN",
                        help="only cells whose name matches, e.g. 'v4 sends 1%% *' (may be repeated)")
    parser.add_argument("--rounds", type=int, help="per cell and stack (default 5)")
    parser.add_argument("--seconds", type=float, help="that a transfer should take (default 4)")
    parser.add_argument("--rate", type=float, default=50, help="of the wire, Mbit/s (default 50)")
    parser.add_argument("--lanes", type=int, default=4, help="cells at once (default 4)")
    parser.add_argument("--families", default="4,6", help="IP versions (default 4,6)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round (default 1)")
    parser.add_argument("--build", default="build", help="build directory (default build)")
    parser.add_argument("--json", metavar="FILE", default=os.path.join(HERE, "results", "tcp_matrix.json"),
                        help="where numbers go (default bench/results/tcp_matrix.json)")
    parser.add_argument("--capture", metavar="DIRECTORY",
                        help="tcpdump both ends of the wire in every transfer")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (2 if options.quick else 4)
    options.families = [int(word) for word in options.families.split(",")]
    for name in ("build", "json", "capture"):
        if getattr(options, name):
            setattr(options, name, os.path.abspath(getattr(options, name)))
    return options


def choose(options):
    """The cells, slow wires first: they take no CPU, and fill the gaps between fast ones."""
    every = (Cell(loss, rtt, reorder, sends, family, options.rate)
             for family, sends, loss, rtt, reorder in
             itertools.product(options.families, (True, False), LOSS, RTT, REORDER))
    cells = [cell for cell in every
             if (any(fnmatch.fnmatchcase(str(cell), pattern) for pattern in options.cells)
                 if options.cells else
                 not options.quick or (cell.family == options.families[0] and not cell.reorder))]
    if not cells:
        sys.exit("no cell has such a name")
    return cells


def make_lab(options, lane):
    """A lane whose hosts know each other: what is measured begins with a SYN, not with ARP."""
    lab = Lab(options.build, lane, True, options.families)
    for family in options.families:
        lab.connect(OURS)
        lab.transfer(OURS, True, 1000, family)
        lab.cut()
    return lab


class Matrix:
    """Runs cells in lanes. What is expected of all busy lanes together stays below BUSY."""

    def __init__(self, options, cells):
        self.options, self.cells = options, cells
        self.jobs = [(cell, number) for number in range(options.rounds)
                     for cell in sorted(cells, key=Cell.expected)]
        self.total, self.done, self.busy = len(self.jobs), 0, 0.0
        self.changed = threading.Condition()

    def run(self):
        lanes = min(self.options.lanes, self.total)
        labs = [make_lab(self.options, lane) for lane in range(lanes)]
        threads = [threading.Thread(target=self._lane, args=(lab,)) for lab in labs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for lab in labs:
            lab.close()
        print(file=sys.stderr)

    def _take(self):
        """The first job that fits, in jobs' order from either end: fast and slow ones at once."""
        with self.changed:
            while self.jobs:
                for index in (-1, 0):
                    need = self.jobs[index][0].expected()
                    if self.busy == 0 or self.busy + need <= BUSY:
                        self.busy += need
                        return self.jobs.pop(index)
                self.changed.wait()
        return None

    def _lane(self, lab):
        while job := self._take():
            cell, number = job
            try:
                # The sides take turns in being first.
                for side in (OURS, LINUX) if number % 2 else (LINUX, OURS):
                    self._measure(lab, cell, side, number)
            except Exception as reason:  # pylint: disable=broad-except  (the other cells go on)
                cell.failures.append(f"round {number}: {reason!r}"[:1000])
            with self.changed:
                self.busy -= cell.expected()
                self.done += 1
                self.changed.notify_all()
            self._progress(cell)

    def _measure(self, lab, cell, side, number):
        size = cell.size(self.options.seconds)
        lab.connect(side, from_side=cell.sends, **cell.faults(self.options.seed + number))
        dumps = self._capture(lab, cell, side, number) if self.options.capture else []
        try:
            took = lab.transfer(side, cell.sends, size, cell.family, 30 + 10 * self.options.seconds)
            cell.rounds[side].append(round(size * 8 / took["client"]["seconds"] / 1e6, 3))
        except (AssertionError, subprocess.TimeoutExpired) as reason:
            cell.failures.append(f"round {number}: {reason!r}"[:1000])
        time.sleep(2 * cell.rtt / 1000)  # the last ACKs and FINs are still under way
        for dump in dumps:
            dump.stop()
        counts = lab.cut()
        if counts["overrun"] + counts["unsendable"] + counts["kernel_drops"]:
            cell.failures.append(f"round {number}: this machine lost frames: {counts}")

    def _capture(self, lab, cell, side, number):
        os.makedirs(self.options.capture, exist_ok=True)
        name = f"{cell}-{number}-{side}".replace(" ", "-")
        return [Program(os.path.join(sandbox.WORK, f"tcpdump-{name}-{where}.log"), "tcpdump", "-i", end,
                        "-s", 120, "-U", "-w", os.path.join(self.options.capture, f"{name}-{where}.pcap"))
                for where, end in (("peer", f"pw{lab.lane}"), ("side", lab.ends[side]))]

    def _progress(self, cell):
        ratio = cell.ratio()
        print(f"\r\033[K{self.done}/{self.total} {cell}: "
              f"{f'{ratio:.2f}' if ratio else 'no ratio yet'}", end="", file=sys.stderr, flush=True)


def transfer_sizes(options):
    """Transfers from the smallest to the largest over a clean wire, both ways: all intact."""
    lab = make_lab(options, 0)
    for family, sends, size in itertools.product(options.families, (True, False), SIZES):
        cell = Cell(0, 20, 0, sends, family, 100)
        times = {}
        for side in (LINUX, OURS):
            lab.connect(side, **cell.faults(options.seed))
            times[side] = lab.transfer(side, sends, size, family)["client"]["seconds"]
            lab.cut()
        print(f"v{family} {'sends' if sends else 'receives':8} {size:11,} bytes, 20 ms, 100 Mbit/s: "
              f"ours {times[OURS]:7.3f} s, Linux {times[LINUX]:7.3f} s", flush=True)
    lab.close()


def print_table(cells):
    print("Goodput in Mbit/s, medians of all rounds:")
    print(f"{'cell':34} {'ours':>8} {'Linux':>8} {'ratio':>6}")
    for cell in cells:
        numbers = [f"{value:8.2f}" if value else f"{'-':>8}"
                   for value in (cell.goodput(OURS), cell.goodput(LINUX))]
        ratio = f"{cell.ratio():6.2f}" if cell.ratio() else f"{'-':>6}"
        print(f"{str(cell):34} {numbers[0]} {numbers[1]} {ratio}")
        for failure in cell.failures:
            print(f"    FAILED: {failure}")


def main():
    options = parse()
    sandbox.enter()
    cells = choose(options)
    started = time.monotonic()
    Matrix(options, cells).run()
    print_table(cells)
    ratios = sorted((cell.ratio(), str(cell)) for cell in cells if cell.ratio())
    failures = sum(len(cell.failures) for cell in cells)
    summary = {"cells": len(cells), "failures": failures}
    if ratios:
        summary |= {"median": round(statistics.median(ratio for ratio, _ in ratios), 3),
                    "worst": round(ratios[0][0], 3), "worst_cell": ratios[0][1]}
        print(f"median ratio {summary['median']:.2f} (target 0.9), "
              f"worst {summary['worst']:.2f} (target 0.7): {summary['worst_cell']}")
    print(f"{len(cells)} cells, {failures} failures, {time.monotonic() - started:.0f} s")
    if not options.quick and not options.cells:
        transfer_sizes(options)
    os.makedirs(os.path.dirname(options.json), exist_ok=True)
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump({"summary": summary, "kernel": os.uname().release, "rate_mbit": options.rate,
                   "seconds": options.seconds, "cells": [cell.result() for cell in cells]}, file, indent=1)
        file.write("\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
