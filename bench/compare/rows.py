# SPDX-License-Identifier: BSD-3-Clause
"""The rounds of a system under a load, together."""
import statistics


def short(value):
    """Four digits, with thousands."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


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
