#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Measures SplitMX beside other mail systems, beside the limit of its ports, and by itself.

Started by bench/run.sh, which installs and builds. The system under test has one core, the generator and everything
else the other. What comes out, and how the cores are counted: bench/README.md.
"""
import argparse
import json
import os
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "system")]

import machine as machines  # noqa: E402  (the path comes first)
import segment  # noqa: E402
import table  # noqa: E402
from harness import sandbox  # noqa: E402
from parts import limit, ours, peers, stages, steady  # noqa: E402
from steering import Steering  # noqa: E402

PARTS = {"peers": peers, "limit": limit, "ours": ours, "steady": steady, "stages": stages}


def parse():
    parser = argparse.ArgumentParser(prog="bench/run.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part; may be repeated")
    parser.add_argument("--only", metavar="NAME", action="append",
                        help="only systems or cells whose name contains NAME; may be repeated")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds, which alternate (default: 5; 1 with --quick)")
    parser.add_argument("--seconds", type=float, metavar="S", help="of each run (default: 10; 3 with --quick)")
    parser.add_argument("--quick", action="store_true", help="a few minutes in all")
    parser.add_argument("--full", action="store_true", help="all sizes in every part, crowds and large mailbox sets")
    parser.add_argument("--build", default=os.path.join(ROOT, "build-bench"), help=argparse.SUPPRESS)
    parser.add_argument("--peers", default=os.path.join(ROOT, "build-bench", "peers"), help=argparse.SUPPRESS)
    parser.add_argument("--results", default=os.path.join(ROOT, "bench", "results"), metavar="DIRECTORY",
                        help="where results go (default: bench/results)")
    return parser.parse_args()


class Bench:
    """What was asked for, and what came out so far; the JSON file is complete after every run."""

    def __init__(self, options, machine):
        self.machine = machine
        self.build, self.peers, self.results = (os.path.abspath(path) for path in (
            options.build, options.peers, options.results))
        self.only, self.full, self.quick = options.only, options.full, options.quick
        self.rounds = options.rounds or (1 if options.quick else 5)
        self.seconds = options.seconds or (3 if options.quick else 10)
        self.parts = options.part or PARTS
        self.runs, self.failures = [], []
        self.began = time.time()
        os.makedirs(self.results, exist_ok=True)

    def wanted(self, name):
        return not self.only or any(word in name for word in self.only)

    def say(self, text):
        print(f"{time.time() - self.began:6.0f} s  {text}", flush=True)

    def add(self, part, number, result):
        """A run is done."""
        self.runs.append({"part": part, "round": number} | result)
        self.say(table.progress(self.runs[-1]))
        self.save()

    def fail(self, part, number, name, reason):
        """A run could not be made."""
        self.failures.append({"part": part, "round": number, "name": name, "reason": str(reason)})
        self.say(f"{part} round {number} {name}: {reason}")
        self.save()

    def save(self):
        said = {"seconds": self.seconds, "rounds": self.rounds, "machine": machines.describe(self.machine),
                "runs": self.runs, "failures": self.failures}
        path = os.path.join(self.results, "compare.json")
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(said, file, indent=1)
        os.replace(path + ".new", path)
        return said


def main():
    options = parse()
    machine = machines.Machine.choose()
    if not machine:
        sys.exit("two CPUs are needed: one for the system under test, one for the generator")
    Steering(segment.FAR_END, machine.tested).start()  # in the process that stays outside
    sandbox.enter()
    machine.settle()
    bench = Bench(options, machine)
    for part in bench.parts:
        PARTS[part].run(bench)
    table.write(bench.save(), bench.results)
    bench.say(f"results are in {bench.results}")
    return 0 if bench.runs else 1


if __name__ == "__main__":
    sys.exit(main())
