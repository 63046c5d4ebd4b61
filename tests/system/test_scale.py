# SPDX-License-Identifier: BSD-3-Clause
"""As many mailboxes as SCALE_MAILBOXES says (50,000 by default): they load, and what that takes is
printed.

    SCALE_MAILBOXES=5000000 python3 tests/system/run.py Scale
"""
import os
import random
import time

from harness import network
from harness.case import Case
from harness.client import Client
from harness.server import Server
from harness.splitmx import SplitMX

MAILBOXES = int(os.environ.get("SCALE_MAILBOXES", "50000"))
DOMAINS = max(1, min(1000, MAILBOXES // 1000))
GIVEN = ("anna ben carla dario elif finn greta hasan ines jan katja liam mona noah olga paul rosa samir tina "
         "uwe vera willem yara zoe").split()
SURNAMES = ("ahmed becker conti dahl evans fischer garcia hansen ito jansen kowalski lopez meyer novak okafor "
            "petrov quinn rossi schmidt tanaka ueda vogel weber yilmaz zhang").split()

SECTION = """
[domain d{number}.test]
mailboxes            = d{number}.test.mailboxes
mailbox_server       = {ours}:25
split_domain_routing = yes
external_mail_server = {external}:25
verification_address = carol@example.com
"""


def name(number):
    """Distinct for each number, and as people are called."""
    given, rest = GIVEN[number % len(GIVEN)], number // len(GIVEN)
    return f"{given}.{SURNAMES[rest % len(SURNAMES)]}{rest // len(SURNAMES) or ''}"


def sizes():
    """Of domains: the second has half as many mailboxes as the first, the third a third, ..."""
    whole = sum(1 / rank for rank in range(1, DOMAINS + 1))
    return [max(1, round(MAILBOXES / whole / rank)) for rank in range(1, DOMAINS + 1)]


class Scale(Case):
    seconds = 120 + MAILBOXES // 5000

    def setUp(self):
        self.ours, self.external = Server(network.OURS), Server(network.EXTERNAL)
        self.sizes = sizes()
        self.router = SplitMX(self.build, appliance="cache = cache", more="".join(SECTION.format(
            number=number, ours=network.OURS, external=network.EXTERNAL) for number in range(DOMAINS)))
        os.mkdir(os.path.join(self.router.directory, "cache"), 0o700)
        for fixture in (self.ours, self.external, self.router):
            self.addCleanup(getattr(fixture, "close", None) or fixture.stop)
        for number, size in enumerate(self.sizes):
            self.write(number, size)

    def write(self, number, size):
        self.router.write(f"d{number}.test.mailboxes", "".join(f"{name(i)}\n" for i in range(size)))

    def take(self, what, action):
        """What an action takes: seconds, memory after it and at most meanwhile."""
        if self.router.program:
            with open(f"/proc/{self.router.program.process.pid}/clear_refs", "w", encoding="ascii") as file:
                file.write("5")  # VmHWM begins anew
        begun = time.monotonic()
        result = action()
        took = time.monotonic() - begun
        with open(f"/proc/{self.router.program.process.pid}/status", encoding="ascii") as file:
            memory = {line.split()[0]: int(line.split()[1]) // 1024 for line in file
                      if line.startswith(("VmHWM:", "VmRSS:"))}
        print(f"        {what}: {took:.1f} s, {memory['VmRSS:']} MiB, at most {memory['VmHWM:']} MiB")
        return result

    def ask(self, addresses, where):
        """Each is accepted, and was meant for this side."""
        for server in (self.ours, self.external):
            server.clear()
        with Client(network.ROUTER) as client:
            client.hello()
            for address in addresses:
                self.assertReply(client.message("a@client.test", [address], b"Subject: x\r\n\r\nx\r\n"), "250")
        self.assertEqual(where.recipients(), addresses)

    def test_they_load_and_a_reload_takes_the_changes_only(self):
        total = sum(self.sizes)
        print(f"        {total} mailboxes in {DOMAINS} domains")
        self.take("start", lambda: self.router.start(seconds=self.seconds))
        some = random.Random(1)
        where = [some.randrange(DOMAINS) for _ in range(100)]
        hits = [f"{name(some.randrange(self.sizes[n]))}@d{n}.test" for n in where]
        misses = [f"{name(self.sizes[n] + some.randrange(1000))}@d{n}.test" for n in where]
        self.ask(hits, self.ours)
        self.ask(misses, self.external)
        self.write(0, self.sizes[0] + 1000)
        self.assertIn("1000 new", self.take("1,000 more, by a reload",
                                             lambda: self.router.reload(seconds=self.seconds)))
        self.ask([f"{name(self.sizes[0] + 999)}@d0.test"], self.ours)
        self.assertEqual(self.router.stop(seconds=60), 0)
        self.take("start again", lambda: self.router.start(seconds=self.seconds))
        self.ask(hits, self.ours)
