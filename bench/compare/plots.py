# SPDX-License-Identifier: BSD-3-Clause
"""What of the runs is drawn: results for bench/plot.py."""
from rows import rows

COST, RATE = "core_seconds_per_1000", "messages_per_second"
# group of part 3: (file, title, label of x, y)
BY_NUMBER = {
    "active sessions": ("sessions-active", "Cost by active sessions", "sessions", COST),
    "idle sessions beside 100": ("sessions-idle", "Cost by idle sessions beside 100", "idle sessions", COST),
    "mailboxes": ("mailboxes", "Cost by mailboxes", "mailboxes", COST),
}
LABELS = {COST: "core-seconds per 1,000 messages", RATE: "messages/s"}


def _result(title, x, y, series, bars=False):
    series = [{"name": name, "points": points} for name, points in series.items() if points]
    return {"title": title, "x": {"label": x, "log": not bars}, "y": {"label": y, "log": True}, "series": series}


def peers(runs):
    """A group a load, a bar a system."""
    series = {}
    for load, systems in rows(runs, "peers").items():
        for system, row in systems.items():
            point = row.point("messages_per_core_second")
            if point:
                series.setdefault(system, []).append([load, *point])
    return _result("Messages per core-second", "", "messages per core-second", series, bars=True)


def by_size(runs, keep):
    """Throughput of each port."""
    series = {}
    for systems in rows([run for run in runs if run.get("x") == run["load"].get("size")
                         and run["load"].get("keep") == keep], "ours").values():
        for port, row in systems.items():
            point = row.point(RATE)
            if point:
                series.setdefault(port, []).append([row.first["x"], *point])
    sessions = "kept sessions" if keep else "a connection each"
    return _result(f"Messages by size, {sessions}", "bytes of a message", LABELS[RATE], series)


def by_number(runs, group, title, label, field):
    """One line: what a message costs as something grows. Nothing has no place on a logarithmic axis: it is 1."""
    points = []
    for row in rows(runs, "ours").get(group, {}).values():
        point = row.point(field)
        if point:
            points.append([max(1, row.first["x"]), *point])
    return _result(title, label, LABELS[field], {"SplitMX, memif": points})


def by_rate(runs):
    """Latency of a whole message as the load grows."""
    series = {"p50": [], "p99": []}
    for row in rows(runs, "ours").get("open loop", {}).values():
        for name, points in series.items():
            points.append([row.first["x"], row.runs[0]["smtpgen"]["latency_us"]["message"][name]])
    return _result("Latency by load", "messages/s", "µs for a message", series)


def of(runs):
    """{file name without its end: result} of all that have points."""
    found = {"peers": peers(runs), "sizes-kept": by_size(runs, True), "sizes-fresh": by_size(runs, False),
             "latency": by_rate(runs)}
    found |= {name: by_number(runs, group, title, label, field)
              for group, (name, title, label, field) in BY_NUMBER.items()}
    return {name: result for name, result in found.items() if result["series"]}
