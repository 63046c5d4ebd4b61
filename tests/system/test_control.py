# SPDX-License-Identifier: BSD-3-Clause
"""splitmxctl: questions and batches while mail flows."""
import json
import os
import subprocess

from harness import network, splitmx
from harness.capture import Capture
from harness.case import CaptureCase
from harness.client import Client
from harness.process import run, wait_until

EX_USAGE, EX_DATAERR, EX_NOUSER, EX_UNAVAILABLE, EX_OSERR = 64, 65, 67, 69, 71


class Control(CaptureCase):
    @classmethod
    def setUpClass(cls):
        network.create()
        cls.keep(Capture(network.BRIDGE))
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.program = self.router.ctl
        self.socket = os.path.join(self.router.directory, "control")

    def control(self, *words, check=True, **options):
        return run(self.program, "--socket", self.socket, *words, check=check, **options)

    def say(self, *words):
        """The answer's JSON."""
        return json.loads(self.control("--json", "--quiet", *words).stdout)

    def mailboxes(self):
        with open(os.path.join(self.router.directory, "example.com.mailboxes"), encoding="utf-8") as file:
            return file.read().splitlines()

    def side(self, address):
        """Who gets a message for the address now."""
        for server in (self.ours, self.external):
            server.clear()
        self.assertReply(self.send([address]), "250")
        return [name for name, server in (("local", self.ours), ("external", self.external)) if server.messages]

    def test_status_says_what_runs_and_how_the_external_server_is(self):
        status = self.say("status")
        self.assertEqual(status["domains"], 1)
        self.assertEqual([server["state"] for server in status["external_servers"]], ["up"])
        self.assertIn(f"external server {network.EXTERNAL}:25: up", self.control("status").stdout)

    def test_status_says_what_a_destination_lacks_before_it_is_missed(self):
        self.side("alice@example.com")
        known = {d["server"]: d for d in self.say("status")["destinations"]}
        ours = known[f"{network.EXTERNAL}:25"]  # its probe has heard it
        self.assertIn("SMTPUTF8", ours["lacks"])
        self.assertNotIn("SMTPUTF8", ours["offers"])
        self.assertRegex(self.control("status").stdout, rf"destination {network.EXTERNAL}:25: .*; lacks of what we offer:.* SMTPUTF8")

    def test_a_case_that_fails_keeps_what_the_router_says_of_itself(self):
        before = len(self.router.program.output())
        splitmx.say_states()
        self.assertIn('"generation"', self.router.program.output()[before:])
        with open(os.path.join(self.router.directory, "status.log"), encoding="utf-8") as file:
            self.assertIn(f"external server {network.EXTERNAL}:25: up", file.read())

    def test_status_says_that_a_destination_refuses_the_router_itself(self):
        def degraded():
            known = {d["server"]: d["degraded"] for d in self.say("status")["destinations"]}
            return known[f"{network.EXTERNAL}:25"]

        self.assertEqual(self.side("nobody@example.com"), ["external"])
        self.assertFalse(degraded())
        self.external.judge = lambda recipient: f"554 5.7.1 host {network.ROUTER} is blocked"
        self.addCleanup(setattr, self.external, "judge", None)
        self.assertReply(self.send(["nobody@example.com"]), "451 4.3.5")
        self.assertTrue(degraded())
        self.assertIn("degraded: it refuses this relay", self.control("status").stdout)
        self.external.judge = None
        self.assertEqual(self.side("nobody@example.com"), ["external"])
        self.assertFalse(degraded())

    def test_route_explains_by_file_and_line(self):
        said = self.say("route", "ALICE@Example.COM", "nobody@example.com")["routes"]
        self.assertEqual((said[0]["canonical"], said[0]["verdict"], said[0]["line"]), ("alice@example.com", "local", 1))
        self.assertTrue(said[0]["file"].endswith("example.com.mailboxes"))
        self.assertEqual((said[1]["rule"], said[1]["next_hop"]["state"]), ("split", "up"))
        other = self.say("--client", network.EXTERNAL, "route", "nobody@example.com")["routes"][0]
        self.assertEqual((other["client_side"], other["verdict"]), ("external", "same-side"))

    def test_domains_are_listed_and_shown(self):
        self.assertEqual([d["domain"] for d in self.say("domain", "list")["domains"]], ["example.com"])
        self.assertTrue(self.say("domain", "show", "EXAMPLE.com")["split_domain_routing"])
        self.assertEqual(self.control("domain", "show", "no.test", check=False).returncode, EX_NOUSER)

    def test_split_domain_routing_is_switched_in_the_file_and_in_force(self):
        with open(self.router.ini, encoding="utf-8") as file:
            before = file.read()
        self.assertTrue(self.say("--dry-run", "domain", "split", "off", "example.com")["would_change"])
        self.say("domain", "split", "off", "example.com")
        self.assertReply(self.send(["nobody@example.com"]), "550 5.1.1")
        with open(self.router.ini, encoding="utf-8") as file:
            self.assertEqual(file.read(), before.replace("split_domain_routing = yes", "split_domain_routing = no"))
        self.router.write("splitmx.ini", before.replace("split_domain_routing = yes", "split_domain_routing: no"))
        self.say("domain", "split", "on", "Example.COM")
        with open(self.router.ini, encoding="utf-8") as file:
            self.assertIn("split_domain_routing: yes", file.read())
        self.router.write("splitmx.ini", before)
        self.say("domain", "split", "on", "Example.COM")
        with open(self.router.ini, encoding="utf-8") as file:
            self.assertEqual(file.read(), before)
        wait_until(self.router.external_up, 15, "the external server is verified", step=0.1)
        self.assertEqual(self.side("nobody@example.com"), ["external"])

    def test_a_switch_that_the_configuration_refuses_leaves_the_file_as_it_was(self):
        with open(self.router.ini, encoding="utf-8") as file:
            before = file.read()
        other = "\n[domain other.test]\nmailboxes = example.com.mailboxes\nmailbox_server = " + network.OURS + ":25\n"
        self.router.write("splitmx.ini", before + other)
        self.assertEqual(self.say("reload")["domains_added"], 1)
        done = self.control("domain", "split", "on", "other.test", check=False)
        self.assertEqual(done.returncode, EX_DATAERR)
        self.assertIn("external_mail_server", done.stdout)
        with open(self.router.ini, encoding="utf-8") as file:
            self.assertEqual(file.read(), before + other)
        self.router.write("splitmx.ini", before)
        self.assertEqual(self.say("--force", "reload")["domains_removed"], 1)

    def test_a_batch_is_in_force_and_in_the_file_when_the_command_returns(self):
        self.assertEqual(self.side("moved@example.com"), ["external"])
        said = self.say("--wait", "mailbox", "move", "local", "example.com", "moved", "Other@example.com")
        self.assertEqual((said["added"], said["moved"]), (2, 2))
        self.assertEqual(self.side("moved@example.com"), ["local"])
        self.assertEqual(self.mailboxes()[-2:], ["moved", "other"])
        self.assertEqual(self.say("mailbox", "move", "external", "example.com", "moved")["turned"], 1)
        self.assertEqual(self.side("moved@example.com"), ["external"])
        self.assertEqual(self.mailboxes()[-2:], ["!moved", "other"])
        self.assertEqual(self.say("mailbox", "remove", "example.com", "moved", "other")["removed"], 2)
        self.assertEqual(self.side("other@example.com"), ["external"])
        self.assertEqual(self.mailboxes(), ["alice", "bob"])
        self.assertTrue(any("mailbox remove in example.com by uid 0" in line for line in self.router.notices()))

    def test_a_batch_can_be_a_file(self):
        names = self.router.write("batch", "# the third wave\nuser1\n\n  user2@example.com  # late\n")
        self.assertEqual(self.say("mailbox", "add", "example.com", names)["added"], 2)
        done = subprocess.run([self.program, "--socket", self.socket, "mailbox", "remove", "example.com", "-"],
                              input="user1\nuser2\n", capture_output=True, text=True, check=True)
        self.assertIn("removed 2", done.stdout)
        self.assertEqual(self.mailboxes(), ["alice", "bob"])

    def test_a_dry_run_says_what_would_change_and_changes_nothing(self):
        before = self.say("status")["generation"]
        self.assertEqual(self.say("--dry-run", "mailbox", "add", "example.com", "carl", "alice")["added"], 1)
        self.assertEqual(self.side("carl@example.com"), ["external"])
        self.assertEqual(self.mailboxes(), ["alice", "bob"])
        self.assertEqual(self.say("status")["generation"], before)

    def test_one_bad_address_spoils_its_batch(self):
        for bad in ("x@elsewhere.test", "a b", "", "@"):
            done = self.control("mailbox", "add", "example.com", "carl", bad, check=False)
            self.assertEqual(done.returncode, EX_USAGE, done.stdout)
        self.assertEqual(self.side("carl@example.com"), ["external"])
        self.assertEqual(self.mailboxes(), ["alice", "bob"])

    def test_the_last_entry_is_not_removed(self):
        done = self.control("mailbox", "remove", "example.com", "alice", "bob", check=False)
        self.assertEqual(done.returncode, EX_DATAERR, done.stdout)
        self.assertIn("would be empty", done.stdout)
        self.assertEqual(self.side("alice@example.com"), ["local"])
        self.assertEqual(self.mailboxes(), ["alice", "bob"])

    def test_what_the_file_does_not_take_is_taken_back(self):
        obstacle = os.path.join(self.router.directory, "example.com.mailboxes.new")
        os.mkdir(obstacle)
        try:
            done = self.control("mailbox", "add", "example.com", "carl", check=False)
        finally:
            os.rmdir(obstacle)
        self.assertEqual(done.returncode, EX_OSERR, done.stdout)
        self.assertIn("example.com.mailboxes.new", done.stdout)
        self.assertEqual(self.side("carl@example.com"), ["external"])
        self.assertEqual(self.mailboxes(), ["alice", "bob"])

    def test_wait_outlasts_a_transaction_that_has_a_verdict_from_before(self):
        with Client(network.ROUTER) as client:
            client.hello()
            self.assertReply(client.envelope("sender@client.test", "late@example.com")[1], "250")
            command = [self.program, "--socket", self.socket, "--wait", "mailbox", "add", "example.com", "late"]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as waiting:
                self.assertIn("in force", waiting.stderr.readline())
                self.assertIn("waiting", waiting.stderr.readline())
                self.assertEqual(self.say("route", "late@example.com")["routes"][0]["verdict"], "local")
                self.assertIsNone(waiting.poll())
                self.assertReply(client.command("RSET"), "250")
                self.assertEqual(waiting.wait(20), 0)
        self.say("mailbox", "remove", "example.com", "late")

    def test_a_restart_finds_what_was_moved(self):
        self.say("mailbox", "add", "example.com", "kept")
        self.router.stop()
        self.router.start()
        self.assertEqual(self.side("kept@example.com"), ["local"])
        self.say("mailbox", "remove", "example.com", "kept")

    def test_reload_answers_with_what_has_changed_or_why_nothing_has(self):
        self.router.write_mailboxes(["alice", "bob", "dora"])
        self.assertEqual(self.say("reload")["mailboxes_added"], 1)
        self.router.write_mailboxes(["alice", "bob", "/(/"])
        done = self.control("reload", check=False)
        self.assertEqual(done.returncode, EX_DATAERR)
        self.assertRegex(done.stdout, r"example\.com\.mailboxes:3: ")
        self.assertEqual(self.side("dora@example.com"), ["local"])
        self.router.write_mailboxes(["alice", "bob"])
        self.assertEqual(self.say("--force", "reload")["mailboxes_removed"], 1)

    def test_usage_and_nobody_there(self):
        for words in ((), ("mailbox",), ("--dry-run", "reload"), ("--wait", "status"), ("--force", "domain", "list"), ("mailbox", "move", "nowhere", "example.com", "a"), ("status", "x"), ("route",)):
            self.assertEqual(self.control(*words, check=False).returncode, EX_USAGE, words)
        done = run(self.program, "--socket", "/nonexistent/control", "status", check=False)
        self.assertEqual(done.returncode, EX_UNAVAILABLE)
        self.assertIn("mailbox move", run(self.program, "--help").stdout)
        self.assertRegex(run(self.program, "--version").stdout, r"splitmxctl \d")

    def test_nonsense_on_the_socket_does_no_harm(self):
        generation = self.say("status")["generation"]
        talk = f"""
import socket
s = socket.socket(socket.AF_UNIX)
s.connect({self.socket!r})
s.sendall(b'\\xff\\x00{{\\n' + b'[' * 100000 + b'\\n{{"do":"status"')
print(s.recv(100000).decode())
"""
        self.assertIn("bad-json", run("python3", "-c", talk).stdout)
        self.assertEqual(self.say("status")["generation"], generation)
        self.assertFlows()
