# SPDX-License-Identifier: BSD-3-Clause
"""What passes between real mail servers of all makes, to the byte, and what must not."""
import re

from harness import network
from harness.client import Client
from harness.pairs import HEADER, MAKES, PAIRS, PairsCase, domain_of

REPAIRING = 2525
LISTENER = f"""\
[listener repairing]
port         = wan
tcp_port     = {REPAIRING}
bare_newline = repair
"""


class Peers(PairsCase):
    sections = LISTENER

    def test_one_side_and_both_get_what_was_sent(self):
        wanted = {}
        for pair in PAIRS:
            domain = domain_of(pair)
            for who in (["alice"], ["dave"], ["bob", "carol"], ["carol", "alice"]):
                content = (HEADER.format("-".join(who + [domain])) + ".\r\n..dots\r\n\r\nend\r\n").encode()
                recipients = [f"{user}@{domain}" for user in who]
                with self.subTest(pair=pair, who=who):
                    replies, answer = self.attempt(content.replace(b"end", b"\xc3\xa9nd"), *recipients)
                    self.assertEqual({reply[:3] for reply in replies}, {"250"})
                    self.assertReply(answer, "250")
                for recipient in recipients:
                    wanted.setdefault(recipient, []).append(content.replace(b"end", b"\xc3\xa9nd"))
        self.assertDelivered(wanted)

    def test_a_refused_recipient_bounces_alone(self):
        wanted = {}
        for pair in PAIRS:
            domain = domain_of(pair)
            content = HEADER.format(domain).encode() + b"text\r\n"
            with self.subTest(pair=pair):
                replies, answer = self.attempt(content, f"alice@{domain}", f"nobody@{domain}", f"carol@{domain}")
                self.assertEqual([reply[:2] for reply in replies], ["25", "55", "25"])
                self.assertReply(answer, "250")
            wanted |= {f"alice@{domain}": [content], f"carol@{domain}": [content]}
        self.assertDelivered(wanted)

    def test_a_big_message_to_both_sides(self):
        wanted = {}
        lines = b"".join(b"%08d .abcdefghijklmnopqrstuvwxyz\r\n.\r\n" % i for i in range(25_000))
        for pair in PAIRS:
            domain = domain_of(pair)
            content = HEADER.format(f"big-{domain}").encode() + lines
            with self.subTest(pair=pair):
                replies, answer = self.attempt(content, f"alice@{domain}", f"carol@{domain}")
                self.assertEqual([reply[:3] for reply in replies], ["250", "250"])
                self.assertReply(answer, "250")
            wanted |= {f"alice@{domain}": [content], f"carol@{domain}": [content]}
        self.assertDelivered(wanted)

    # The ends of data that servers were found to see where there is none (2023 and since), and what is like them.
    SMUGGLED = (b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\n.\r", b"\r.\n", b"\r\n.\r\r\n",
                b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\0\n.\r\n", b"\n\0.\n", b"\0\n.\n", b"\r\n.\n\r\n",
                b"\x85.\x85", b"\xc2\x85.\xc2\x85", b"\x0b.\x0b", b"\xe2\x80\xa8.\xe2\x80\xa8")

    def test_nothing_is_smuggled_in_or_out(self):
        """What is sent is one message: all of it arrives on each side as one, or nothing does."""
        wanted, outcomes = {}, {}
        for make in MAKES:
            domain = domain_of((make, make))
            both = (f"alice@{domain}", f"carol@{domain}")
            evil = f"EHLO evil.test\r\nMAIL FROM:<evil@client.test>\r\nRCPT TO:<bob@{domain}>\r\nDATA\r\nevil\r\n"
            for number, end in enumerate(self.SMUGGLED):
                head = HEADER.format(f"{number}-{make}").encode() + b"text"
                content = head + end + evil.encode()
                cuts = range(len(head), len(head) + len(end) + 1) if make == "postfix" else (len(head), len(content))
                for cut in cuts:
                    with self.subTest(make=make, end=end, cut=cut), Client(network.ROUTER) as client:
                        client.hello()
                        client.envelope("s@client.test", *both)
                        self.assertReply(client.command("DATA"), "354")
                        client.send(content[:cut])
                        client.send(content[cut:] + b".\r\n")
                        answer = client.reply()
                        outcomes.setdefault(end, set()).add(answer[:3])
                        self.assertIn(answer[:3], ("250", "550", "554"), answer)
                        if answer[0] == "2":
                            for address in both:
                                wanted.setdefault(address, []).append(content)
        self.assertDelivered(wanted)
        self.assertTrue(all(len(answers) == 1 for answers in outcomes.values()), outcomes)

    def smuggle(self, port, ends, transfer):
        """The contents that were accepted, by address, and the answers that each end got; transfer(client, content)
        sends one and returns the answer."""
        accepted, outcomes = {}, {}
        for make in MAKES:
            domain = domain_of((make, make))
            both = (f"alice@{domain}", f"carol@{domain}")
            evil = f"EHLO evil.test\r\nMAIL FROM:<evil@client.test>\r\nRCPT TO:<bob@{domain}>\r\nDATA\r\nevil\r\n"
            for number, end in enumerate(ends):
                content = HEADER.format(f"{port}-{number}-{make}").encode() + b"text" + end + evil.encode()
                with self.subTest(make=make, end=end), Client(network.ROUTER, port) as client:
                    client.hello()
                    client.envelope("s@client.test", *both)
                    answer = transfer(client, content)
                    outcomes.setdefault(end, set()).add(answer[:3])
                    if answer[0] == "2":
                        for address in both:
                            accepted.setdefault(address, []).append(content)
        return accepted, outcomes

    def test_nothing_is_smuggled_past_the_repair_of_newlines(self):
        """All of it arrives on each side as one message, with every newline a CRLF; only a NUL is refused."""
        def transfer(client, content):
            self.assertReply(client.command("DATA"), "354")
            client.send(content + b".\r\n")
            return client.reply()

        def mended(content):
            return re.sub(rb"\r\n|\r|\n", b"\r\n", content.replace(b"\r\n.", b"\r\n"))

        accepted, outcomes = self.smuggle(REPAIRING, self.SMUGGLED, transfer)
        self.assertDelivered({address: [mended(c) for c in contents] for address, contents in accepted.items()})
        self.assertEqual(outcomes, {end: {"550" if b"\0" in end else "250"} for end in self.SMUGGLED})

    def test_nothing_is_smuggled_in_chunks(self):
        """An end of data is content there, and bare newlines are refused on any listener."""
        def transfer(client, content):
            client.send(f"BDAT {len(content)} LAST\r\n".encode() + content)
            return client.reply()

        ends = (*self.SMUGGLED, b"\r\n.\r\n", b"\r\n..\r\n.")
        for port in (25, REPAIRING):
            accepted, outcomes = self.smuggle(port, ends, transfer)
            self.assertDelivered(accepted)
            self.assertEqual(outcomes, {end: {"550" if re.search(rb"\0|\r(?!\n)|(?<!\r)\n", end) else "250"}
                                        for end in ends})
            self.setUp()
