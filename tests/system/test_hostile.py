# SPDX-License-Identifier: BSD-3-Clause
"""Clients that mean no good: afterwards nothing has leaked, and meanwhile mail flows."""
import concurrent.futures
import random
import socket
import threading
import time

from harness import network
from harness.case import CaptureCase
from harness.client import Client
from harness.flood import syn_flood
from harness.process import wait_until
from harness.server import reset

RANDOM_CONNECTIONS, SYNS, SLOW = 10_000, 20_000, 64


class Hostile(CaptureCase):
    seconds = 180
    router_options = {"timeouts": "client_command = 20s\npool_idle = 1s"}

    def setUp(self):
        super().setUp()
        self.assertFlows()
        wait_until(lambda: self.resting()["tcp_connections"] == 0, 20, "idle connections are gone", 0.5)
        self.before = self.resting()
        self.ours.clear()
        self.external.clear()

    def tearDown(self):
        """Everything that is in use at one time only is back to what it was."""
        self.assertFlows()
        wait_until(lambda: self.resting() == self.before, 100, f"nothing is left in use of {self.resting()}", 1)

    def resting(self):
        """What the worker holds now, but for TIME-WAIT, which is bounded and ends by itself."""
        usage = dict(self.router.counters()["workers"]["0"]["usage"])
        del usage["tcp_time_wait"]
        # The port holds these while nothing arrives, give or take a burst.
        usage["buffers_in_use"] //= 256
        return usage

    def test_ten_thousand_connections_of_random_bytes(self):
        def attack(seed):
            rng = random.Random(seed)
            try:
                with socket.create_connection((network.ROUTER, 25), 10) as connection:
                    connection.settimeout(10)
                    for _ in range(rng.randrange(4)):
                        connection.sendall(garbage(rng))
                    end = rng.randrange(3)
                    if end == 0:
                        reset(connection)
                    elif end == 1:
                        connection.shutdown(socket.SHUT_WR)
                        while connection.recv(65536):
                            pass
            except OSError:
                pass  # the router may close on whoever talks like this

        # Some of it may even be a message by chance, and then it may be delivered.
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            list(pool.map(attack, range(RANDOM_CONNECTIONS)))

    def test_floods_of_half_open_connections(self):
        flood = threading.Thread(target=syn_flood, args=(SYNS,))
        flood.start()
        while flood.is_alive():
            self.assertReply(self.send(["alice@example.com"], seconds=10), "250")
        flood.join()

    def test_slow_writers_and_readers(self):
        text = b"MAIL FROM:<s@client.test>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n" + b"x" * 900
        writers = [Client(network.ROUTER) for _ in range(SLOW)]
        readers = []
        for _ in range(SLOW):  # ask much, read nothing
            reader = socket.socket()
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            reader.settimeout(5)
            reader.connect((network.ROUTER, 25))
            reader.setblocking(False)
            readers.append(reader)
        for second in range(15):
            for writer in writers:
                writer.send(text[second:second + 1])
            for reader in readers:
                try:
                    reader.send(b"EHLO x\r\nNOOP\r\n" * 200)
                    reader.recv(1)
                except OSError:
                    pass
            self.assertReply(self.send(["alice@example.com", "carol@example.com"], seconds=10), "250")
            time.sleep(1)
        for connection in writers + readers:
            connection.close()

    def test_clients_that_vanish_in_the_middle_of_content(self):
        for number in range(200):
            with Client(network.ROUTER) as client:
                client.hello()
                client.envelope("s@client.test", "alice@example.com", "carol@example.com")
                client.command("DATA")
                client.send(b"Subject: half\r\n\r\n" + b"text\r\n" * 2000)
                if number % 2:
                    reset(client.socket)
        time.sleep(0.5)
        self.assertEqual(self.ours.messages + self.external.messages, [])


def garbage(rng):
    """Random bytes, random lines, or commands gone wrong."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 2000))
    if kind == 1:
        return b"\r\n".join(rng.randbytes(rng.randrange(60)) for _ in range(20)) + b"\r\n"
    verbs = [b"EHLO x", b"HELO", b"MAIL FROM:<s@c>", b"MAIL FROM:<>", b"RCPT TO:<alice@example.com>",
             b"RCPT TO:<@@>", b"DATA", b"RSET", b"QUIT", b".", b"VRFY x", b"BDAT 10 LAST", b"\0", b"NOOP"]
    lines = [bytearray(rng.choice(verbs)) for _ in range(rng.randrange(1, 10))]
    if kind == 2:
        for line in lines:
            line[rng.randrange(len(line))] = rng.randrange(256)
    return b"\r\n".join(lines) + b"\r\n"
