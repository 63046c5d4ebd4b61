#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Measures look-ups among mailboxes from 1,000 to 5 million, and writes mailboxes.json, mailboxes.md and plots.

Each size is a run of mailboxes_bench of its own, on one CPU.
"""
import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(HERE))

import plot  # noqa: E402  (bench/plot.py)

SIZES = (1_000, 10_000, 100_000, 300_000, 1_000_000, 5_000_000)
PATTERNS = ("hot", "zipf", "uniform", "cold")
NAIVE_MOST = 10_000  # beyond, one database takes minutes to compile


def domains_of(size):
    """From one domain to ten thousand."""
    return max(1, min(10_000, size // 500))


def measure(options, size):
    """What mailboxes_bench says, as a dictionary."""
    command = ["taskset", "-c", str(options.cpu), options.bench, "-n", str(size), "-d", str(domains_of(size))]
    if size <= NAIVE_MOST:
        command.append("--naive")
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(run.stdout)


def subjects(runs):
    """Names, in the order in which they come first."""
    return list(dict.fromkeys(subject["name"] for run in runs for subject in run["subjects"]))


def of(run, name):
    """One subject of a run, or None."""
    return next((subject for subject in run["subjects"] if subject["name"] == name), None)


def number(value):
    """Three digits that mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(runs):
    """Markdown: look-ups in ns, by size and subject; a cell is one by one / in bursts of 32."""
    head = ["mailboxes", "domains", "", "compile µs an entry", "bytes an entry"]
    head += [f"{kind} {pattern}" for kind in ("miss", "hit") for pattern in PATTERNS]
    lines = ["| " + " | ".join(head) + " |", "|---|---|---|" + "---:|" * (len(head) - 3)]
    for run in runs:
        for subject in run["subjects"]:
            ns = subject["ns"]
            cells = [f"{run['mailboxes']:,}", f"{run['domains']:,}", subject["name"],
                     number(subject["build_us_per_entry"]), number(subject["bytes_per_entry"])]
            for kind in ("miss", "hit"):
                for pattern in PATTERNS:
                    one, burst = ns[f"{kind} {pattern}"], ns[f"{kind} {pattern} burst"]
                    cells.append(f"{number(one)} / {number(burst)}" if subject["name"] != "one database"
                                 else number(one))
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def result(title, unit, runs, wanted):
    """For bench/plot.py; `wanted` is {name of a line: (subject, value of one)}."""
    series = []
    for name, (subject, value) in wanted.items():
        points = [[run["mailboxes"], value(of(run, subject))] for run in runs if of(run, subject)]
        if points:
            series.append({"name": name, "points": points})
    return {"title": title, "x": {"label": "mailboxes", "log": True}, "y": {"label": unit, "log": True},
            "series": series}


def plots(runs):
    """{file: result}."""
    ours, times = {}, lambda key: lambda subject: subject["ns"][key]
    for kind in ("miss", "hit"):
        for how in ("hot", "uniform", "cold", "cold burst"):
            ours[f"{kind}, {how}"] = ("set", times(f"{kind} {how}"))
    beside = {f"{name}, {kind}": (name, times(f"{kind} cold"))
              for name in subjects(runs) for kind in ("miss", "hit")}
    return {
        "mailboxes-lookup": result("A look-up in a set", "ns", runs, ours),
        "mailboxes-beside": result("A look-up with cold caches", "ns", runs, beside),
        "mailboxes-compile": result("Compiling, on one core", "µs an entry", runs, {
            name: (name, lambda subject: subject["build_us_per_entry"]) for name in subjects(runs)}),
        "mailboxes-memory": result("Memory", "bytes an entry", runs, {
            name: (name, lambda subject: subject["bytes_per_entry"]) for name in subjects(runs)}),
    }


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default="build/bench/mailboxes/mailboxes_bench", help="the program")
    parser.add_argument("--cpu", type=int, default=os.cpu_count() - 1, help="default: the last")
    parser.add_argument("--most", type=int, default=SIZES[-1], help="no sizes beyond (default: %(default)s)")
    parser.add_argument("--note", default="", help="a sentence about the machine, above the table")
    parser.add_argument("--out", default="bench/results", help="a directory (default: %(default)s)")
    options = parser.parse_args()
    runs = []
    for size in [size for size in SIZES if size <= options.most]:
        runs.append(measure(options, size))
        print(f"{size:,} mailboxes: done", file=sys.stderr)
    os.makedirs(options.out, exist_ok=True)
    write(os.path.join(options.out, "mailboxes.json"), json.dumps(runs, indent=1) + "\n")
    note = f"{options.note}\n\n" if options.note else ""
    write(os.path.join(options.out, "mailboxes.md"),
          f"{note}Nanoseconds a look-up: one by one / in bursts of 32.\n\n{table(runs)}")
    for name, drawing in plots(runs).items():
        write(os.path.join(options.out, name + ".json"), json.dumps(drawing) + "\n")
        write(os.path.join(options.out, name + ".svg"), plot.plot(drawing))


if __name__ == "__main__":
    main()
