# SPDX-License-Identifier: BSD-3-Clause
"""Clients in parallel that know which of their messages were accepted."""
import threading
import time

from . import network
from .client import Client


class Load:
    """`sessions` threads that send messages until stop() or until `count` are accepted.

    make(number) -> (recipients, content). Each number is tried until it is accepted, as a queue
    would; `accepted` has the numbers that got their 250, `trouble` what else happened.
    """

    def __init__(self, make, sessions=10, count=None, source=None, seconds=30):
        self.make, self.count, self.source, self.seconds = make, count, source, seconds
        self.accepted, self.trouble = [], []
        self.lock = threading.Lock()
        self.next = 0
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._session, daemon=True) for _ in range(sessions)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        """Each session ends after its message; returns the accepted numbers."""
        self.stopping.set()
        return self.wait(self.seconds + 10)

    def wait(self, seconds):
        """Wait for the sessions to end, all together so long; returns the accepted numbers."""
        end = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0, end - time.monotonic()))
            if thread.is_alive():
                raise AssertionError(f"sessions hang: {len(self.accepted)} accepted, "
                                     f"trouble: {self.trouble[-5:]}")
        return self.accepted

    def _take_number(self):
        with self.lock:
            if self.stopping.is_set() or (self.count is not None and self.next >= self.count):
                return None
            self.next += 1
            return self.next - 1

    def _session(self):
        number = self._take_number()
        while number is not None:
            try:
                with Client(network.ROUTER, source=self.source, seconds=self.seconds) as client:
                    client.hello()
                    while number is not None:
                        self._send(client, number)
                        number = self._take_number()
            except (OSError, _NotNow) as reason:
                with self.lock:
                    self.trouble.append(f"{number}: {reason!r}")
                if self.stopping.wait(0.05):
                    return

    def _send(self, client, number):
        recipients, content = self.make(number)
        answer = client.message("load@client.test", list(recipients), content)
        if answer[0] != "2":
            raise _NotNow(answer)
        with self.lock:
            self.accepted.append(number)


class _NotNow(Exception):
    """A refusal: the message is tried again on a fresh connection."""
