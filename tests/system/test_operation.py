# SPDX-License-Identifier: BSD-3-Clause
"""What operators do: check, ask, look, stop, start again."""
import os
import time

from harness import network
from harness.case import Case, CaptureCase
from harness.client import Client
from harness.load import Load
from harness.process import run, wait_until
from harness.splitmx import SplitMX

EX_USAGE, EX_CONFIG = 64, 78


class Configuration(Case):
    """Runs that need no port."""

    def splitmx(self, **options):
        return SplitMX(self.build, attach=False, **options)

    def test_a_good_file_passes_the_check(self):
        done = self.splitmx().check("--check")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_check_says_every_error_with_file_and_line(self):
        done = self.splitmx(appliance="colour = green", more="[nonsense]\nx = 1\n",
                            domain_keys="split_domain_routing = maybe").check("--check")
        self.assertEqual(done.returncode, EX_CONFIG, done.stdout)
        for word in ("colour", "nonsense", "split_domain_routing"):
            self.assertRegex(done.stdout, rf"splitmx\.ini:\d+: .*{word}")

    def test_a_bad_file_does_not_start(self):
        done = self.splitmx(appliance="colour = green").check()
        self.assertEqual(done.returncode, EX_CONFIG, done.stdout)

    def test_our_own_address_as_a_next_hop_is_an_error(self):
        done = self.splitmx(external=network.ROUTER).check("--check")
        self.assertEqual(done.returncode, EX_CONFIG, done.stdout)

    def test_an_empty_or_missing_mailbox_file_is_refused(self):
        router = self.splitmx(mailboxes=[])
        self.assertEqual(router.check("--check").returncode, EX_CONFIG)
        os.unlink(os.path.join(router.directory, "example.com.mailboxes"))
        done = router.check("--check")
        self.assertEqual(done.returncode, EX_CONFIG, done.stdout)
        self.assertIn("example.com.mailboxes", done.stdout)

    def test_route_says_where_addresses_would_go(self):
        router = self.splitmx(mailboxes=["alice", "!zoe", "/sales-[0-9]+/"])
        asked = ["alice@example.com", "ALICE@Example.COM", "zoe@example.com", "sales-17@example.com",
                 "nobody@example.com", "alice@elsewhere.test"]
        done = router.check("--route", *asked)
        self.assertEqual(done.returncode, 0, done.stdout)
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        ours, external = f"{network.OURS}:25", f"{network.EXTERNAL}:25"
        self.assertEqual([line[0] for line in lines], asked)
        self.assertEqual([line[1:3] for line in lines[:5]],
                         [["local", ours], ["local", ours], ["external", external],
                          ["local", ours], ["external", external]])
        self.assertEqual(lines[5][1], "refused")

    def test_help_and_version(self):
        binary = self.splitmx().binary
        self.assertIn("--check", run(binary, "--help").stdout)
        self.assertRegex(run(binary, "--version").stdout, r"\d+\.\d+")
        self.assertEqual(run(binary, "--nonsense", check=False).returncode, EX_USAGE)


class Operation(CaptureCase):
    def test_sigusr1_prints_counters_that_count(self):
        before = self.router.counters()
        self.assertFlows()
        after = self.router.counters()
        self.assertNotEqual(before, after)

    def test_every_recipient_has_a_line_in_the_mail_log(self):
        self.send(["alice@example.com", "carol@example.com"])
        lines = wait_until(lambda: [line for line in self.router.mail_log()
                                    if "carol@example.com" in line], 5, "the log line")
        self.assertIn(network.EXTERNAL, lines[-1])
        self.assertTrue(any("alice@example.com" in line and network.OURS in line
                            for line in self.router.mail_log()))

    def test_sigterm_under_load_finishes_what_was_begun_and_exits_0(self):
        load = Load(lambda number: (["alice@example.com"], b"X-Number: %d \r\n\r\n" % number + b"x\r\n" * 5000),
                    sessions=10, seconds=5)
        wait_until(lambda: len(load.accepted) > 50, 20, "load")
        started = time.monotonic()
        self.assertEqual(self.router.stop(40), 0)
        self.assertLess(time.monotonic() - started, 35)
        self.router.start()
        accepted = set(load.stop())
        arrived = {int(m.content.split(b"X-Number: ")[1].split()[0]) for m in self.ours.messages}
        self.assertEqual(accepted - arrived, set())
        self.assertFlows()

    def test_restarting_at_once_works_while_old_clients_are_connected(self):
        with Client(network.ROUTER) as old:
            old.hello()
            self.assertEqual(self.router.stop(40), 0)
            self.router.start()
            self.assertFlows()
