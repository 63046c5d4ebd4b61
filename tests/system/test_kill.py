# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 under load: what a client was told was accepted is with its destination."""
import random
import time

from harness import network
from harness.case import CaptureCase
from harness.client import Client
from harness.load import Load
from harness.process import wait_until

SIDES = ("alice@example.com", "carol@example.com")


class Kill(CaptureCase):
    seconds = 240

    def test_twenty_times_no_accepted_message_is_lost(self):
        random.seed(20)

        def make(number):  # to one side, to the other, or to both
            recipients = (SIDES[:1], SIDES[1:], SIDES)[number % 3]
            return recipients, b"X-Number: %d \r\n\r\n" % number + b"text " * random.randrange(4000) + b"\r\n"

        load = Load(make, sessions=10, seconds=3)
        for _ in range(20):
            before = len(load.accepted)
            wait_until(lambda: len(load.accepted) > before, 20, "mail flows after the start")
            time.sleep(random.uniform(0, 0.7))
            self.router.kill()
            started = time.monotonic()
            self.router.start()
            self.assertLess(time.monotonic() - started, 10, "seconds to be back")
        accepted = set(load.stop())
        self.assertGreater(len(accepted), 200)
        for server, remainders in ((self.ours, (0, 2)), (self.external, (1, 2))):
            arrived = {int(m.content.split(b"X-Number: ")[1].split()[0]) for m in server.messages}
            lost = {number for number in accepted if number % 3 in remainders} - arrived
            self.assertEqual(lost, set(), f"lost, of {len(accepted)} accepted")
        self.assertFlows()

    def test_connections_from_before_are_reset_and_not_left_hanging(self):
        with Client(network.ROUTER, seconds=10) as old:
            old.hello()
            self.router.kill()
            self.router.start()
            with self.assertRaises(ConnectionError):
                for _ in range(3):
                    old.command("NOOP")
        self.assertFlows()
