# SPDX-License-Identifier: BSD-3-Clause
"""Ten thousand messages to a thousand mailboxes, half of them on each side."""
import collections
import re

from harness import network
from harness.case import Case
from harness.postfix import Postfix
from harness.process import run
from harness.splitmx import SplitMX

RUNS, MAILBOXES = 10, 1000


class Volume(Case):
    seconds = 300

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # smtp-source -N numbers its recipients: 1box, 2box, ...; the even ones are ours.
        names = [f"{number}box" for number in range(1, MAILBOXES + 1)]
        cls.ours = cls.keep(Postfix("ours", network.OURS, names[1::2]).start())
        cls.external = cls.keep(Postfix("external", network.EXTERNAL, names[0::2]).start())
        cls.router = cls.keep(SplitMX(cls.build, mailboxes=names[1::2], verify=names[0]).start())

    def test_every_message_is_in_its_own_mailbox_once_and_in_no_other(self):
        before = self.router.relay_counters()
        for number in range(RUNS):
            run("smtp-source", "-N", "-s", 50, "-m", MAILBOXES, "-S", f"run {number}", "-f", "s@client.test",
                "-t", "box@example.com", f"{network.ROUTER}:25", seconds=100)
        expected = {f"run {number}": 1 for number in range(RUNS)}
        for server, first in ((self.ours, 2), (self.external, 1)):
            server.settle(120)
            boxes = {address: dict(collections.Counter(map(subject, messages)))
                     for address, messages in server.mailboxes().items()}
            self.assertEqual(boxes, {f"{number}box@example.com": expected
                                     for number in range(first, MAILBOXES + 1, 2)})
        after = self.router.relay_counters()
        counted = {name: after[name] - before[name] for name in (
            "messages", "delivered", "verdict_local", "verdict_external", "messages_in_doubt")}
        self.assertEqual(counted, {
            "messages": RUNS * MAILBOXES, "delivered": RUNS * MAILBOXES, "messages_in_doubt": 0,
            "verdict_local": RUNS * MAILBOXES // 2, "verdict_external": RUNS * MAILBOXES // 2})
        delivered = [line for line in self.router.mail_log() if "status=delivered" in line]
        self.assertEqual(len(delivered), RUNS * MAILBOXES)


def subject(message):
    return re.search(rb"^Subject: (.*)$", message, re.M)[1].decode()
