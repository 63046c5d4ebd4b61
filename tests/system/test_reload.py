# SPDX-License-Identifier: BSD-3-Clause
"""SIGHUP: files change while mail flows."""
import itertools
import signal

from harness import network
from harness.case import CaptureCase
from harness.client import Client
from harness.load import Load
from harness.process import wait_until

OTHER = """
[domain other.test]
mailboxes            = other.test.mailboxes
mailbox_server       = {ours}:25
split_domain_routing = yes
external_mail_server = {external}:25
verification_address = {verify}@other.test
"""


class Reload(CaptureCase):
    def setUp(self):
        super().setUp()
        with open(self.router.ini, encoding="utf-8") as file:
            self.ini = file.read()
        self.addCleanup(self.restore)

    def restore(self):
        self.router.write_mailboxes(["alice", "bob"])
        for ini in (self.shrinking(), self.ini):
            self.router.write("splitmx.ini", ini)
            self.assertIn("reload: generation", self.router.reload())

    def shrinking(self):
        return self.ini.replace("[domain example.com]", "[domain example.com]\nmax_shrink = 100")

    def verdict(self, address):
        """What RCPT is told now."""
        with Client(network.ROUTER) as client:
            client.hello()
            return client.envelope("probe@client.test", address)[1]

    def test_a_mailbox_moves_while_mail_flows_and_every_message_is_on_one_side(self):
        load = Load(lambda number: (["mover@example.com"],
                                    b"X-Number: %d \r\n\r\ntext\r\n" % number),
                    sessions=4)
        for lines in itertools.islice(itertools.cycle((["alice", "bob", "mover"], ["alice", "bob"])), 6):
            count = len(load.accepted)
            wait_until(lambda: len(load.accepted) > count + 50, 20, "mail flows")
            self.router.write_mailboxes(lines)
            self.assertIn("reload: generation", self.router.reload())
            self.ours.clear(), self.external.clear()
            there, elsewhere = (self.ours, self.external) if "mover" in lines else (self.external, self.ours)
            wait_until(lambda: len(there.messages) > 20, 20, "mail arrives on the new side")
            # Transactions that had their verdict before the switch may end after clear(): each
            # session has at most one.
            self.assertLessEqual(len(elsewhere.messages), 4)
        load.stop()
        self.assertEqual(load.trouble, [])

    def test_no_message_is_lost_or_doubled_over_reloads(self):
        load = Load(lambda number: (["mover@example.com"],
                                    b"X-Number: %d \r\n\r\ntext\r\n" % number),
                    sessions=8)
        for i in range(10):
            count = len(load.accepted)
            wait_until(lambda: len(load.accepted) > count + 20, 20, "mail flows")
            self.router.write_mailboxes(["alice", "bob", "mover"] if i % 2 else ["alice", "bob"])
            self.assertIn("reload: generation", self.router.reload())
        accepted = load.stop()
        arrived = [int(m.content.split(b"X-Number: ")[1].split()[0])
                   for server in (self.ours, self.external) for m in server.messages]
        self.assertEqual(load.trouble, [])
        self.assertEqual(sorted(arrived), sorted(accepted))

    def test_a_bad_file_is_refused_with_file_and_line_and_the_old_state_stays(self):
        self.router.write_mailboxes(["alice", "bob", "carl", "/(/"])
        said = self.router.reload()
        self.assertIn("reload: refused", said)
        self.assertRegex(said, r"example\.com\.mailboxes:4: ")
        self.assertIn("stays in force", said)
        self.assertFlows()
        self.router.write_mailboxes(["alice", "bob"])
        self.router.write("splitmx.ini", self.ini + "[nonsense]\n")
        self.assertRegex(self.router.reload(), r"splitmx\.ini:\d+: .*nonsense")
        self.assertFlows()

    def test_a_truncated_export_is_refused(self):
        many = [f"user{i}" for i in range(1000)]
        self.router.write_mailboxes(["alice", "bob"] + many)
        self.router.reload()
        self.router.write_mailboxes(["alice", "bob"] + many[:500])
        self.assertIn("has lost 500 of 1002 entries", self.router.reload())
        self.send(["user999@example.com"])
        self.assertEqual(self.ours.recipients(), ["user999@example.com"])
        self.router.write("splitmx.ini", self.shrinking())
        self.assertIn("500 gone", self.router.reload())

    def test_a_domain_comes_with_its_external_server_and_goes(self):
        self.assertReply(self.verdict("x@other.test"), "550 5.7.1")
        self.router.write("other.test.mailboxes", "alice\n")
        self.router.write("splitmx.ini", self.ini + OTHER.format(
            ours=network.OURS, external=network.EXTERNAL, verify="zoe"))
        self.assertIn("1 new", self.router.reload())
        wait_until(lambda: self.verdict("x@other.test").startswith("250"), 10, "it is verified")
        self.send(["alice@other.test", "x@other.test"])
        self.assertEqual(self.ours.recipients(), ["alice@other.test"])
        self.router.write("splitmx.ini", self.ini)
        self.assertIn("1 gone", self.router.reload())
        self.assertReply(self.verdict("x@other.test"), "550 5.7.1")
        self.assertFlows()

    def test_a_verified_server_stays_verified_over_a_reload(self):
        before = self.router.relay_counters()
        for _ in range(5):
            self.router.reload()
            self.assertReply(self.verdict("carol@example.com"), "250")
        after = self.router.relay_counters()
        self.assertEqual(after["probes"], before["probes"])
        self.assertEqual(after["rcpt_external_down"], before["rcpt_external_down"])

    def test_another_verification_address_is_verified_first(self):
        self.router.write("splitmx.ini", self.ini.replace("carol@example.com", "dora@example.com"))
        before = self.router.relay_counters()["probes_accepted"]
        self.router.reload()
        wait_until(lambda: self.router.relay_counters()["probes_accepted"] > before, 10, "a probe")
        self.assertFlows()

    def test_what_cannot_change_while_it_runs_is_said(self):
        self.router.write("splitmx.ini", self.ini.replace("tcp_port = 25", "tcp_port = 26"))
        self.assertIn("[listener smtp] tcp_port has changed: it takes effect at the next start",
                      self.router.reload())
        self.assertFlows()

    def test_a_recipient_keeps_its_verdict_over_a_reload(self):
        with Client(network.ROUTER) as client:
            client.hello()
            self.assertReply(client.envelope("s@client.test", "alice@example.com")[1], "250")
            self.router.write_mailboxes(["bob"])
            self.router.reload()
            self.assertReply(client.command("DATA"), "354")
            self.assertReply(client.command("Subject: x\r\n\r\ntext\r\n."), "250")
        self.assertEqual(self.ours.recipients(), ["alice@example.com"])
        self.assertEqual(self.external.recipients(), [])

    def test_a_moved_mailbox_that_its_new_server_does_not_know_yet_is_deferred_also_after_a_restart(self):
        self.external.judge = lambda rcpt: "550 5.1.1 no such user"
        self.addCleanup(setattr, self.external, "judge", None)
        self.assertReply(self.verdict("nobody@example.com"), "550 5.1.1 no such user")
        self.router.write_mailboxes(["alice"])
        self.assertIn("1 moved", self.router.reload())
        self.assertReply(self.verdict("bob@example.com"), "450 4.1.1")
        self.assertReply(self.verdict("nobody@example.com"), "550 5.1.1 no such user")
        wait_until(lambda: any('word="550 5.1.1 no such user"' in line for line in self.router.mail_log()),
                   5, "the original in the log")
        self.external.judge = lambda rcpt: None if rcpt.startswith("carol") else "550 5.1.1 no such user"
        for stop in (self.router.stop, self.router.kill):
            stop()
            self.router.start()
            self.assertReply(self.verdict("bob@example.com"), "450 4.1.1")
            self.assertReply(self.verdict("nobody@example.com"), "550 5.1.1 no such user")

    def test_it_stops_at_once_in_the_middle_of_a_reload(self):
        self.router.write_mailboxes(["alice", "bob"] + [f"user{i}" for i in range(200000)])
        self.router.program.process.send_signal(signal.SIGHUP)
        self.assertEqual(self.router.stop(), 0)
        self.router.write_mailboxes(["alice", "bob"])
        self.router.start()
        self.assertFlows()

    def test_the_oldest_generation_in_use_waits_for_transactions_that_are_open(self):
        def snapshot():
            return self.router.counters()["snapshot"]
        with Client(network.ROUTER) as client:
            client.hello()
            before = snapshot()["generation"]
            client.envelope("s@client.test", "alice@example.com")
            self.router.reload()
            self.router.reload()
            now = snapshot()
            self.assertEqual((now["generation"], now["oldest_generation"]), (before + 2, before))
            self.assertReply(client.command("RSET"), "250")
            now = snapshot()
            self.assertEqual((now["generation"], now["oldest_generation"]), (before + 2, before + 2))
