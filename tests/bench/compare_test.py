#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the comparison makes of its runs: which count, medians, ratios, the bound, tables and drawings."""
import os
import sys
import tempfile
import types
import unittest

sys.dont_write_bytecode = True
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path[:0] = [os.path.join(ROOT, "bench", "compare"), os.path.join(ROOT, "tests", "system")]

import bound  # noqa: E402  (the path comes first)
import measure  # noqa: E402
import plots  # noqa: E402
import rows  # noqa: E402
import table  # noqa: E402
from generator import PORTS, Load  # noqa: E402
from parts import ours, stages  # noqa: E402


def a_run(system="SplitMX, memif", part="peers", load="1 kB, kept sessions", cost=0.005, but=(), **more):
    """As measure.Stage.run() gives it, a thousand messages in a second."""
    return {"part": part, "round": 1, "system": system, "does": "cut-through", "port": "memif",
            "load": {"name": load, "size": 1024, "keep": True}, "messages": 1000, "seconds": 1.0,
            "messages_per_second": 1000.0, "core_seconds_per_1000": cost, "messages_per_core_second": 1000 / cost,
            "core_share": cost, "headroom": 0.5, "but": list(but),
            "smtpgen": {"counts": {"messages_accepted": 1000}, "latency_us": {"message": {"p50": 10, "p99": 20}},
                        "wire": {"packets_in": 4000, "packets_out": 4000, "bytes_in": 2_000_000,
                                 "bytes_out": 2_000_000}}} | more


def page(runs, failures=()):
    return table.markdown({"machine": {"cpu": "a CPU", "cpus": 2, "kernel": "6.1"}, "rounds": 3, "seconds": 10,
                           "runs": runs, "failures": list(failures)})


class Rows(unittest.TestCase):
    def test_are_the_rounds_of_a_system_under_a_load(self):
        found = rows.rows([a_run(cost=0.004), a_run("Exim"), a_run(cost=0.008), a_run(part="ours")], "peers")
        self.assertEqual(list(found), ["1 kB, kept sessions"])
        row = found["1 kB, kept sessions"]["SplitMX, memif"]
        self.assertEqual((row.median("core_seconds_per_1000"), len(row.all)), (0.006, 2))
        self.assertEqual(row.point("core_seconds_per_1000"), [0.006, 0.004, 0.008])
        self.assertEqual(row.spread("core_seconds_per_1000"), "0.006 (0.004–0.008)")

    def test_count_disturbed_runs_only_where_there_are_no_others(self):
        row = rows.Row([a_run(cost=0.004), a_run(cost=0.9, but=["disturbed"])])
        self.assertEqual((row.median("core_seconds_per_1000"), row.but()), (0.004, "1 of 2 runs"))
        row = rows.Row([a_run(cost=0.9, but=["disturbed", "failures"])])
        self.assertEqual((row.median("core_seconds_per_1000"), row.but()), (0.9, "disturbed, failures"))

    def test_have_no_number_where_nothing_was_measured(self):
        row = rows.Row([a_run(core_seconds_per_1000=None)])
        self.assertEqual((row.median("core_seconds_per_1000"), row.spread("core_seconds_per_1000")), (None, "–"))


class Verdicts(unittest.TestCase):
    """measure.Stage's, on a run that would be good."""

    def judge(self, busy=0.5, foreign=0.0, drained=True, under_way=0, accepted=1000, records=1000, **counts):
        stage = measure.Stage(None, None, None)
        stage.foreign = foreign
        stage.system = types.SimpleNamespace(title="a", does="b", port="veth", log_of="message",
                                             cost=lambda core, facts: core["busy"])
        said = {"seconds": 1.0, "rates": {"busy": busy}, "counts": {
            "messages_accepted": accepted, "messages_refused": 0, "messages_failed": 0, "messages_in_doubt": 0,
            "connections": 50} | counts}
        return stage._judge(Load(), said, {"busy": 0.25}, {}, records, {}, drained, under_way)

    def test_are_none_on_a_good_run(self):
        run = self.judge()
        self.assertEqual(run["but"], [])
        self.assertEqual((run["core_seconds_per_1000"], run["messages_per_core_second"]), (0.25, 4000))

    def test_name_what_is_wrong(self):
        self.assertEqual(self.judge(busy=0.81)["but"], ["generator-bound"])
        self.assertEqual(self.judge(foreign=0.06)["but"], ["disturbed"])
        self.assertEqual(self.judge(drained=False)["but"], ["disturbed"])
        self.assertEqual(self.judge(records=999)["but"], ["log-missing"])
        self.assertEqual(self.judge(messages_refused=1)["but"], ["failures"])
        self.assertEqual(self.judge(accepted=0, records=0)["but"], ["failures"])

    def test_let_only_what_is_under_way_be_without_a_record(self):
        self.assertEqual(self.judge(records=990, under_way=10)["but"], [])
        self.assertEqual(self.judge(records=989, under_way=10)["but"], ["log-missing"])

    def test_are_all_explained_on_the_page(self):
        for name in measure.VERDICTS:
            self.assertIn(f"{name}: ", page([a_run()]))


class Bound(unittest.TestCase):
    LIMIT = [{"part": "limit", "size": size, "busy_ns_per_packet": ns, "system": "io-forward",
              "load": {"name": f"{size} B"}, "packets_per_second": 1e6, "core_share": 1.0}
             for size, ns in ((64, 90), (64, 74), (1064, 274), (1064, 400))]

    def test_is_a_line_through_the_best_runs(self):
        a, b = bound.line(self.LIMIT)
        self.assertAlmostEqual(b, 0.2)
        self.assertAlmostEqual(a, 74 - 64 * 0.2)
        self.assertIsNone(bound.line(self.LIMIT[:2]))

    def test_takes_a_packet_in_and_one_out_for_one_that_is_forwarded(self):
        run = a_run()
        self.assertEqual(bound.packets(run), (4, 4, 4000))
        self.assertAlmostEqual(bound.messages_per_second(run, (100, 0.1)), 1e9 / ((8 * 100 + 400) / 2))

    def test_stands_beside_our_rows(self):
        text = page([*self.LIMIT, a_run(cost=1000 * 1e-9 * 4 * 2 * 374.4)])
        self.assertIn("61 ns a packet and 0.200 ns a byte", text)
        self.assertRegex(text, r"SplitMX, memif \| 1 kB, kept sessions \| 4\.0, 4\.0 \| 4,000 \|.*\| \d+% \|")


class Page(unittest.TestCase):
    def test_says_how_many_times_the_work_of_others_a_core_does(self):
        text = page([a_run(), a_run("HAProxy, TCP mode", cost=0.05), a_run("Postfix, before-queue proxy", cost=0.5)])
        ours_line, = (line for line in text.splitlines() if line.startswith("| SplitMX"))
        self.assertIn("| 10 | 100 |", ours_line)
        theirs, = (line for line in text.splitlines() if line.startswith("| HAProxy"))
        self.assertIn("| – | 10 |", theirs)

    def test_says_what_was_not_measured(self):
        failure = {"part": "peers", "round": 2, "name": "exim", "reason": "it\n  ended"}
        self.assertIn("- peers round 2, exim: it ended", page([], [failure]))

    def test_is_written_with_its_drawings(self):
        with tempfile.TemporaryDirectory() as directory:
            said = {"machine": {"cpu": "a", "cpus": 2, "kernel": "6"}, "rounds": 1, "seconds": 1, "failures": [],
                    "runs": [a_run(), a_run("100", "ours", "mailboxes", x=100), a_run("1,000", "ours", "mailboxes",
                                                                                     x=1000)]}
            table.write(said, directory)
            self.assertEqual(sorted(os.listdir(directory)), ["compare.md", "mailboxes.json", "mailboxes.svg",
                                                             "peers.json", "peers.svg"])


class Cells(unittest.TestCase):
    def cells(self, full=False, quick=False, only=None):
        bench = types.SimpleNamespace(full=full, quick=quick, wanted=lambda name: not only or only in name)
        return ours.cells(bench)

    def test_vary_what_the_page_promises(self):
        groups = {cell.group for cell in self.cells(full=True)}
        for name in ("1 kB, kept sessions", "1 MB, a connection each", "sides", "active sessions",
                     "idle sessions beside 100", "mailboxes", "open loop"):
            self.assertIn(name, groups)
        self.assertLessEqual({"memif", "af_packet", "af_xdp", "tap"}, {cell.port for cell in self.cells()})
        most = max(cell.x for cell in self.cells(full=True) if cell.group == "active sessions")
        self.assertEqual(most, 100_000)

    def test_leave_crowds_to_full_runs_and_much_else_out_of_quick_ones(self):
        self.assertLessEqual(max(cell.load.sessions + cell.load.idle for cell in self.cells()), 10_100)
        self.assertLess(len(self.cells(quick=True)), len(self.cells()))

    def test_are_drawn_where_a_number_varies(self):
        for group in plots.BY_NUMBER:
            self.assertTrue(any(cell.group == group and cell.x is not None for cell in self.cells()))

    def test_have_a_port_for_each_session(self):
        load = Load(sessions=PORTS * 2, idle=PORTS)
        self.assertEqual(len(set(load.addresses())), 4)
        words = [str(word) for word in load.words()]
        self.assertEqual(words[words.index("--idle-sessions") + 1], str(PORTS))
        self.assertGreaterEqual(int(words[words.index("--buffers") + 1]), 5 * PORTS * 3)


class Stages(unittest.TestCase):
    PROFILE = """\
ob=(1) /build/app/splitmx
fl=(1) /src/app/worker.c
fn=(1) worker_main
10 5
cfi=(2) /src/drivers/tcp/input.c
cfn=(2) tcp_input
calls=1 20
11 100
fl=(2)
fn=(2)
20 60
fi=(3) /src/drivers/base/sum.h
21 7
fe=(2)
22 3
cob=(2) /usr/lib/libc.so.6
cfi=(4) /lib/memcpy.S
cfn=(3) memcpy
calls=1 1
23 30
"""

    def test_have_the_instructions_of_their_sources_and_of_what_these_call_elsewhere(self):
        with tempfile.NamedTemporaryFile("w", suffix=".1-01", encoding="ascii") as file:
            file.write(self.PROFILE)
            file.flush()
            profile = stages.Profile(file.name, "/src")
        self.assertTrue(profile.is_worker)
        tcp = next(i for i, (_title, prefixes) in enumerate(stages.STAGES) if "drivers/tcp/" in prefixes)
        self.assertEqual(profile.instructions[tcp], 60 + 7 + 3 + 30)
        self.assertEqual(sum(profile.instructions), 5 + 100)


if __name__ == "__main__":
    unittest.main()
