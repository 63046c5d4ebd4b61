# SPDX-License-Identifier: BSD-3-Clause
"""Content passes byte for byte, however it is cut into segments."""
import hashlib
import random

from harness import network
from harness.case import CaptureCase
from harness.client import Client, stuffed
from harness.server import without_trace


class Content(CaptureCase):
    BOTH = ["alice@example.com", "carol@example.com"]

    def assertArrives(self, content, recipients=BOTH, **options):
        """The content reaches every recipient's server unchanged behind one Received: line."""
        self.assertReply(self.send(recipients, content, **options), "250")
        self.assertArrived(content, len(recipients))

    def assertArrived(self, content, servers):
        for server in (self.ours, self.external)[:servers]:
            self.assertEqual(len(server.messages), 1)
            received = without_trace(server.messages[0].content)
            self.assertEqual(len(received), len(content))
            self.assertTrue(received == content, "the content differs")
            server.clear()

    def test_lines_of_dots(self):
        self.assertArrives(b".\r\n..\r\n...\r\n.a\r\n..a\r\n\r\n.\r\n")

    def test_an_empty_message(self):
        self.assertArrives(b"")

    def test_only_a_header_and_an_empty_body(self):
        self.assertArrives(b"Subject: x\r\n\r\n")

    def test_empty_lines(self):
        self.assertArrives(b"\r\n" * 1000)

    def test_lines_of_998_octets(self):
        self.assertArrives((b"a" * 998 + b"\r\n") * 200 + b"." * 998 + b"\r\n")

    def test_every_octet_but_cr_lf_and_nul(self):
        octets = bytes(x for x in range(1, 256) if x not in b"\r\n")
        self.assertArrives((octets + b"\r\n") * 100)

    def test_the_end_of_data_across_every_segment_border(self):
        body = b"Subject: x\r\n\r\n.a\r\n.\r\nend\r\n"
        wire = stuffed(body) + b".\r\n"
        with Client(network.ROUTER) as client:
            client.hello()
            for cut in range(1, len(wire)):
                client.envelope("s@client.test", "alice@example.com")
                self.assertReply(client.command("DATA"), "354")
                client.send_in_pieces(wire[:cut], cut)
                client.send_in_pieces(wire[cut:], len(wire))
                self.assertReply(client.reply(), "250")
                self.assertArrived(body, 1)

    def test_one_byte_a_segment(self):
        body = b"Subject: x\r\n\r\n.a\r\n..\r\n\r\n.\r\nend\r\n" * 5
        with Client(network.ROUTER) as client:
            client.hello()
            client.send_in_pieces(b"MAIL FROM:<s@client.test>\r\n")
            self.assertReply(client.reply(), "250")
            client.send_in_pieces(b"RCPT TO:<alice@example.com>\r\n")
            self.assertReply(client.reply(), "250")
            client.send_in_pieces(b"DATA\r\n")
            self.assertReply(client.reply(), "354")
            client.send_in_pieces(stuffed(body) + b".\r\n")
            self.assertReply(client.reply(), "250")
        self.assertArrived(body, 1)

    def test_random_content_in_random_segments(self):
        random.seed(1)
        with Client(network.ROUTER) as client:
            client.hello()
            for _ in range(50):
                body = b"Subject: x\r\n" + b"".join(random.choice((b".", b"..", b"a", b"\r\n", b"\r\n.", b" " * 500))
                                                for _ in range(random.randrange(200))) + b"\r\n"
                client.envelope("s@client.test", "alice@example.com")
                self.assertReply(client.command("DATA"), "354")
                wire = stuffed(body) + b".\r\n"
                while wire:
                    size = random.randrange(1, 1500)
                    client.socket.send(wire[:size])
                    wire = wire[size:]
                self.assertReply(client.reply(), "250")
                self.assertArrived(body, 1)

    def test_pipelined_commands_with_content_right_behind(self):
        with Client(network.ROUTER) as client:
            client.hello()
            client.send("MAIL FROM:<s@client.test>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n")
            for expected in ("250", "250", "354"):
                self.assertReply(client.reply(), expected)
            client.send(b"one\r\n.\r\nMAIL FROM:<s@client.test>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n")
            for expected in ("250", "250", "250", "354"):
                self.assertReply(client.reply(), expected)
            client.send(b"two\r\n.\r\nQUIT\r\n")
            for expected in ("250", "221"):
                self.assertReply(client.reply(), expected)
        self.assertEqual([without_trace(m.content) for m in self.ours.messages],
                         [b"one\r\n", b"two\r\n"])

    def test_25_megabytes_to_both_sides(self):
        random.seed(25)
        line = random.randbytes(76).hex()[:76].encode() + b"\r\n"
        content = b"".join(b"%08d" % i + line[8:] for i in range(25 * 1024 * 1024 // len(line)))
        for server in (self.ours, self.external):
            server.keep = "digest"
        try:
            self.assertReply(self.send(self.BOTH, content), "250")
        finally:
            for server in (self.ours, self.external):
                server.keep = "content"
        for server in (self.ours, self.external):
            self.assertEqual(server.messages[0].digest, hashlib.sha256(content).hexdigest())

    def test_a_bare_line_feed_is_refused_and_goes_nowhere(self):
        for evil in (b"a\nb\r\n", b"a\rb\r\n", b"a\n.\r\nMAIL FROM:<evil@client.test>\r\n",
                     b"a\r\n.\nRCPT TO:<x@example.com>\r\n", b"a\n.\nx\r\n", b"a\r.\rx\r\n"):
            with self.subTest(evil=evil), Client(network.ROUTER) as client:
                client.hello()
                client.envelope("s@client.test", "alice@example.com")
                self.assertReply(client.command("DATA"), "354")
                client.send(evil + b".\r\n")
                self.assertReply(client.reply(), "550 5.6.11")
                self.assertEqual(self.ours.messages, [])
