# SPDX-License-Identifier: BSD-3-Clause
"""The kernel's TCP as the peer of ours, over a wire that loses, duplicates and reorders."""
import hashlib
import random

from harness import network
from harness.case import Case
from harness.load import Load
from harness.server import Server
from harness.splitmx import SplitMX
from harness.wire import Wire

MESSAGES, SIZE = 2000, 100_000
# So many that no RCPT waits together with twenty others that are alike: such are deferred.
NAMES = [f"user{number}" for number in range(40)]


class BadWire(Case):
    seconds = 300

    def test_two_thousand_messages_of_100_kb_arrive_intact(self):
        self.carry(MESSAGES, drop=2, duplicate=1, reorder=2)

    def test_a_delay_of_20_ms_each_way(self):
        self.carry(100, delay=20)

    def test_a_delay_with_loss(self):
        self.carry(100, delay=10, drop=1, reorder=1)

    def carry(self, messages, **faults):
        """Send so many messages through such a wire, and compare what arrived."""
        wire = Wire(self.build, seed=2026, **faults)
        self.addCleanup(wire.close)
        servers = [Server(address, keep="digest") for address in (network.OURS, network.EXTERNAL)]
        for server in servers:
            self.addCleanup(server.close)
        router = SplitMX(self.build, "net_af_packet", mailboxes=NAMES)
        self.addCleanup(router.close)
        router.start()

        def make(number):
            name = NAMES[number // 2 % len(NAMES)]
            return [(name, f"not-{name}")[number % 2] + "@example.com"], content(number)

        load = Load(make, sessions=40, count=messages, seconds=60)
        accepted = load.wait(self.seconds - 40)
        self.assertEqual(sorted(accepted), list(range(messages)))
        self.assertEqual(load.trouble, [], "a bad wire is TCP's business, not the client's")
        for side, server in enumerate(servers):
            expected = sorted(hashlib.sha256(content(number)).hexdigest()
                              for number in range(side, messages, 2))
            self.assertEqual(sorted(message.digest for message in server.messages), expected)
        counts = wire.close()
        self.assertEqual(counts["overrun"] + counts["kernel_drops"], 0, counts)


def content(number):
    """SIZE bytes in lines, the same for the same number."""
    line = random.Random(number).randbytes(38).hex().encode() + b"\r\n"
    return b"".join(b"%08d" % i + line[8:] for i in range(SIZE // len(line)))
