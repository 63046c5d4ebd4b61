# SPDX-License-Identifier: BSD-3-Clause
"""Our TCP and the kernel's over bad wires: whatever the wire does, bytes arrive as they were sent.

How fast they arrive is measured by bench/tcp_matrix.py, with the same hosts and the same wire.
"""
from harness.case import Case
from harness.lab import OURS, Lab

FAMILIES = (4, 6)
WIRES = {
    "nothing is wrong": ({"rate": 200}, 20_000_000),
    "lost, in bursts too": ({"drop": 2, "burst": 3, "delay": 1}, 3_000_000),
    "reordered and duplicated": ({"reorder": 3, "duplicate": 2, "delay": 2}, 3_000_000),
    "a long way, a short queue": ({"delay": 25, "rate": 50, "queue": 60_000}, 3_000_000),
    "everything at once": ({"drop": 3, "reorder": 3, "duplicate": 1, "delay": 3, "rate": 20}, 1_000_000),
}


class TcpAndLinux(Case):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.keep(Lab(cls.build, families=FAMILIES))

    def carry(self, sends):
        for family in FAMILIES:
            for what, (faults, size) in WIRES.items():
                with self.subTest(what, family=family):
                    self.lab.connect(OURS, from_side=sends, seed=2026, **faults)
                    try:
                        for bytes_ in (1, 1_000, 100_000, size):
                            self.lab.transfer(OURS, sends, bytes_, family)
                    finally:
                        counts = self.lab.cut()
                    self.assertEqual(counts["overrun"] + counts["kernel_drops"], 0, counts)

    def test_what_we_send_arrives_at_linux_as_it_was_sent(self):
        self.carry(sends=True)

    def test_what_linux_sends_arrives_here_as_it_was_sent(self):
        self.carry(sends=False)

    def test_connections_that_we_open_carry_as_well(self):
        for family in FAMILIES:
            for sends in (True, False):
                with self.subTest(family=family, sends=sends):
                    self.lab.connect(OURS, from_side=sends, seed=2027, **WIRES["everything at once"][0])
                    try:
                        said = self.lab.ours_connects(sends, 300_000, family)
                    finally:
                        self.lab.cut()
                    self.assertTrue(said["intact"], said)
