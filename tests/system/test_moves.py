# SPDX-License-Identifier: BSD-3-Clause
"""Mailboxes move from the external to the local side in batches while mail flows.

Two kinds of clients send all the while to those who move: smtpgen, as much as goes through, and
witnesses, who know when they asked for a verdict and when they had it. What they were told is then
compared with where each message arrived.
"""
import heapq
import itertools
import os
import signal
import threading
import time

from harness import network
from harness.client import Client, answers
from harness.process import run, wait_until
from harness.smtpgen import EXTERNAL, LOCAL, SOURCE, SmtpgenCase
from harness.splitmx import SplitMX

DOMAIN = "example.com"
SESSIONS = 16


class Witnesses:
    """Clients that send one message after the other to mailboxes of the batch that moves now, under
    subaddresses that nobody else uses."""

    def __init__(self, batches, batch_size, count=3):
        self.batches, self.batch_size, self.batch = batches, batch_size, 0
        self.numbers = itertools.count()
        self.seen = {}  # recipient: (batch, before RCPT, after its answer)
        self.trouble = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
            if thread.is_alive():
                raise AssertionError("a witness hangs")

    def _run(self):
        try:
            with Client(network.ROUTER, seconds=60) as client:
                client.hello()
                while not self.stopping.is_set():
                    self._send(client, next(self.numbers))
        except (OSError, AssertionError) as reason:
            self.trouble.append(repr(reason))

    def _send(self, client, number):
        # Also of those that are about to move, and that have just moved.
        batch = min(max(0, self.batch + number % 3 - 1), self.batches - 1)
        who = f"user{batch * self.batch_size + number % self.batch_size}+{number}@{DOMAIN}"
        answers_ = [client.command("MAIL FROM:<witness@client.test>")]
        before = time.monotonic()
        answers_.append(client.command(f"RCPT TO:<{who}>"))
        after = time.monotonic()
        answers_.append(client.content(b"Subject: witness\r\n\r\nI saw it.\r\n"))
        if any(answer[0] != "2" for answer in answers_):
            self.trouble.append(f"{who}: {answers_}")
            client.command("RSET")
        else:
            self.seen[who] = (batch, before, after)


def rows(path):
    """The records of a file: dicts."""
    with open(path, encoding="utf-8") as file:
        names = file.readline().rstrip("\n").split("\t")
        return [dict(zip(names, line.rstrip("\n").split("\t"))) for line in file]


def began_after(sent):
    """For each of smtpgen's messages, by id: a time at which it had not begun yet, in µs.

    Messages are numbered as they begin. When one does, all before it but those of the other sessions
    have ended.
    """
    latest, bound = [], {}  # the ends of the last SESSIONS of those before it
    for row in sorted(sent, key=lambda r: r["id"]):
        bound[row["id"]] = latest[0] if len(latest) == SESSIONS else 0
        heapq.heappush(latest, int(row["time_us"]))
        if len(latest) > SESSIONS:
            heapq.heappop(latest)
    return bound


class Moves(SmtpgenCase):
    seconds = 300

    def begin(self, batches, size):
        self.batches, self.size = batches, size
        self.sink = self.generator(1, LOCAL, EXTERNAL)
        self.sink.start("sink", "--listen", f"{LOCAL}:25", "--listen", f"{EXTERNAL}:25", "--sink-records",
                        self.sink.records)
        wait_until(lambda: answers(LOCAL), 20, "the sink answers")
        self.router = SplitMX(self.build, ours=LOCAL, external=EXTERNAL,
                              domain_keys="subaddress_delimiter = +").start()
        self.addCleanup(self.router.close)
        self.source = self.generator(2, SOURCE)
        self.source.start("source", "-d", "-s", str(SESSIONS), "-r", "2", "--duration", "600", "--records",
                          self.source.records, "--recipients-file", self.targets(), f"{network.ROUTER}:25")
        self.witnesses = Witnesses(batches, size)
        self.addCleanup(self.witnesses.stopping.set)
        self.moved = []  # by batch: before and after its move
        self.let_mail_flow()

    def users(self, batch):
        return [f"user{number}" for number in range(batch * self.size, (batch + 1) * self.size)]

    def targets(self):
        """Its recipients: in turn one of each batch, so that at any time mail flows to all."""
        return self.router.write("recipients", "".join(
            f"user{batch * self.size + number}@{DOMAIN}\n"
            for number in range(self.size) for batch in range(self.batches)))

    def load(self):
        """How many messages of smtpgen's have gone through, about."""
        seen = len(self.witnesses.seen)
        return self.router.relay_counters()["messages"] - seen

    def let_mail_flow(self):
        """Until every batch has had some of smtpgen's."""
        before = self.load()
        wait_until(lambda: self.load() > before + 2 * self.batches, 60, "mail flows", step=0.1)

    def move_all(self, move):
        for batch in range(self.batches):
            self.witnesses.batch = batch
            count = len(self.witnesses.seen)
            wait_until(lambda: len(self.witnesses.seen) > count + 10 or self.witnesses.trouble, 60,
                       "mail flows", step=0.005)
            before = time.monotonic()
            move(batch)
            self.moved.append((before, time.monotonic()))
        self.let_mail_flow()

    def end(self):
        self.witnesses.stop()
        counts = self.source.finish()["counts"]
        self.sink.finish()
        self.assertEqual(self.witnesses.trouble, [])
        self.assertEqual(counts["messages_refused"], 0)
        self.assertGreater(counts["messages_accepted"], self.batches)
        code, said = self.verify(self.source.records, self.sink.records, None)
        self.assertEqual(code, 0, said)
        received = rows(self.sink.records)
        self.judge_witnesses(received)
        self.judge_load(rows(self.source.records), received)

    def judge_witnesses(self, received):
        """Who was asked before a move went out, who was asked after it came in."""
        where = {}
        for row in received:
            if row["id"] == "-":
                for who in row["recipients"].split():
                    where.setdefault(who, []).append(row["listener"])
        old = new = 0
        for who, (batch, before, after) in self.witnesses.seen.items():
            self.assertEqual(len(where.get(who, [])), 1, f"{who} got {where.get(who)}")
            begun, done = self.moved[batch]
            if after < begun:
                self.assertEqual(where[who], [f"{EXTERNAL}:25"], f"{who}, {begun - after} s before its move")
                old += 1
            elif before > done:
                self.assertEqual(where[who], [f"{LOCAL}:25"], f"{who}, {before - done} s after its move")
                new += 1
        self.assertGreater(old, self.batches)
        self.assertGreater(new, self.batches)

    def judge_load(self, sent, received):
        """Once one message of a batch has gone to our side, none that begins later goes to the other."""
        bound, ends = began_after(sent), {row["id"]: int(row["time_us"]) for row in sent if row["code"] == "250"}
        first_local, external = {}, {}
        for row in received:
            if row["id"] not in ends:
                continue  # the witnesses', and what was under way in the end
            for who in row["recipients"].split():
                batch = int(who[len("user"):who.index("@")]) // self.size
                if row["listener"] == f"{LOCAL}:25":
                    first_local[batch] = min(first_local.get(batch, 1 << 62), ends[row["id"]])
                else:
                    external[batch] = max(external.get(batch, 0), bound[row["id"]])
        self.assertGreater(len(first_local), self.batches * 3 // 4)
        self.assertGreater(len(external), self.batches * 3 // 4)
        for batch, end in first_local.items():
            self.assertLessEqual(external.get(batch, 0), end, f"batch {batch} went back")

    def test_a_reload_for_each_batch_misroutes_nothing(self):
        self.begin(batches=20, size=500)
        lines = ["alice"]

        def move(batch):
            lines.extend(self.users(batch))
            self.router.write_mailboxes(lines)
            self.assertIn("reload: generation", self.router.reload())
        self.move_all(move)
        self.end()

    def move_by_command(self, batch):
        names = self.router.write("batch", "".join(f"{user}\n" for user in self.users(batch)))
        wait = ["--wait"] if batch % 4 == 0 else []
        self.control("--quiet", *wait, "mailbox", "move", "local", DOMAIN, names)

    def control(self, *arguments):
        """What splitmxctl prints."""
        return run(os.path.join(self.build, "app/splitmxctl/splitmxctl"), "--socket",
                   os.path.join(self.router.directory, "control"), *arguments).stdout

    def end_by_command(self):
        """What is in the file now is what is in force."""
        with open(os.path.join(self.router.directory, f"{DOMAIN}.mailboxes"), encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 2 + self.batches * self.size)
        wait_until(lambda: '"reloading":false' in self.control("--json", "status").replace(" ", ""), 30, "reloads end")
        self.assertIn("mailboxes (0 new, 0 gone, 0 turned), 0 moved", self.router.reload())
        self.end()

    def test_a_hundred_batches_by_command_misroute_nothing(self):
        self.begin(batches=100, size=500)
        self.move_all(self.move_by_command)
        self.end_by_command()

    def test_batches_by_command_beside_one_reload_after_the_other_misroute_nothing(self):
        self.begin(batches=40, size=500)
        done = threading.Event()

        def reload_again_and_again():
            while not done.wait(0.02):
                self.router.program.process.send_signal(signal.SIGHUP)
        reloads = threading.Thread(target=reload_again_and_again, daemon=True)
        reloads.start()
        self.addCleanup(done.set)
        self.move_all(self.move_by_command)
        done.set()
        reloads.join()
        self.end_by_command()
