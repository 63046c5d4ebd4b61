# SPDX-License-Identifier: BSD-3-Clause
"""The harness itself: what the other tests rely on, tried without the router."""
import os

from harness import network, sandbox
from harness.case import Case
from harness.client import Client, answers, deliver
from harness.postfix import Postfix
from harness.process import Program, run, wait_until
from harness.server import Close, Delay, Reply, Server, TakeAndClose, without_trace
from harness.wire import Wire


class Harness(Case):
    @classmethod
    def need_program(cls):
        pass

    def test_postfix_delivers_once_and_refuses_unknown_mailboxes(self):
        server = Postfix("ours", network.OURS, ["alice"]).start()
        self.addCleanup(server.stop)
        self.assertReply(deliver(server.address, "a@client.test", ["alice@example.com"],
                                 b"Subject: one\r\n\r\n.dot\r\n"), "250 2.0.0")
        message, = server.wait_for("alice@example.com")
        self.assertTrue(message.endswith(b"Subject: one\n\n.dot\n"), message)
        self.assertReply(deliver(server.address, "a@client.test", ["dave@example.com"], b""),
                         "550 5.1.1")
        self.assertReply(deliver(server.address, "a@client.test", ["dave@elsewhere.test"], b""),
                         "554 5.7.1")
        server.settle()

    def test_postfix_relays_unknown_recipients_where_told(self):
        other = Server(network.EXTERNAL)
        self.addCleanup(other.close)
        server = Postfix("half", network.OURS, ["alice"], relay_unknown=f"{network.EXTERNAL}:25").start()
        self.addCleanup(server.stop)
        self.assertReply(deliver(server.address, "a@client.test",
                                 ["alice@example.com", "dave@example.com"], b"x\r\n"), "250")
        server.wait_for("alice@example.com")
        server.settle()
        self.assertEqual(other.recipients(), ["dave@example.com"])
        self.assertEqual(other.messages[0].client, network.OURS)

    def test_the_capture_server_keeps_every_byte(self):
        server = Server(network.EXTERNAL)
        self.addCleanup(server.close)
        for content in (b"", b".\r\n..\r\n.a\r\n", b"\r\n\r\n", b"x\x00\xff" * 50000 + b"\r\n"):
            self.assertReply(deliver(server.listener.getsockname()[0], "a@b", ["c@d"], content), "250")
            self.assertEqual(server.messages[-1].content, content)

    def test_the_capture_server_finds_the_end_of_data_at_any_segment_border(self):
        server = Server(network.EXTERNAL)
        self.addCleanup(server.close)
        with Client(network.EXTERNAL) as client:
            client.hello()
            for size in range(1, 12):
                client.envelope("a@b", "c@d")
                client.command("DATA")
                client.send_in_pieces(b"a\r\n..\r\n.b\r\n.\r\n", size, pause=0.001)
                self.assertReply(client.reply(), "250")
                self.assertEqual(server.messages[-1].content, b"a\r\n.\r\nb\r\n")

    def test_the_capture_server_fails_as_told(self):
        server = Server(network.EXTERNAL, faults={
            "rcpt": [Reply("550 5.1.1 not\nhere")], "dot": [TakeAndClose(), Close()]})
        self.addCleanup(server.close)
        self.assertEqual(deliver(network.EXTERNAL, "a@b", ["c@d"], b"x\r\n"), "550 5.1.1 not\nhere")
        for taken in (1, 1):
            with self.assertRaises(ConnectionError):
                deliver(network.EXTERNAL, "a@b", ["c@d"], b"x\r\n")
            self.assertEqual(len(server.messages), taken)

    def test_the_capture_server_resets_at_once_whom_it_drops(self):
        server = Server(network.EXTERNAL)
        self.addCleanup(server.close)
        with Client(network.EXTERNAL, seconds=5) as client:
            client.hello()
            server.drop()
            with self.assertRaises(ConnectionResetError):
                client.reply()
        self.assertReply(deliver(network.EXTERNAL, "a@b", ["c@d"], b"x\r\n"), "250")

    def test_the_capture_server_takes_nothing_more_of_whom_it_has_dropped(self):
        server = Server(network.EXTERNAL, faults={"ehlo": Delay(0.5)})
        self.addCleanup(server.close)
        with Client(network.EXTERNAL, seconds=5) as client:
            client.send("EHLO busy.test\r\n")
            wait_until(lambda: server.commands, what="it is busy")
            server.drop()
            with self.assertRaises(ConnectionError):
                client.command("NOOP")
                client.reply()
        self.assertEqual(server.commands, ["EHLO busy.test"])

    def test_trace_lines_are_told_from_content(self):
        self.assertEqual(without_trace(b"Received: from a\r\n\tby b;\r\n date\r\nSubject: x\r\n"),
                         b"Subject: x\r\n")
        with self.assertRaises(AssertionError):
            without_trace(b"Subject: x\r\n")

    def test_the_wire_loses_duplicates_and_reorders_and_tcp_survives(self):
        wire = Wire(self.build, far="far", seed=7, drop=2, duplicate=1, reorder=2)
        self.addCleanup(wire.close)
        run("ip", "netns", "add", "far")
        self.addCleanup(run, "ip", "netns", "delete", "far")
        run("ip", "link", "set", "far", "netns", "far")
        run("ip", "-n", "far", "address", "add", f"{network.ROUTER}/24", "dev", "far")
        run("ip", "-n", "far", "link", "set", "far", "up")
        sink = Program(os.path.join(sandbox.WORK, "sink.log"), "ip", "netns", "exec", "far",
                       "smtp-sink", "-u", "nobody", f"{network.ROUTER}:25", 64)
        self.addCleanup(sink.stop)
        wait_until(lambda: answers(network.ROUTER), 10, "smtp-sink answers")
        run("smtp-source", "-s", 10, "-m", 50, "-l", 100000, f"{network.ROUTER}:25")
        counts = wire.close()
        for fate, percent in (("lost", 2), ("duplicated", 1), ("reordered", 2)):
            self.assertAlmostEqual(counts[fate] * 100 / counts["in"], percent, delta=1.0, msg=counts)
        self.assertEqual(counts["overrun"] + counts["unsendable"] + counts["kernel_drops"], 0, counts)
