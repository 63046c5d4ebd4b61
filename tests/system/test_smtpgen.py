# SPDX-License-Identifier: BSD-3-Clause
"""The traffic generator: among Postfix's own, and around the router; and whether its verdict can be believed."""
import glob
import os
import random
import shutil
import time

from harness import network, sandbox
from harness.client import answers
from harness.process import Program, run, wait_until
from harness.smtpgen import EXPECT, EXTERNAL, LOCAL, OTHER_SOURCE, SOURCE, SmtpgenCase
from harness.splitmx import SplitMX


class SmtpgenAndPostfix(SmtpgenCase):
    """Those whose flags it takes, with the kernel's TCP."""

    def smtp_sink(self, *options):
        program = Program(os.path.join(sandbox.WORK, "smtp-sink.log"), "smtp-sink", "-u", "root", *options,
                          f"{network.OURS}:25", "100")
        self.addCleanup(program.stop)
        wait_until(lambda: answers(network.OURS), 10, "smtp-sink answers")

    def dump(self):
        """A directory for smtp-sink, and a template for the names of its files."""
        directory = os.path.join(sandbox.WORK, "dump")
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        return directory, os.path.join(directory, "%M.")

    def ids(self, directory):
        """The X-Smtpgen fields of all that smtp-sink has dumped."""
        found = []
        for path in glob.glob(os.path.join(directory, "*")):
            with open(path, encoding="utf-8") as file:
                found += [line.split()[1] for line in file if line.startswith("X-Smtpgen: ")]
        return found

    def source(self, *options):
        """smtpgen's source against smtp-sink; the ids of its accepted messages, and its JSON."""
        source = self.generator(1, SOURCE)
        code, said, result = source.run("source", "-t", "user%@example.com:1-100", *options, "--records",
                                        source.records, f"{network.OURS}:25")
        self.assertEqual(code, 0, said)
        with open(source.records, encoding="utf-8") as records:
            rows = [line.split("\t") for line in list(records)[1:]]
        return [row[0] for row in rows if row[3] == "250"], result

    def test_smtp_sink_gets_every_message_of_kept_sessions(self):
        directory, template = self.dump()
        self.smtp_sink("-d", template)
        sent, result = self.source("-d", "-s", "10", "-m", "500", "-r", "3", "--sizes", "1k:3,20k:1")
        self.assertEqual(len(sent), 500)
        self.assertEqual(sorted(self.ids(directory)), sorted(sent))
        self.assertEqual(result["counts"]["recipients_accepted"], 1500)
        self.assertEqual(result["counts"]["connections"], 10)

    def test_smtp_sink_gets_every_message_that_has_a_connection_of_its_own(self):
        directory, template = self.dump()
        self.smtp_sink("-d", template)
        sent, result = self.source("-s", "10", "-m", "300")
        self.assertEqual(len(sent), 300)
        self.assertEqual(sorted(self.ids(directory)), sorted(sent))
        self.assertEqual(result["counts"]["connections"], 300)

    def test_a_server_without_pipelining_is_asked_one_thing_after_the_other(self):
        self.smtp_sink("-p")
        sent, _ = self.source("-d", "-s", "5", "-m", "100", "-r", "4")
        self.assertEqual(len(sent), 100)

    def test_what_smtp_sink_refuses_is_counted_by_its_reply(self):
        self.smtp_sink("-q", "quit", "-f", "rcpt")
        sent, result = self.source("-d", "-s", "2", "-m", "20")
        self.assertEqual(sent, [])
        self.assertEqual(result["counts"]["messages_refused"], 20)
        self.assertEqual(result["failures"]["replies"], {"500": 20})

    def test_smtp_source_finds_a_server(self):
        sink = self.generator(1, LOCAL).start("sink", "--listen", f"{LOCAL}:25")
        wait_until(lambda: answers(LOCAL), 20, "the sink answers")
        for options in (("-s", "5", "-m", "200", "-d"), ("-s", "5", "-m", "100", "-l", "100000")):
            run("smtp-source", *options, "-f", "a@client.test", "-t", "b@example.com", f"{LOCAL}:25")
        counts = sink.finish()["counts"]
        self.assertEqual(counts["messages_accepted"], 300)
        self.assertGreaterEqual(counts["content_bytes"], 100 * 100_000)

    def test_smtp_source_is_refused_as_told(self):
        sink = self.generator(1, LOCAL).start("sink", "-f", "RCPT", "-B", "550 5.1.1 Nobody")
        wait_until(lambda: answers(LOCAL), 20, "the sink answers")
        done = run("smtp-source", "-f", "a@client.test", "-t", "b@example.com", f"{LOCAL}:25", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("550 5.1.1 Nobody", done.stdout)
        sink.finish()

    def test_an_idle_crowd_stands_though_its_server_drops_one_in_five(self):
        sink = self.generator(1, LOCAL).start("sink", "--listen", f"{LOCAL}:25", "-q", "CONNECT:20")
        wait_until(lambda: answers(LOCAL), 20, "the sink answers")
        source = self.generator(2, SOURCE)
        code, said, result = source.run("source", "-d", "-s", "2", "-m", "20", "--idle-sessions", "100",
                                        "-t", "user%@example.com:1-100", f"{LOCAL}:25")
        self.assertEqual(code, 0, said)
        self.assertEqual(result["counts"]["messages_accepted"], 20)
        self.assertGreater(sink.finish()["counts"]["connections"], 102)

    def test_a_server_that_keeps_everything_is_found_out(self):
        self.smtp_sink()
        both = self.generator(1, SOURCE, LOCAL)
        code, said, _ = both.run("both", "-d", "-m", "50", "--listen", f"{LOCAL}:25", "--verify",
                                 f"{network.OURS}:25")
        self.assertEqual(code, 1, said)
        self.assertRegex(said, r"not delivered +50\b")


class SmtpgenAndSplitMX(SmtpgenCase):
    seconds = 180
    targets = ("--local", "alice@example.com", "--local", "bob@example.com",
               "--external", "user%@example.com:1-50", "--mixed", "-r", "3")

    def begin(self, external_up):
        self.router = SplitMX(self.build, ours=LOCAL, external=EXTERNAL).start(external_up)
        self.addCleanup(self.router.close)

    def test_both_verifies_what_went_through_the_router(self):
        self.begin(external_up=False)
        both = self.generator(1, SOURCE, OTHER_SOURCE, LOCAL, EXTERNAL)
        code, said, result = both.run(
            "both", "-d", "-s", "10", "--duration", "6", *self.targets, "--sizes", "1k:8,50k:1",
            "--source", SOURCE, "--source", OTHER_SOURCE, "--listen", f"{LOCAL}:25", "--listen",
            f"{EXTERNAL}:25", "--verify", "--expect", EXPECT, f"{network.ROUTER}:25")
        self.assertEqual(code, 0, said)
        self.assertGreater(result["counts"]["messages_accepted"], 100)
        self.assertGreaterEqual(result["sink"]["counts"]["messages_accepted"],
                                result["counts"]["messages_accepted"])

    def test_what_came_by_bdat_is_verified_where_it_goes_by_data(self):
        self.begin(external_up=False)
        both = self.generator(1, SOURCE, OTHER_SOURCE, LOCAL, EXTERNAL)
        code, said, result = both.run(
            "both", "-d", "-s", "10", "--duration", "3", "--bdat", *self.targets, "--sizes", "1k:8,50k:1",
            "--source", SOURCE, "--source", OTHER_SOURCE, "--listen", f"{LOCAL}:25", "--listen",
            f"{EXTERNAL}:25", "--verify", "--expect", EXPECT, f"{network.ROUTER}:25")
        self.assertEqual(code, 0, said)
        self.assertGreater(result["counts"]["messages_accepted"], 50)

    def test_no_accepted_message_is_lost_where_the_router_is_killed(self):
        sink = self.generator(1, LOCAL, EXTERNAL)
        sink.start("sink", "--listen", f"{LOCAL}:25", "--listen", f"{EXTERNAL}:25", "--sink-records", sink.records)
        wait_until(lambda: answers(LOCAL), 20, "the sink answers")
        self.begin(external_up=True)
        source = self.generator(2, SOURCE)
        source.start("source", "-d", "-s", "20", "--duration", "600", *self.targets, "--sizes", "1k:8,50k:1",
                     "--records", source.records, f"{network.ROUTER}:25")
        random.seed(5)
        for _ in range(5):
            before = self.router_accepted()
            wait_until(lambda: self.router_accepted() > before + 100, 30, "mail flows after the start")
            time.sleep(random.uniform(0, 0.5))
            self.router.kill()
            self.router.start(external_up=False)
        sent = source.finish()["counts"]
        sink.finish()
        self.assertGreater(sent["messages_accepted"], 500)
        self.assertGreaterEqual(sent["connections_lost"], 5, "the router was killed under load")
        code, said = self.verify(source.records, sink.records)
        self.assertEqual(code, 0, said)

    def test_nothing_of_an_idle_crowd_is_left_when_its_source_has_ended(self):
        self.begin(external_up=False)
        source = self.generator(1, SOURCE)
        source.start("source", "--duration", "600", "--idle-sessions", "200", "-d", f"{network.ROUTER}:25")
        wait_until(lambda: self.router_usage("sessions") >= 200, 20, "the crowd stands")
        source.finish()
        wait_until(lambda: self.router_usage("tcp_connections") == 0, 10, "the router has forgotten it")

    def router_usage(self, what):
        return self.router.counters()["workers"]["0"]["usage"][what]

    def router_accepted(self):
        """Messages that this life of the router has passed on."""
        return self.router.relay_counters()["messages"]

    def test_a_sink_with_every_fault_costs_no_accepted_message(self):
        sink = self.generator(1, LOCAL, EXTERNAL)
        sink.start("sink", "--listen", f"{LOCAL}:25", "--listen", f"{EXTERNAL}:25", "--sink-records", sink.records,
                   "-f", "MAIL:2,RCPT:5,.:2", "-r", "MAIL:2,RCPT:5,DATA:2,.:2", "-Q", "RCPT:1", "-q", "DATA:1,.:1",
                   "--sink-reset", "CONTENT:2,RCPT:1", "-W", ".:0.01:30")
        wait_until(lambda: answers(LOCAL), 20, "the sink answers")
        self.begin(external_up=False)
        source = self.generator(2, SOURCE)
        code, said, result = source.run("source", "-d", "-s", "20", "--duration", "10", *self.targets, "--records",
                                        source.records, f"{network.ROUTER}:25")
        self.assertEqual(code, 0, said)
        self.assertGreater(result["counts"]["messages_accepted"], 100)
        self.assertGreater(result["counts"]["messages_refused"], 10)
        sink.finish()
        code, said = self.verify(source.records, sink.records)
        self.assertEqual(code, 0, said)
