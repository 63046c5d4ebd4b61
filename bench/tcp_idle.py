#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Idle connections in one process of ours: what each takes, and what they cost the others."""
import argparse
import json
import os
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests", "system"))

import tcp_kernel  # noqa: E402  (the path comes first)
from harness import sandbox  # noqa: E402
from harness.lab import OURS, Lab  # noqa: E402

BYTES = 50_000_000


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(lab, sends):
    """Mbit/s of a new connection."""
    with lab.dial(OURS, seconds=300) as connection:
        started = time.monotonic()
        tcp_kernel.converse(connection, sends, BYTES)
        return round(BYTES * 8 / (time.monotonic() - started) / 1e6)


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog="Needs root.")
    parser.add_argument("--connections", type=int, default=100_000, help="(default 100000)")
    parser.add_argument("--buffers", type=int, default=524288,
                        help="that connections may pin or be promised (default 524288)")
    parser.add_argument("--build", default="build", help="build directory (default build)")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    sandbox.enter()
    lab = Lab(options.build, families=(4,),
              options=("--connections", str(options.connections + 64), "--buffers", str(options.buffers)))
    lab.bridge(OURS)
    pid = lab.ours.process.pid
    said = {"connections": options.connections,
            "alone_mbit": {"we_receive": measure(lab, True), "we_send": measure(lab, False)}}
    before, started = resident(pid), time.monotonic()
    crowd = lab.crowd(options.connections)
    said["opened_in_seconds"] = round(time.monotonic() - started, 1)
    state = lab.state()["state"]
    records = state["records"] * state["record_bytes"] / options.connections
    said |= {"state_bytes_per_connection": round(state["table_bytes_per_connection"] + records),
             "resident_growth_per_connection": round((resident(pid) - before) / options.connections),
             "buffers_promised": state["buffers_promised"], "buffers_in_use": state["buffers_in_use"],
             "beside_the_crowd_mbit": {"we_receive": measure(lab, True), "we_send": measure(lab, False)}}
    spent = cpu(pid)
    time.sleep(5)
    said["idle_cpu_percent"] = round((cpu(pid) - spent) * 100 / 5, 1)
    print(json.dumps(said, indent=1))
    lab.disperse(crowd)
    lab.close()


if __name__ == "__main__":
    main()
