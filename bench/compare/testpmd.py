# SPDX-License-Identifier: BSD-3-Clause
"""dpdk-testpmd, told on its standard input what to do."""
import os
import re
import subprocess
import time

from harness import sandbox
from harness.process import wait_until

from systems.splitmx import MEMIF

CYCLES = re.compile(r"total cycles=(\d+) / total \w+ packets=(\d+)\) at (\d+) MHz")


class Testpmd:
    """One process: its prompt on one CPU, its forwarding on another (or the same)."""

    def __init__(self, name, role, prompt_cpu, cpu, *options):
        self.log = os.path.join(sandbox.WORK, f"testpmd-{name}.log")
        # Its statistics go through stdio, which would keep them until the end.
        command = ["stdbuf", "-oL", "dpdk-testpmd", "--in-memory", "--no-pci", f"--file-prefix={name}", "--lcores",
                   f"0@{prompt_cpu},1@{cpu}", "--vdev", MEMIF.format(role), "--", "-i", "--nb-cores=1",
                   "--total-num-mbufs=16384", *options]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["taskset", "-c", f"{prompt_cpu},{cpu}", *command], text=True,
                                            stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)
        wait_until(lambda: "testpmd>" in self.output(), 20, f"testpmd's prompt: {self.output()[-500:]}")

    def output(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def cycles(self):
        """(when, TSC cycles of polls that found packets, packets, MHz), since it started forwarding."""
        known = len(CYCLES.findall(self.output()))
        self.tell("show fwd stats all")
        found = wait_until(lambda: CYCLES.findall(self.output())[known:], 10, "testpmd's statistics")[0]
        return (time.monotonic(), *map(int, found))

    def kill(self):
        """At once: a memif's end that quits while the other polls is no friend of 22.11."""
        self.process.kill()
        self.process.wait()
