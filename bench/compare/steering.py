# SPDX-License-Identifier: BSD-3-Clause
"""Packets of the tested core are received there: the kernel threads that do it for a veth are pinned.

They can be seen, and pinned, only outside of the sandbox's process namespace.
"""
import os
import threading
import time

PERIOD = 0.2   # seconds


class Steering(threading.Thread):
    """Pins each napi thread of an interface (napi/NAME-N) to a CPU as soon as there is one."""

    def __init__(self, interface, cpu):
        super().__init__(daemon=True)
        self.prefix, self.cpu = f"napi/{interface}-", cpu

    def run(self):
        known = set()
        while True:
            now = {name for name in os.listdir("/proc") if name.isdigit()}
            for name in now - known:
                self._consider(name)
            known = now
            time.sleep(PERIOD)

    def _consider(self, name):
        try:
            with open(f"/proc/{name}/comm", encoding="utf-8", errors="replace") as file:
                if file.read().startswith(self.prefix):
                    os.sched_setaffinity(int(name), {self.cpu})
        except OSError:
            pass  # it has ended
