# SPDX-License-Identifier: BSD-3-Clause
"""Runs become a table for people, and plots."""
import json
import os
import sys

import bound
import plots
from measure import VERDICTS
from rows import rows, short

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import plot  # noqa: E402  (bench/plot.py)

COMPARED = {"HAProxy, TCP mode": "HAProxy", "Postfix, before-queue proxy": "Postfix"}


def bound_in_words(run):
    """A run of the limit."""
    if "ns_per_message" in run:
        return f"{short(run['ns_per_message'])} ns"
    return (f"{short(run['packets_per_second'])} packets/s, {short(run['busy_ns_per_packet'])} ns each, "
            f"core {run['core_share']:.0%}")


def progress(run):
    """A run in a line."""
    if run["part"] == "steady":
        return (f"steady  {run['load']['name']}: {run['messages']:,} messages, {run['system_calls']} system calls, "
                f"{run['heap_calls']} calls of the heap")
    if run["part"] == "stages":
        return (f"stages  {run['load']['name']}: {short(run['instructions_per_message'])} instructions, "
                f"{short(run['busy_ns_per_message'])} ns a message")
    if run["part"] == "limit":
        return f"limit {run['round']}  {run['system']}, {run['load']['name']}: {bound_in_words(run)}"
    but = f"  BUT {', '.join(run['but'])}" if run["but"] else ""
    return (f"{run['part']} {run['round']}  {run['system']}  {run['load']['name']}: "
            f"{short(run['messages_per_second'])} messages/s, {short(run['core_seconds_per_1000'])} core-s per 1,000, "
            f"core {run['core_share']:.0%}, generator {1 - run['headroom']:.0%}{but}")


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


def limit_tables(runs):
    """The bounds, and how near to them the rows on memif are."""
    limit = [run for run in runs if run["part"] == "limit"]
    if not limit:
        return []
    lines = ["", "| bound | of | round by round |", "|---|---|---|"]
    grouped = {}
    for run in limit:
        grouped.setdefault((run["system"], run["load"]["name"]), []).append(bound_in_words(run))
    lines += [f"| {system} | {load} | {'; '.join(words)} |" for (system, load), words in grouped.items()]
    fit = bound.line(limit)
    if not fit:
        return lines
    lines += ["", f"io-forward: {fit[0]:.0f} ns a packet and {fit[1]:.3f} ns a byte, by the best run of each size.",
              "",
              "| on memif | load | packets in, out of a message | bytes | io-forward's messages per core-second | "
              "ours | share |", "|---|---|---|---|---|---|---|"]
    for part in ("peers", "ours"):
        for load, systems in rows(runs, part).items():
            lines += [limit_line(row, load, fit) for row in systems.values() if row.runs[0].get("port") == "memif"]
    return lines


def limit_line(row, load, fit):
    into, out, size = bound.packets(row.runs[0])
    most, own = bound.messages_per_second(row.runs[0], fit), row.median("messages_per_core_second")
    share = own / most if own else 0
    return (f"| {row.first['system']} | {load} | {into:.1f}, {out:.1f} | {short(size)} | {short(most)} | "
            f"{short(own)} | {share:.0%} |")


def steady_table(runs):
    lines = [f"| {run['load']['name']} | {run['messages']:,} | {run['system_calls']} | {run['heap_calls']} |"
             for run in runs if run["part"] == "steady"]
    return ["", "| load | messages | the worker's system calls | its calls of the heap |", "|---|---|---|---|",
            *lines] if lines else []


def stages_tables(runs):
    lines = []
    for run in runs:
        if run["part"] != "stages":
            continue
        lines += ["", f"### {run['load']['name']}", "", "| stage | instructions | ns | share |", "|---|---|---|---|"]
        whole = run["instructions_per_message"]
        lines += [f"| {stage['stage']} | {short(stage['instructions'])} | {short(stage['ns'])} | "
                  f"{stage['instructions'] / whole:.0%} |" for stage in run["stages"]]
        lines += [f"| a message | {short(whole)} | {short(run['busy_ns_per_message'])} | |"]
    return lines


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
    body = limit_tables(said["runs"])
    lines += ["", "## The limit", *body] if body else []
    body = steady_table(said["runs"])
    lines += ["", "## In steady state", *body] if body else []
    body = stages_tables(said["runs"])
    lines += ["", "## Where the time of a message goes", *body] if body else []
    lines += ["", "Reservations: " + "; ".join(f"{name}: {text}" for name, text in VERDICTS.items()) + "."]
    if said["failures"]:
        lines += ["", "Not measured:", ""] + [f"- {f['part']} round {f['round']}, {f['name']}: "
                                              f"{' '.join(f['reason'].split())[:300]}" for f in said["failures"]]
    return "\n".join(lines) + "\n"


def write(said, directory):
    """compare.md, and each plot as JSON and SVG."""
    with open(os.path.join(directory, "compare.md"), "w", encoding="utf-8") as file:
        file.write(markdown(said))
    for name, result in plots.of(said["runs"]).items():
        with open(os.path.join(directory, f"{name}.json"), "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
        with open(os.path.join(directory, f"{name}.svg"), "w", encoding="utf-8") as file:
            file.write(plot.plot(result))
