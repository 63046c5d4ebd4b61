# SPDX-License-Identifier: BSD-3-Clause
"""Runs become a table for people, and plots."""
import json
import os
import statistics
import sys

from measure import VERDICTS

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import plot  # noqa: E402  (bench/plot.py)

COMPARED = {"HAProxy, TCP mode": "HAProxy", "Postfix, before-queue proxy": "Postfix"}


def short(value):
    """Four digits, with thousands."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def progress(run):
    """A run in a line."""
    but = f"  BUT {', '.join(run['but'])}" if run["but"] else ""
    return (f"{run['part']} {run['round']}  {run['system']}  {run['load']['name']}: "
            f"{short(run['messages_per_second'])} messages/s, {short(run['core_seconds_per_1000'])} core-s per 1,000, "
            f"core {run['core_share']:.0%}, generator {1 - run['headroom']:.0%}{but}")


class Row:
    """All rounds of a system under a load. Runs with a reservation count only where there are no others."""

    def __init__(self, runs):
        self.first = runs[0]
        self.clean = [run for run in runs if not run["but"]]
        self.runs = self.clean or runs
        self.all = runs

    def median(self, field):
        values = [run[field] for run in self.runs if run[field] is not None]
        return statistics.median(values) if values else None

    def spread(self, field):
        values = [run[field] for run in self.runs if run[field] is not None]
        if not values:
            return "–"
        return short(values[0]) if len(values) == 1 else (
            f"{short(statistics.median(values))} ({short(min(values))}–{short(max(values))})")

    def but(self):
        """What is to be held against the row."""
        if self.clean:
            return f"{len(self.clean)} of {len(self.all)} runs" if len(self.clean) < len(self.all) else ""
        return ", ".join(sorted({name for run in self.all for name in run["but"]}))

    def point(self, field):
        values = [run[field] for run in self.runs if run[field] is not None]
        return [statistics.median(values), min(values), max(values)] if values else None


def rows(runs, part):
    """{load: {system: Row}}, in the order of the runs."""
    grouped = {}
    for run in runs:
        if run["part"] == part:
            grouped.setdefault(run["load"]["name"], {}).setdefault(run["system"], []).append(run)
    return {load: {system: Row(found) for system, found in systems.items()} for load, systems in grouped.items()}


def ratios(row, systems, field="messages_per_core_second"):
    """How many times the work of those in COMPARED a core does here."""
    own, out = row.median(field), []
    for title in COMPARED:
        other = systems[title].median(field) if title in systems else None
        out.append(f"{own / other:.3g}" if own and other and row is not systems[title] else "–")
    return out


def part_table(runs, part):
    """Markdown of a part whose runs are of measure.Stage.run()."""
    lines = []
    for load, systems in rows(runs, part).items():
        lines += ["", f"### {load}", "",
                  "| system | messages/s | core-seconds per 1,000 messages | messages per core-second | "
                  + " | ".join(f"× {name}" for name in COMPARED.values())
                  + " | core busy | generator's headroom | p50, p99 of a message (µs) | reservations |",
                  "|---|---|---|---|" + "---|" * (len(COMPARED) + 4)]
        for title, row in systems.items():
            latency = row.runs[0]["smtpgen"]["latency_us"].get("message") or {}
            lines.append(f"| {title} | {row.spread('messages_per_second')} | {row.spread('core_seconds_per_1000')} | "
                         f"{row.spread('messages_per_core_second')} | {' | '.join(ratios(row, systems))} | "
                         f"{row.median('core_share'):.0%} | {row.median('headroom'):.0%} | "
                         f"{short(latency.get('p50'))}, {short(latency.get('p99'))} | {row.but()} |")
    return lines


def bars(runs, part, field, title, label):
    """A result for bench/plot.py: a group a load, a bar a system."""
    series = {}
    for load, systems in rows(runs, part).items():
        for system, row in systems.items():
            point = row.point(field)
            if point:
                series.setdefault(system, []).append([load, *point])
    return {"title": title, "x": {"label": ""}, "y": {"label": label, "log": True},
            "series": [{"name": name, "points": points} for name, points in series.items()]}


def markdown(said):
    """The whole page."""
    about = said["machine"]
    lines = ["# SplitMX beside others", "",
             f"{about['cpu']}, {about['cpus']} CPUs, Linux {about['kernel']}; {said['rounds']} rounds, runs of "
             f"{said['seconds']:g} s; medians (lowest–highest). What the columns mean: bench/README.md."]
    titles = {"peers": "Peers on the same load", "ours": "Ours: ports, sizes, sides, sessions, mailboxes"}
    for part, title in titles.items():
        body = part_table(said["runs"], part)
        lines += ["", f"## {title}", *body] if body else []
    lines += ["", "Reservations: " + "; ".join(f"{name}: {text}" for name, text in VERDICTS.items()) + "."]
    if said["failures"]:
        lines += ["", "Not measured:", ""] + [f"- {f['part']} round {f['round']}, {f['name']}: "
                                              f"{' '.join(f['reason'].split())[:300]}" for f in said["failures"]]
    return "\n".join(lines) + "\n"


def write(said, directory):
    """compare.md, and each plot as JSON and SVG."""
    with open(os.path.join(directory, "compare.md"), "w", encoding="utf-8") as file:
        file.write(markdown(said))
    plots = {"peers-efficiency": bars(said["runs"], "peers", "messages_per_core_second",
                                      "Messages per core-second", "messages per core-second")}
    for name, result in plots.items():
        if not result["series"]:
            continue
        with open(os.path.join(directory, f"{name}.json"), "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
        with open(os.path.join(directory, f"{name}.svg"), "w", encoding="utf-8") as file:
            file.write(plot.plot(result))
