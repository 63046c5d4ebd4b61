#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws results as SVG, beside the JSON files or into --out DIRECTORY.

A result is {"title": TEXT, "x": AXIS, "y": AXIS, "series": [{"name": TEXT, "points": [POINT, ...]}]},
an AXIS {"label": TEXT, "log": false}, a POINT [x, median] or [x, median, low, high]. Where the x are
numbers, each series is a line; where they are texts, a bar in each group. A median of null was not
measured. Without FILE: all of bench/results/ that are such results.
"""
import argparse
import html
import json
import math
import os
import sys

WIDTH, HEIGHT = 880, 480
LEFT, RIGHT, TOP, BOTTOM = 82, 200, 52, 66  # margins; the legend is in the right one
# Okabe and Ito's: told apart by all eyes. Shapes tell them apart in print.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c8c8c")
SHAPES = ("M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", "M-4-4h8v8h-8z", "M0-5l5 9h-10z", "M0-5l5 5-5 5-5-5z",
          "M0 5l5-9h-10z", "M-4-1.5h2.5v-2.5h3v2.5h2.5v3h-2.5v2.5h-3v-2.5h-2.5z")
SQUARE = 1     # of the shapes: for bars
TICK_ROOM = 46  # pixels that a label on the x axis takes


class Malformed(Exception):
    """What is wrong with a result."""


def short(value):
    """12000 as 12k, 0.00035 as 0.00035: at most four digits that mean something."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.4g}{name}"
    return f"{value:.4g}"


class Axis:
    """Values to pixels, and where to write numbers. A logarithmic one begins at a `decade` if asked to."""

    def __init__(self, spec, values, start, end, decade=False):
        self.label, self.log = str(spec.get("label", "")), bool(spec.get("log"))
        self.start, self.end = start, end
        if self.log and min(values) <= 0:
            raise Malformed(f"{min(values)} on a logarithmic axis")
        if self.log:
            self.low, self.high = min(values) / 1.15, max(values) * 1.15
            if decade:
                self.low = 10.0 ** math.floor(math.log10(self.low))
        else:
            self.low, self.high = min(0, *values), (max(values) or 1) * 1.06

    def scale(self, value):
        return math.log10(value) if self.log else value

    def __call__(self, value):
        share = (self.scale(value) - self.scale(self.low)) / (self.scale(self.high) - self.scale(self.low))
        return self.start + share * (self.end - self.start)

    def ticks(self):
        return [t for t in (self.decades() if self.log else self.steps()) if self.low <= t <= self.high]

    def decades(self):
        digits = (1, 2, 5) if math.log10(self.high / self.low) < 2.5 else (1,)
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        return [d * 10.0 ** e for e in range(first, last + 1) for d in digits]

    def steps(self):
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / 4))
        step *= next(m for m in (1, 2, 2.5, 5, 10) if (self.high - self.low) / (step * m) <= 6)
        return [i * step for i in range(math.floor(self.low / step), math.ceil(self.high / step) + 1)]

    def ticks_at(self, values):
        """The values themselves if there is room for them all."""
        at = sorted(self(v) for v in values)
        roomy = all(b - a >= TICK_ROOM for a, b in zip(at, at[1:]))
        return sorted(values) if roomy else self.ticks()


class Drawing:
    """Lines of SVG."""

    def __init__(self):
        self.lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
                      f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="13">',
                      f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>']

    def put(self, element, text=None, **attributes):
        words = "".join(f' {name.replace("_", "-")}="{html.escape(f"{v:.1f}" if isinstance(v, float) else str(v))}"'
                        for name, v in attributes.items())
        self.lines.append(f"<{element}{words}/>" if text is None else
                          f"<{element}{words}>{html.escape(str(text))}</{element}>")

    def line(self, x1, y1, x2, y2, colour, width=1):
        self.put("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, stroke_width=width)

    def text(self, x, y, text, anchor="middle", **more):
        self.put("text", text, x=x, y=y, text_anchor=anchor, fill="#222222", **more)

    def whisker(self, x, low, high, colour):
        self.line(x, low, x, high, colour)
        for y in (low, high):
            self.line(x - 3.0, y, x + 3.0, y, colour)

    def marker(self, x, y, i, shape=None):
        self.put("path", d=SHAPES[(i if shape is None else shape) % len(SHAPES)], fill=COLOURS[i % len(COLOURS)],
                 transform=f"translate({x:.1f} {y:.1f})")

    def __str__(self):
        return "\n".join(self.lines + ["</svg>", ""])


def check(result):
    """The series as [(name, [(x, median, low, high), ...])], without what was not measured."""
    try:
        series = [(str(s["name"]), [(p[0], p[1], p[2] if len(p) > 2 else p[1], p[3] if len(p) > 3 else p[1])
                                    for p in s["points"] if p[1] is not None]) for s in result["series"]]
        result["title"], result["x"].get, result["y"].get
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise Malformed(f"not a result: {error!r}") from None
    points = [p for _, points in series for p in points]
    if not points:
        raise Malformed("no point was measured")
    if len({isinstance(p[0], str) for p in points}) > 1:
        raise Malformed("texts and numbers on one axis")
    if not all(isinstance(v, (int, float)) and math.isfinite(v) for p in points
               for v in p[isinstance(p[0], str):]):
        raise Malformed("a value that is no number")
    return series


def frame(d, result, y):
    middle = (LEFT + WIDTH - RIGHT) / 2
    d.text(middle, 26, result["title"], font_size=16, font_weight="bold")
    for tick in y.ticks():
        d.line(LEFT, y(tick), WIDTH - RIGHT, y(tick), "#dddddd")
        d.text(LEFT - 8, y(tick) + 4.5, short(tick), "end")
    d.text(middle, HEIGHT - 18, result["x"].get("label", ""))
    d.text(0, 0, y.label, transform=f"translate(20 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)")


def legend(d, series, order, shape=None):
    for row, i in enumerate(order):
        top = TOP + 14 + 22 * row
        d.marker(WIDTH - RIGHT + 22.0, float(top), i, shape)
        d.text(WIDTH - RIGHT + 36, top + 4.5, series[i][0], "start")


def lines(d, spec, series, y):
    places = {p[0] for _, points in series for p in points}
    x = Axis(spec, places, LEFT, WIDTH - RIGHT)
    for tick in x.ticks_at(places):
        d.line(x(tick), TOP, x(tick), HEIGHT - BOTTOM, "#eeeeee")
        d.text(x(tick), HEIGHT - BOTTOM + 20, short(tick))
    for i, (_, points) in enumerate(series):
        colour, points = COLOURS[i % len(COLOURS)], sorted(points)
        d.put("polyline", fill="none", stroke=colour, stroke_width=2,
              points=" ".join(f"{x(p[0]):.1f},{y(p[1]):.1f}" for p in points))
        for place, median, low, high in points:
            if low != high:
                d.whisker(x(place), y(low), y(high), colour)
            d.marker(x(place), y(median), i)
    # In the order in which the lines end, from the top down.
    legend(d, series, sorted(range(len(series)), key=lambda i: -max(series[i][1], default=(0, 0))[1]))


def bars(d, series, y):
    groups = list(dict.fromkeys(p[0] for _, points in series for p in points))
    group = (WIDTH - RIGHT - LEFT) / len(groups)
    bar = min(group * 0.8 / len(series), 60)
    for g, name in enumerate(groups):
        d.text(LEFT + (g + 0.5) * group, HEIGHT - BOTTOM + 20, name)
    for i, (_, points) in enumerate(series):
        for name, median, low, high in points:
            left = LEFT + (groups.index(name) + 0.5) * group + (i - len(series) / 2) * bar
            base = y(y.low if y.log else 0)
            d.put("rect", x=left + 1, y=min(y(median), base), width=bar - 2, height=abs(base - y(median)),
                  fill=COLOURS[i % len(COLOURS)])
            if low != high:
                d.whisker(left + bar / 2, y(low), y(high), "#222222")
            d.text(left + bar / 2, min(y(high), base) - 5, short(float(f"{median:.3g}")), font_size=10)
    legend(d, series, range(len(series)), SQUARE)


def plot(result):
    """The SVG as text. Malformed if it cannot be drawn."""
    series = check(result)
    d = Drawing()
    grouped = isinstance(next(p for _, points in series for p in points)[0], str)
    y = Axis(result["y"], [v for _, points in series for p in points for v in p[1:]], HEIGHT - BOTTOM, TOP, grouped)
    frame(d, result, y)
    if grouped:
        bars(d, series, y)
    else:
        lines(d, result["x"], series, y)
    d.line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#222222")
    d.line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, "#222222")
    return str(d)


def main():
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--out", metavar="DIRECTORY")
    arguments = parser.parse_args()
    found = arguments.files or sorted(os.path.join(here, f) for f in os.listdir(here) if f.endswith(".json"))
    failed = False
    for path in found:
        try:
            with open(path, encoding="utf-8") as file:
                result = json.load(file)
            if not arguments.files and not (isinstance(result, dict) and "series" in result):
                continue  # the results of another program
            svg = plot(result)
            name = os.path.splitext(os.path.basename(path))[0] + ".svg"
            target = os.path.join(arguments.out or os.path.dirname(path), name)
            with open(target, "w", encoding="utf-8") as file:
                file.write(svg)
            print(target)
        except (OSError, ValueError, Malformed) as error:
            print(f"{path}: {error}", file=sys.stderr)
            failed = True
    return os.EX_DATAERR if failed else os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
