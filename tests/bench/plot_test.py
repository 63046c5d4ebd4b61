#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Drawings hold what was measured, where it belongs; what is no result is refused with a reason."""
import os
import re
import sys
import unittest
import xml.etree.ElementTree as xml

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))

import plot  # noqa: E402  (the path comes first)

SVG = "{http://www.w3.org/2000/svg}"


def result(series, x=None, y=None):
    return {"title": "A <title> & more", "x": {"label": "bytes", **(x or {})}, "y": {"label": "rate", **(y or {})},
            "series": [{"name": name, "points": points} for name, points in series.items()]}


def draw(*arguments, **more):
    return xml.fromstring(plot.plot(result(*arguments, **more)))


def texts(drawing):
    return [t.text for t in drawing.iter(SVG + "text")]


def corners(drawing):
    """Each line's points in pixels."""
    return [[tuple(map(float, p.split(","))) for p in line.get("points").split()]
            for line in drawing.iter(SVG + "polyline")]


class Lines(unittest.TestCase):
    def test_go_through_the_medians(self):
        line, = corners(draw({"a": [[0, 0], [50, 5], [100, 10]]}))
        self.assertEqual(len(line), 3)
        self.assertAlmostEqual(line[1][0] - line[0][0], line[2][0] - line[1][0], delta=0.2)
        self.assertAlmostEqual(line[0][1] - line[1][1], line[1][1] - line[2][1], delta=0.2)
        self.assertEqual(line[0], (plot.LEFT, plot.HEIGHT - plot.BOTTOM))

    def test_are_straight_for_powers_on_logarithmic_axes(self):
        line, = corners(draw({"a": [[10, 1], [100, 100], [1000, 10000]]}, x={"log": True}, y={"log": True}))
        self.assertAlmostEqual(line[1][0] - line[0][0], line[2][0] - line[1][0], delta=0.2)
        self.assertAlmostEqual(line[0][1] - line[1][1], line[1][1] - line[2][1], delta=0.2)

    def test_leave_out_what_was_not_measured(self):
        line, = corners(draw({"a": [[1, 1], [2, None], [3, 3]]}))
        self.assertEqual(len(line), 2)

    def test_stay_inside_the_frame_with_their_whiskers(self):
        drawing = draw({"a": [[1, 5, 1, 90], [1000, 7, 6, 8]]}, y={"log": True})
        for line in drawing.iter(SVG + "line"):
            for y in (float(line.get("y1")), float(line.get("y2"))):
                self.assertTrue(plot.TOP <= y <= plot.HEIGHT - plot.BOTTOM)

    def test_are_named_in_the_order_of_their_ends(self):
        words = texts(draw({"low": [[1, 9], [2, 1]], "high": [[1, 1], [2, 9]], "none": []}))
        self.assertEqual([w for w in words if w in ("low", "high", "none")], ["high", "low", "none"])

    def test_have_their_own_values_below_them_where_there_is_room(self):
        words = texts(draw({"a": [[1000, 1], [10000, 1], [1000000, 1]]}, x={"log": True}))
        for word in ("1k", "10k", "1M"):
            self.assertIn(word, words)

    def test_of_one_value_are_a_point(self):
        self.assertEqual(len(corners(draw({"a": [[5, 5]]}, x={"log": True}, y={"log": True}))[0]), 1)
        self.assertEqual(len(corners(draw({"a": [[0, 0]]}))[0]), 1)


class Bars(unittest.TestCase):
    def test_stand_in_groups_and_are_as_tall_as_their_values(self):
        drawing = draw({"a": [["kept", 10], ["new", 20]], "b": [["kept", 40]]})
        bars = [r for r in drawing.iter(SVG + "rect") if r.get("fill") in plot.COLOURS]
        heights = [float(r.get("height")) for r in bars]
        self.assertAlmostEqual(heights[1] / heights[0], 2, delta=0.05)
        self.assertAlmostEqual(heights[2] / heights[0], 4, delta=0.05)
        self.assertLess(float(bars[2].get("x")), float(bars[1].get("x")))
        for word in ("kept", "new", "10", "20", "40"):
            self.assertIn(word, texts(drawing))

    def test_begin_at_a_power_of_ten_on_a_logarithmic_axis(self):
        drawing = draw({"a": [["x", 100], ["y", 20]]}, y={"log": True})
        tall, low = (float(r.get("height")) for r in drawing.iter(SVG + "rect") if r.get("fill") in plot.COLOURS)
        self.assertAlmostEqual(tall / low, 1 / 0.30103, delta=0.05)


class Texts(unittest.TestCase):
    def test_may_hold_markup(self):
        self.assertIn("A <title> & more", texts(draw({"a\"<b>": [[1, 1]]})))
        self.assertIn("a\"<b>", texts(draw({"a\"<b>": [[1, 1]]})))

    def test_say_numbers_in_short(self):
        self.assertEqual([plot.short(v) for v in (0, 0.00035, 12, 1200, 12000, 1e6, 2.5e9)],
                         ["0", "0.00035", "12", "1.2k", "12k", "1M", "2.5G"])


class Refusals(unittest.TestCase):
    def test_say_what_is_wrong(self):
        for bad, why in (
                ([], "not a result"), ({"title": "t"}, "not a result"), (result({"a": [[1]]}), "not a result"),
                (result({"a": []}), "no point"), (result({"a": [[1, 1], ["x", 1]]}), "texts and numbers"),
                (result({"a": [[1, "1"]]}), "no number"), (result({"a": [[1, float("nan")]]}), "no number"),
                (result({"a": [[1, 0]]}, y={"log": True}), "logarithmic")):
            with self.subTest(bad=bad), self.assertRaisesRegex(plot.Malformed, re.escape(why)):
                plot.plot(bad)


if __name__ == "__main__":
    unittest.main()
