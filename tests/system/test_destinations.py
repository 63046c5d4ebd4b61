# SPDX-License-Identifier: BSD-3-Clause
"""Destinations that are down, refuse, stall, speak out of turn, or close at each step."""
import contextlib
import os
import re
import time

from harness import etc, network
from harness.case import CaptureCase
from harness.client import Client
from harness.process import run, wait_until
from harness.server import (Babble, Close, Delay, Reply, ReplyAndClose, Reset, Server, Stall,
                            TakeAndClose)
from harness.splitmx import SplitMX

BUDGET = 3  # seconds: all the timeouts of these tests


class Destinations(CaptureCase):
    router_options = {"timeouts": f"connect = {BUDGET}s\nrcpt = {BUDGET}s\ndata = {BUDGET}s\n"
                                  f"body_stall = {BUDGET}s\ncommit = {BUDGET}s\n"}

    def conversation(self, content=b"Subject: x\r\n\r\n" + b"text\r\n" * 50000):
        """Replies to RCPT, DATA and the end of data, as far as it goes: a dict by step."""
        with Client(network.ROUTER, seconds=3 * BUDGET) as client:
            client.hello()
            replies = {"rcpt": client.envelope("s@client.test", "alice@example.com")[1]}
            if replies["rcpt"][0] == "2":
                replies["data"] = client.command("DATA")
                if replies["data"][:3] == "354":
                    client.send(content + b".\r\n")
                    replies["dot"] = client.reply()
            self.assertReply(client.command("RSET"), "250")
        return replies

    def assertFails(self, stage, action, step, expected, seconds=BUDGET + 2):
        """With the fault at the stage, the client's step gets the reply; afterwards mail flows.

        step None: whichever step it is that fails."""
        with self.subTest(stage=stage, action=action):
            self.ours.clear()
            if stage in ("connect", "ehlo"):
                self.ours.drop()  # a kept connection would not meet the fault
            self.ours.faults = {stage: action}
            started = time.monotonic()
            replies = self.conversation()
            took = time.monotonic() - started
            last = list(replies)[-1]
            self.assertEqual(last, step or last, replies)
            self.assertReply(replies[last], expected)
            self.assertLess(took, seconds)
            self.assertFlows()

    def test_a_greeting_that_does_not_come(self):
        for action in (Close(), Reset(), Stall(), Reply("421 4.3.2 not now"), Reply("554 5.3.2 never"),
                       ReplyAndClose("421 4.3.2 not now")):
            self.assertFails("connect", action, "rcpt", "4")

    def test_an_ehlo_that_fails(self):
        for action in (Close(), Reset(), Stall(), Reply("421 4.3.2 not now"),
                       ReplyAndClose("421 4.3.2 going")):
            self.assertFails("ehlo", action, "rcpt", "4")

    def test_mail_that_is_refused(self):
        self.assertFails("mail", Reply("451 4.7.1 grey"), "rcpt", "451 4.7.1 grey")
        self.assertFails("mail", Reply("550 5.7.1 not\nfrom you"), "rcpt", "550 5.7.1 not\nfrom you")

    def test_mail_that_fails(self):
        for action in (Close(), Reset(), Stall(), ReplyAndClose("421 4.3.2 going"),
                       Reply("503 5.5.1 sequence"), Reply("530 5.7.0 authenticate")):
            self.assertFails("mail", action, "rcpt", "451")

    def test_a_552_to_mail_means_something_else_to_the_client(self):
        self.assertFails("mail", Reply("552 5.3.4 too big"), "rcpt", "550 5.3.4")

    def test_rcpt_that_is_refused(self):
        for reply in ("450 4.2.1 busy", "550 5.1.1 unknown", "552 5.2.2 full", "550 5.7.1 a\nb\nc"):
            self.assertFails("rcpt", Reply(reply), "rcpt", reply)

    def test_rcpt_that_fails(self):
        for action in (Close(), Reset(), Stall(), ReplyAndClose("421 4.3.2 going"),
                       Reply("502 5.5.1 what")):
            self.assertFails("rcpt", action, "rcpt", "451")

    def test_data_that_is_refused(self):
        for reply in ("451 4.3.0 later", "554 5.7.1 no"):
            self.assertFails("data", Reply(reply), "data", reply)

    def test_data_that_fails(self):
        for action in (Close(), Reset(), Stall(), ReplyAndClose("421 4.3.2 going")):
            self.assertFails("data", action, "data", "451")

    def test_content_that_is_not_taken(self):
        for action in (Close(), Reset(), Stall(), ReplyAndClose("421 4.3.2 going")):
            self.assertFails("body", action, "dot", "451", seconds=3 * BUDGET)

    def test_content_that_is_refused_before_its_end(self):
        self.assertFails("body", ReplyAndClose("552 5.3.4 too much"), "dot", "552 5.3.4 too much")

    def test_a_message_that_is_refused(self):
        for reply in ("450 4.2.0 later", "554 5.7.1 spam\nreally", "552 5.2.2 full"):
            self.assertFails("dot", Reply(reply), "dot", reply)

    def test_a_message_whose_answer_never_comes_is_in_doubt(self):
        for action in (Close(), Reset(), TakeAndClose(), Stall(), ReplyAndClose("421 4.3.2 going")):
            self.assertFails("dot", action, "dot", "451")

    def test_replies_out_of_turn(self):
        for stage in ("ehlo", "mail", "rcpt", "data", "body"):
            self.assertFails(stage, Babble("250 2.0.0 surprise"), None, "451")

    def test_replies_that_are_no_smtp(self):
        for stage in ("connect", "ehlo", "mail", "rcpt"):
            self.assertFails(stage, Babble("\0\xff nonsense"), None, "451")

    def test_slow_answers_within_the_budget_are_waited_for(self):
        self.ours.faults = {"connect": Delay(0.3), "ehlo": Delay(0.3), "mail": Delay(0.3),
                            "rcpt": Delay(0.3), "data": Delay(1), "dot": Delay(1)}
        self.assertReply(self.conversation()["dot"], "250")

    def test_answers_of_one_byte_a_segment(self):
        self.ours.bytewise = True
        try:
            self.ours.faults = {"dot": Reply("550 5.7.1 one\ntwo\nthree")}
            self.assertReply(self.conversation()["dot"], "550 5.7.1 one\ntwo\nthree")
            self.assertFlows()
        finally:
            self.ours.bytewise = False

    def test_a_kept_connection_that_the_destination_closed_is_replaced(self):
        self.assertFlows()
        self.ours.close()
        self.__class__.ours = self.keep(Server(network.OURS))
        self.assertFlows()

    def test_one_side_refusing_the_content_never_costs_the_other_sides_recipient_a_5xx(self):
        with Client(network.ROUTER) as client:
            client.hello()
            # A sender of its own: the split hint that this leaves is none of the other cases' business.
            client.envelope("both@client.test", "alice@example.com", "carol@example.com")
            self.external.faults = {"dot": Reply("554 5.7.1 spam")}
            self.assertReply(client.content(b"x\r\n"), "451")
            self.assertEqual(self.ours.messages, [])

    def test_a_destination_that_is_down_and_comes_back(self):
        self.assertFlows()
        self.external.close()
        started = time.monotonic()
        self.assertReply(self.send(["carol@example.com"]), "451")
        self.assertLess(time.monotonic() - started, BUDGET + 2)
        self.assertReply(self.send(["alice@example.com"]), "250")
        self.__class__.external = self.keep(Server(network.EXTERNAL))
        wait_until(lambda: self.send(["carol@example.com"])[:3] == "250", 20, "external mail flows", 0.2)
        self.assertFlows()


class UnknownDestinations(CaptureCase):
    """An external server that never came up."""

    @classmethod
    def setUpClass(cls):
        super(CaptureCase, cls).setUpClass()
        cls.ours = cls.keep(Server(network.OURS))
        cls.router = cls.keep(SplitMX(cls.build).start(external_up=False))

    def setUp(self):
        self.ours.clear()

    def test_external_recipients_stay_queued_at_the_client_and_ours_do_not(self):
        started = time.monotonic()
        self.assertReply(self.send(["carol@example.com"]), "451 4.4.1")
        self.assertLess(time.monotonic() - started, 1)
        self.assertReply(self.send(["alice@example.com"]), "250")

    def test_postmaster_is_delivered_with_the_external_side_down(self):
        self.assertReply(self.send(["postmaster@example.com"]), "250")
        self.assertReply(self.send(["postmaster"]), "250")
        self.assertEqual(len(self.ours.messages), 2)


class SeveralServers(CaptureCase):
    """Our side has two: that on port 2525 is asked first."""

    router_options = {"ours": f"{network.OURS}:2525 priority 5, {network.OURS}"}

    def states(self, *words):
        """What splitmxctl says of the two."""
        said = run(os.path.join(self.build, "app/splitmxctl/splitmxctl"), "--socket",
                   os.path.join(self.router.directory, "control"), *words).stdout
        return re.findall(rf"^ +{re.escape(network.OURS)}:\d+ priority \d+ weight 1: (\w+)$", said, re.MULTILINE)

    def test_mail_goes_to_the_next_while_the_first_is_away(self):
        self.assertEqual(self.states("route", "alice@example.com"), ["untried", "untried"])
        with contextlib.closing(Server(network.OURS, port=2525)) as first:
            self.assertReply(self.send(["alice@example.com"]), "250")
            self.assertEqual(self.states("domain", "show", "example.com"), ["up", "untried"])
            self.assertEqual((first.recipients(), self.ours.recipients()), (["alice@example.com"], []))
        self.assertReply(self.send(["alice@example.com", "carol@example.com"]), "250")
        self.assertEqual(self.ours.recipients(), ["alice@example.com"])
        for words in (["status"], ["route", "alice@example.com"]):
            self.assertEqual(self.states(*words), ["down", "up"])
        for said in (f"server {network.OURS}:2525 cannot be used", f" next_hop={network.OURS}:25 "):
            wait_until(lambda said=said: any(said in line for line in self.router.mail_log()), 5, said)


class NamedServers(CaptureCase):
    """Our side is found by its name, which is in the hosts file: at first it is not."""

    NAME = "mail.ours.test"
    router_options = {"ours": NAME, "appliance": "resolve_interval = 1s"}

    @classmethod
    def write_hosts(cls, address):
        hosts = etc.private("/etc/hosts")
        with open(hosts, encoding="utf-8") as file:
            others = [line for line in file if cls.NAME not in line]
        with open(hosts, "w", encoding="utf-8") as file:
            file.writelines(others + ([f"{address} {cls.NAME}\n"] if address else []))

    def told(self, what):
        wait_until(lambda: any(what in line for line in self.router.notices()), 10, what)

    def test_mail_follows_the_name(self):
        self.assertReply(self.send(["alice@example.com"]), "451 4.4.3")
        self.write_hosts(network.OURS)
        self.addCleanup(self.write_hosts, None)
        self.told(f"server {self.NAME} is at {network.OURS}")
        self.assertReply(self.send(["alice@example.com"]), "250")
        with contextlib.closing(Server(network.OTHER_CLIENT)) as other:
            self.write_hosts(network.OTHER_CLIENT)
            self.told(f"server {self.NAME} is at {network.OTHER_CLIENT}")
            self.assertReply(self.send(["alice@example.com"]), "250")
            self.assertEqual((self.ours.recipients(), other.recipients()), (["alice@example.com"],) * 2)
