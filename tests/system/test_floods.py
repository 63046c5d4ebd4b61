# SPDX-License-Identifier: BSD-3-Clause
"""Floods of segments and crowds of connections: what is established keeps moving."""
import sys

from harness.case import Case
from harness.flood import Flood, blind_injections, spoofed_syns
from harness.lab import BENCH, OURS, PORT, Lab
from harness.process import wait_until

sys.path.insert(0, BENCH)
import tcp_kernel  # noqa: E402  (the path comes first)

BYTES, ENOUGH, CROWD = 10_000_000, 50_000, 10_000


class Floods(Case):
    seconds = 120

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.keep(Lab(cls.build, families=(4,)))
        cls.lab.bridge(OURS)

    def begin(self, *options):
        """tcp_peer afresh, and two connections to it: it will send on one and receive on the other."""
        self.lab.stop_ours()
        self.lab.start_ours("--gateway", self.lab.address(1), *options)
        self.established = [self.lab.dial(OURS, seconds=60) for _ in range(2)]
        for connection in self.established:
            self.addCleanup(connection.close)

    def assertMoves(self):
        """Both carry their bytes, unchanged."""
        for sends, connection in enumerate(self.established):
            tcp_kernel.converse(connection, bool(sends), BYTES)

    def under(self, packets):
        """What the stack has counted when both have carried their bytes under this flood."""
        flood = Flood(self.lab, packets)
        try:
            self.assertMoves()
            wait_until(lambda: flood.sent >= ENOUGH, 60, "a flood")
        finally:
            flood.stop()
        counters = self.lab.state()["counters"]
        self.assertGreaterEqual(counters["TCP_RX_SEGMENTS"], ENOUGH // 2)
        return counters

    def test_a_flood_of_syns_from_spoofed_addresses(self):
        self.begin()
        self.under(spoofed_syns(self.lab.address(3), PORT, 20_000))

    def test_a_storm_of_blind_segments_and_icmp(self):
        self.begin()
        packets = []
        for seed, connection in enumerate(self.established):
            packets += blind_injections(self.lab.address(1), connection.getsockname()[1],
                                        self.lab.address(3), PORT, 10_000, seed)
        counters = self.under(packets)
        # How many were sent says little: when both are closed, each blind SYN opens a connection anew.
        self.assertGreater(counters["TCP_TX_CHALLENGES_LIMITED"], 100)

    def test_a_crowd_of_idle_connections(self):
        # Each keeps a window open, which is memory that nobody else is promised.
        self.begin("--connections", str(CROWD + 64), "--buffers", str(8 * CROWD))
        crowd = self.lab.crowd(CROWD)
        try:
            wait_until(lambda: self.connections() == CROWD + 2, 10, "all are open")
            self.assertMoves()
            with self.lab.dial(OURS, seconds=60) as latecomer:
                tcp_kernel.converse(latecomer, True, 100_000)
            state = self.lab.state()["state"]
        finally:
            self.lab.disperse(crowd)
        idle = state["table_bytes_per_connection"] + state["records"] * state["record_bytes"] / CROWD
        self.assertLessEqual(idle, 1024)
        wait_until(lambda: self.connections() <= 2, 20, "all are gone", 0.2)

    def connections(self):
        return self.lab.state()["state"]["connections"]
